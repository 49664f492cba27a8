"""``evidentia report daily|weekly|monthly``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.completion import complete_packs
from evidentia.cli.decisions import gap_json, gap_text
from evidentia.cli.output import Column, Json, Output
from evidentia.cli.plain import counted, shown, shown_time
from evidentia.cli.queries import answer_json, show_answer
from evidentia.cli.session import Session
from evidentia.errors import UsageError

if TYPE_CHECKING:
    from evidentia.app import Workspace
    from evidentia.pack.contract import Pack
    from evidentia.report.periodic import Report, Section
    from evidentia.store.reader import StoreReader

_BAR_MAX = 30
_GAPS_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(no_args_is_help=True, help="Reports over a day, a week or a month.")
    for period, example in (
        ("daily", "2026-01-31"),
        ("weekly", "2026-W05"),
        ("monthly", "2026-01"),
    ):
        group.command(period, epilog=f"Example: evidentia report {period} {example} --pack cowrie")(
            _command(period)
        )
    app.add_typer(group, name="report")


def _command(period: str) -> Callable[..., None]:
    def report_command(
        context: typer.Context,
        when: Annotated[
            str | None,
            typer.Argument(metavar="DATE", help="The period. (default: that of the newest event)"),
        ] = None,
        pack: Annotated[
            str | None,
            typer.Option(
                metavar="NAME",
                help="The pack. (default: the only one in the store)",
                autocompletion=complete_packs,
            ),
        ] = None,
    ) -> None:
        from evidentia.report.periodic import (  # noqa: PLC0415 - start-up time
            Period,
            make_report,
            read_span,
        )

        session: Session = context.obj
        workspace = session.workspace()
        with workspace.store.reader() as reader:
            chosen = _chosen_pack(workspace, reader, pack)
            span = read_span(Period(period), when, reader.latest_us(chosen.name))
            report = make_report(reader, chosen, Period(period), span)
        if session.output.is_json:
            session.output.emit(_as_json(report))
        else:
            _show(report, session.output)

    report_command.__doc__ = f"Report on a {_NOUNS[period]} of a pack's logs, on the terminal."
    return report_command


_NOUNS = {"daily": "day", "weekly": "week", "monthly": "month"}


def _chosen_pack(workspace: Workspace, reader: StoreReader, name: str | None) -> Pack:
    if name is not None:
        return workspace.pack(name)
    present = sorted({segment.pack for segment in reader.segments()})
    if len(present) != 1:
        raise UsageError(
            f"the store holds logs of {len(present)} packs",
            fix=f"choose one with --pack {'|'.join(present)}" if present else "ingest a log first",
        )
    return workspace.pack(present[0])


def _show(report: Report, output: Output) -> None:
    output.say(f"{report.title}, {report.span.label}")
    output.say(
        f"{shown_time(report.span.since_us)} to {shown_time(report.span.until_us)}, "
        f"{counted(report.counts.events, 'event')}"
    )
    for section in report.sections:
        output.say("")
        output.say(section.title)
        if section.style.value == "bars" and section.answer.rows:
            _show_bars(section, output)
        else:
            show_answer(section.answer, output)
    counts = report.counts
    output.say("")
    output.say(
        f"behind this report: {counted(counts.events, 'event')} of the period; "
        f"{counted(counts.untimed_events, 'event')} without a usable time; "
        f"{counted(counts.open_dead_letters, 'open dead letter')}; {counted(counts.gaps, 'gap')}"
    )
    for gap in report.gaps[:_GAPS_SHOWN]:
        output.say(gap_text(gap))
    if len(report.gaps) > _GAPS_SHOWN:
        output.say(f"… and {len(report.gaps) - _GAPS_SHOWN:,} more gaps: see 'evidentia status'")


def _show_bars(section: Section, output: Output) -> None:
    rows = section.answer.rows
    longest = max((row[-1] for row in rows if isinstance(row[-1], int | float)), default=0)
    columns = section.answer.columns
    output.table(
        (
            Column(title=columns[0].title, is_cut=True),
            Column(title=columns[-1].title, is_number=True),
            Column(title=""),
        ),
        [(_label(section, row[0]), row[-1], _bar(row[-1], longest)) for row in rows],
    )


def _label(section: Section, value: object) -> str:
    if section.answer.columns[0].type.value == "time" and isinstance(value, int):
        return shown_time(value)
    return shown(value, width=60)


def _bar(value: object, longest: float) -> str:
    if not isinstance(value, int | float) or longest <= 0:
        return ""
    return "█" * max(1, round(_BAR_MAX * value / longest)) if value > 0 else ""


def _as_json(report: Report) -> Json:
    counts = report.counts
    return {
        "pack": report.pack,
        "period": report.period.value,
        "date": report.span.label,
        "since": shown_time(report.span.since_us),
        "until": shown_time(report.span.until_us),
        "events": counts.events,
        "untimed_events": counts.untimed_events,
        "open_dead_letters": counts.open_dead_letters,
        "gaps": counts.gaps,
        "known_gaps": [gap_json(gap) for gap in report.gaps],
        "sections": [
            {"section": section.title, **answer_json(section.answer)} for section in report.sections
        ],
    }
