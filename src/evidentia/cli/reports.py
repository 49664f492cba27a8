"""``evidentia report daily|weekly|monthly`` and ``report diff``."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.moments import AsOfOption, note_computed
from evidentia.cli.new_files import new_file
from evidentia.cli.output import Json, Output
from evidentia.cli.plain import shown_bytes
from evidentia.cli.report_diff import register_diff
from evidentia.cli.report_json import report_json, reports_json
from evidentia.cli.report_making import Made, Wanted, make
from evidentia.cli.report_options import (
    AllSensorsOption,
    ForceOption,
    Format,
    FormatOption,
    OutputOption,
    PackOption,
    SectionOption,
    SensorOption,
    TopOption,
)
from evidentia.cli.report_text import show_report
from evidentia.cli.session import Session
from evidentia.errors import UsageError

if TYPE_CHECKING:
    from typing import BinaryIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a report goes, and in which form; no form is text, or with ``--json`` our object."""

    format: Format | None
    section: str | None
    path: Path | None
    is_forced: bool


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
    register_diff(group)
    app.add_typer(group, name="report")


_NOUNS = {"daily": "day", "weekly": "week", "monthly": "month"}


def _command(period: str) -> Callable[..., None]:
    def report_command(
        context: typer.Context,
        when: Annotated[
            str | None,
            typer.Argument(metavar="DATE", help="The period. (default: that of the newest event)"),
        ] = None,
        pack: PackOption = None,
        as_of: AsOfOption = None,
        form: FormatOption = None,
        output: OutputOption = None,
        is_forced: ForceOption = False,
        top_n: TopOption = None,
        sensors: SensorOption = None,
        is_all_sensors: AllSensorsOption = False,
        section: SectionOption = None,
    ) -> None:
        session: Session = context.obj
        target = Target(format=form, section=section, path=output, is_forced=is_forced)
        check_target(target, session.output)
        wanted = Wanted(
            period=period,
            date=when,
            pack=pack,
            as_of=as_of,
            top_n=top_n,
            sensors=tuple(sensors or ()),
            is_all_sensors=is_all_sensors,
        )
        made = make(session.workspace(), wanted, has_documents=form is Format.JSON)
        for report in made.reports:
            note_computed(report.computed, session.output)
        write(made, target, session.output)

    report_command.__doc__ = f"Report on a {_NOUNS[period]} of a pack's logs."
    return report_command


def check_target(target: Target, output: Output) -> None:
    """Pass if what is asked for fits together.

    Raises:
        UsageError: It does not.
    """
    if output.is_json and target.format is not None:
        raise UsageError(
            "--json and --format say different things",
            fix="--json is our own object, --format json the shape that the pack took over",
        )
    if target.section is not None and target.format is not Format.CSV:
        raise UsageError("--section goes with --format csv", fix="add it, or leave --section out")


def write(made: Made, target: Target, output: Output) -> None:
    """Print reports, or write them to a file, in the form that was asked for."""
    if target.path is None:
        if output.is_json:
            output.emit(reports_json(made.reports))
        elif target.format in (None, Format.TEXT):
            _show(made, output)
        else:
            for piece in _pieces(made, target, output):
                sys.stdout.write(piece)
            sys.stdout.flush()
        return
    with new_file(target.path, is_overwritten=target.is_forced) as file:
        written = _save(_pieces(made, target, output), file)
    if output.is_json:
        output.emit({"path": str(target.path), "bytes": written})
    else:
        output.say(f"wrote {shown_bytes(written)} to {target.path}")


def _save(pieces: Iterator[str], file: BinaryIO) -> int:
    # A lone surrogate of a log is written as an escape long before it comes here.
    return sum(file.write(piece.encode("utf-8", "backslashreplace")) for piece in pieces)


def _pieces(made: Made, target: Target, output: Output) -> Iterator[str]:
    from evidentia.report.html import write_page  # noqa: PLC0415 - start-up time
    from evidentia.report.sheet import write_sheet  # noqa: PLC0415 - start-up time

    if output.is_json:
        yield json.dumps(reports_json(made.reports), indent=2) + "\n"
    elif target.format is Format.HTML:
        yield from write_page(made.reports)
    elif target.format is Format.CSV:
        yield from write_sheet(made.reports, target.section)
    elif target.format is Format.JSON:
        documents: Sequence[Json] = made.documents or [report_json(each) for each in made.reports]
        yield json.dumps(documents[0] if len(documents) == 1 else documents, indent=2) + "\n"
    else:
        yield _as_text(made, output)


def _as_text(made: Made, output: Output) -> str:
    buffer = io.StringIO()
    with contextlib.redirect_stdout(buffer):
        _show(made, Output(verbosity=max(0, output.verbosity)))
    return buffer.getvalue()


def _show(made: Made, output: Output) -> None:
    for place, report in enumerate(made.reports):
        if place:
            output.say("\n")
        show_report(report, output)
