"""``evidentia report diff``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.exits import EXIT_DONE, EXIT_FOUND
from evidentia.cli.moments import note_computed
from evidentia.cli.output import Json, Output
from evidentia.cli.plain import counted, shown
from evidentia.cli.report_json import report_json
from evidentia.cli.report_making import Wanted, make
from evidentia.cli.report_options import PackOption, TopOption
from evidentia.cli.session import Session
from evidentia.errors import UsageError
from evidentia.pack.command import TableColumn

if TYPE_CHECKING:
    from evidentia.report.diff import Change, Row


def register_diff(group: typer.Typer) -> None:
    """Add the command to its group."""
    group.command("diff", epilog="Example: evidentia report diff 17 18 --pack cowrie")(diff_command)


def diff_command(
    context: typer.Context,
    first: Annotated[
        str, typer.Argument(metavar="A", help="A batch, a time, or a file that --json wrote.")
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    period: Annotated[
        str, typer.Option(metavar="daily|weekly|monthly", help="Which report to compare.")
    ] = "daily",
    when: Annotated[
        str | None,
        typer.Option(
            "--date", metavar="DATE", help="The period. (default: that of B's newest event)"
        ),
    ] = None,
    pack: PackOption = None,
    top_n: TopOption = None,
) -> int:
    """Say what changed between a report as of one batch and the same report as of another.

    Ends with status 1 where anything did.
    """
    from evidentia.report.diff import differences  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    if period not in ("daily", "weekly", "monthly"):
        raise UsageError(f"{period!r} is no period", fix="one of: daily, weekly, monthly")

    def report_of(text: str, date: str | None) -> Mapping[str, object]:
        if Path(text).is_file():
            return _kept(Path(text))
        wanted = Wanted(period=period, date=date, pack=pack, as_of=text, top_n=top_n)
        made = make(session.workspace(), wanted)
        note_computed(made.reports[0].computed, session.output)
        return json.loads(json.dumps(report_json(made.reports[0])))  # type: ignore[no-any-return]

    # The later one says which day is meant, where nobody did.
    after = report_of(second, when)
    before = report_of(first, when or str(after.get("date")))
    changes = differences(before, after)
    if session.output.is_json:
        session.output.emit(_as_json(before, after, changes))
    else:
        _show(after, changes, session.output)
    return EXIT_FOUND if changes else EXIT_DONE


def _kept(path: Path) -> Mapping[str, object]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError("this file holds no JSON object", where=str(path)) from error
    if not isinstance(found, dict):
        raise UsageError("this file holds no JSON object", where=str(path))
    return found


def _as_json(
    before: Mapping[str, object], after: Mapping[str, object], changes: tuple[Change, ...]
) -> Json:
    return {
        "pack": after.get("pack"),
        "period": after.get("period"),
        "date": after.get("date"),
        "before": before.get("as_of"),
        "after": after.get("as_of"),
        "changes": [
            {
                "section": change.section,
                "label": list(change.label),
                "before": change.before,
                "after": change.after,
            }
            for change in changes
        ],
    }


def _show(after: Mapping[str, object], changes: tuple[Change, ...], output: Output) -> None:
    what = f"{shown(after.get('pack'))} {shown(after.get('period'))} {shown(after.get('date'))}"
    output.say(f"{what}: {counted(len(changes), 'change')}")
    section = None
    rows: list[tuple[str, str, str, str]] = []
    for change in (*changes, None):
        if change is None or change.section != section:
            _show_rows(section, rows, output)
            rows = []
        if change is not None:
            section = change.section
            rows.append(_row(change))


def _show_rows(section: str | None, rows: list[tuple[str, str, str, str]], output: Output) -> None:
    if section is None:
        return
    output.say("")
    output.say(shown(section))
    output.table(
        (
            TableColumn(title=""),
            TableColumn(title="row", is_cut=True),
            TableColumn(title="before", is_cut=True),
            TableColumn(title="after", is_cut=True),
        ),
        rows,
    )


def _row(change: Change) -> tuple[str, str, str, str]:
    mark = "+" if change.before is None else "-" if change.after is None else "~"
    label = " / ".join(shown(part) for part in change.label)
    return mark, label, _values(change.before, change.after), _values(change.after, change.before)


def _values(row: Row | None, other: Row | None) -> str:
    """The values of a row, where there are two only those that differ."""
    if row is None:
        return ""
    return ", ".join(
        f"{name} {shown(value)}"
        for name, value in row.items()
        if other is None or other.get(name) != value
    )
