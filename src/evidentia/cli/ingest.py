"""``evidentia ingest``."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import typer

from evidentia.cli.completion import complete_packs
from evidentia.cli.exits import EXIT_DONE, EXIT_FAILED, EXIT_FOUND
from evidentia.cli.output import Json, Output, problem_json
from evidentia.cli.plain import counted, shown, shown_bytes
from evidentia.cli.session import Session
from evidentia.errors import UsageError
from evidentia.pack.command import TableColumn

if TYPE_CHECKING:
    from evidentia.ingest.values import FileReport, IngestReport, Watch
    from evidentia.log.values import LogSource

_ROWS_MAX: Final = 24


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command(
        "ingest",
        epilog="Example: evidentia ingest --pack cowrie --log '/var/log/cowrie/cowrie.json*'",
    )(ingest_command)


def ingest_command(
    context: typer.Context,
    log: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="A log or glob to read, plain or compressed. Repeatable. "
            "(default: the logs of the configuration)",
        ),
    ] = None,
    pack: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The pack that reads the logs named with --log.",
            autocompletion=complete_packs,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=64,
            metavar="N",
            help="Parser processes; 0 parses in this one. (default: auto)",
        ),
    ] = None,
    is_final: Annotated[
        bool,
        typer.Option("--final", help="The logs will not grow: read a last line without newline."),
    ] = False,
    is_strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 when there are dead letters or gaps.")
    ] = False,
    is_lenient: Annotated[
        bool,
        typer.Option(
            "--lenient",
            help="Accept repeated keys, lone surrogates and byte-order marks, each flagged.",
        ),
    ] = False,
    is_dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and judge everything, write nothing.")
    ] = False,
) -> int:
    """Read the new bytes of every log into the store, exactly once.

    Run it again at any time: it goes on where it stopped. Lines that are not events are kept as
    dead letters; a last line without newline waits until it is complete.
    """
    session: Session = context.obj
    workspace = session.workspace()
    sources = sources_of(log, pack, is_lenient=is_lenient) or list(workspace.config.sources)
    if not sources:
        raise UsageError(
            "there is no log to read",
            fix="name one with --log PATH --pack NAME, or write evidentia.toml "
            "with 'evidentia init'",
        )
    options = replace(workspace.config.options, jobs=jobs, is_final=is_final)
    with _watching(session.output) as watch:
        report = workspace.ingest(sources, watch, options, is_dry_run=is_dry_run)
    if session.output.is_json:
        session.output.emit(_as_json(report))
    else:
        _show(report, session.output)
    return _status(report, is_strict=is_strict)


def sources_of(logs: list[str] | None, pack: str | None, *, is_lenient: bool) -> list[LogSource]:
    """The allow-list that ``--log`` and ``--pack`` make; empty where neither was given.

    Raises:
        UsageError: Only one of them was given.
    """
    from evidentia.log.values import LogSource  # noqa: PLC0415 - start-up time

    if logs and pack is None:
        raise UsageError(
            "--log needs --pack, to know how to read the lines",
            fix="list the packs: evidentia packs",
        )
    if pack is not None and not logs:
        raise UsageError("--pack goes with --log", fix="name a log with --log PATH")
    return [
        LogSource(pattern=_absolute(pattern), pack=pack or "", is_lenient=is_lenient)
        for pattern in logs or []
    ]


def _absolute(pattern: str) -> str:
    # The store remembers the pattern, and the same one means something else in another folder.
    return str(Path(pattern).expanduser().absolute())


def _status(report: IngestReport, *, is_strict: bool) -> int:
    if report.problems or report.is_stopped or any(file.problem for file in report.files):
        return EXIT_FAILED
    return EXIT_FOUND if is_strict and (report.dead_letters or report.gaps) else EXIT_DONE


@contextmanager
def _watching(output: Output) -> Iterator[Watch]:
    """Progress on a terminal, and a first Ctrl-C that ends the run after the batch at hand."""
    from evidentia.cli.progress import progress_bar  # noqa: PLC0415 - start-up time
    from evidentia.ingest.values import Watch  # noqa: PLC0415 - start-up time

    stops: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        if stops and number == signal.SIGINT:
            raise KeyboardInterrupt
        stops.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with progress_bar(output) as bar:
            yield Watch(
                clock=time.monotonic,
                should_stop=lambda: bool(stops),
                on_progress=bar.advance,
                on_total=bar.begin,
                on_merge=bar.merge,
            )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(report: IngestReport, output: Output) -> None:
    changed = [file for file in report.files if file.outcome != "unchanged" or file.tail_bytes]
    if changed:
        output.table(
            (
                TableColumn(title="log", is_cut=True),
                TableColumn(title="events", is_number=True),
                TableColumn(title="dead letters", is_number=True),
                TableColumn(title="bytes", is_number=True),
                TableColumn(title="held back", is_number=True),
                TableColumn(title="outcome"),
            ),
            [_row(file) for file in changed[:_ROWS_MAX]],
        )
    if len(changed) > _ROWS_MAX:
        output.say(f"… and {len(changed) - _ROWS_MAX:,} more logs")
    output.say(_summary(report))
    _show_remarks(report, output)
    for problem in (*report.problems, *(file.problem for file in report.files if file.problem)):
        output.problem(problem)


def _row(file: FileReport) -> tuple[object, ...]:
    name = file.path.rpartition("/")[2]
    return (name, file.events, file.dead_letters, file.bytes_read, file.tail_bytes, file.outcome)


def _summary(report: IngestReport) -> str:
    unchanged = sum(file.outcome == "unchanged" for file in report.files)
    verb = "would store" if report.is_dry_run else "stored"
    rate = report.events / report.seconds if report.seconds > 0 else 0
    rows = f"{counted(report.events, 'event')} and {counted(report.dead_letters, 'dead letter')}"
    source = f"{counted(len(report.files), 'log')} ({shown_bytes(report.bytes_read)})"
    parts = [f"{verb} {rows} from {source} in {report.seconds:.1f} s"]
    if report.events:
        parts.append(f"{rate:,.0f} events/s")
    if unchanged:
        parts.append(f"{unchanged:,} unchanged")
    return ", ".join(parts)


def _show_remarks(report: IngestReport, output: Output) -> None:
    if report.dead_letters and not report.is_dry_run:
        output.say("dead letters: see 'evidentia dead-letters list'")
    for gap in report.gaps:
        output.say(f"gap: {shown(gap.detail)}")
    if report.is_stopped:
        last = next((file for file in report.files if file.outcome == "stopped"), None)
        where = f" in {shown(last.path)} at line {last.next_line - 1:,}" if last else ""
        output.note(f"stopped{where}; everything up to there is committed, run again to go on")


def _as_json(report: IngestReport) -> Json:
    return {
        "is_dry_run": report.is_dry_run,
        "is_stopped": report.is_stopped,
        "events": report.events,
        "dead_letters": report.dead_letters,
        "bytes": report.bytes_read,
        "seconds": round(report.seconds, 3),
        "gaps": [
            {"segment_id": gap.segment_id, "byte_offset": gap.byte_offset, "kind": gap.kind}
            for gap in report.gaps
        ],
        "logs": [_file_json(file) for file in report.files],
        "problems": [problem_json(problem) for problem in report.problems],
    }


def _file_json(file: FileReport) -> Json:
    return {
        "path": file.path,
        "outcome": file.outcome.value,
        "segment_id": file.segment_id,
        "is_new_segment": file.is_new_segment,
        "events": file.events,
        "dead_letters": file.dead_letters,
        "bytes": file.bytes_read,
        "checkpoint": file.checkpoint,
        "next_line": file.next_line,
        "held_back_bytes": file.tail_bytes,
        "gaps": [{"kind": gap.kind, "byte_offset": gap.byte_offset} for gap in file.gaps],
        "problem": problem_json(file.problem) if file.problem else None,
    }
