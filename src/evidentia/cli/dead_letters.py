"""``evidentia dead-letters list|show|retry|resolve``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from evidentia.cli.output import Json, Output
from evidentia.cli.plain import counted, shown, shown_time
from evidentia.cli.session import Session
from evidentia.errors import UsageError
from evidentia.pack.command import TableColumn

if TYPE_CHECKING:
    from evidentia.store.reader import StoreReader
    from evidentia.store.values import DeadLetter

_RAW_SHOWN: Final = 4_000
_LIMIT_MAX: Final = 1_000_000_000
_ID_MAX: Final = 2**63 - 1
_STATES: Final = ("open", "resolved", "recovered")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    desk = typer.Typer(no_args_is_help=True, help="Lines that are in a log but are not events.")
    desk.command("list", epilog="Example: evidentia dead-letters list --reason syntax")(
        list_command
    )
    desk.command("show", epilog="Example: evidentia dead-letters show 1099511628034")(show_command)
    desk.command("retry", epilog="Example: evidentia dead-letters retry --all")(retry_command)
    desk.command(
        "resolve", epilog="Example: evidentia dead-letters resolve 1099511628034 --reason 'a test'"
    )(resolve_command)
    app.add_typer(desk, name="dead-letters")


def list_command(
    context: typer.Context,
    state: Annotated[
        str, typer.Option(metavar="STATE", help="open, resolved, recovered or all.")
    ] = "open",
    reason: Annotated[str | None, typer.Option(metavar="REASON", help="Only this reason.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=_LIMIT_MAX, metavar="N", help="At most so many.")
    ] = 50,
) -> None:
    """List dead letters, grouped by reason and then one by one."""
    session: Session = context.obj
    if state not in (*_STATES, "all"):
        raise UsageError(f"{state!r} is not a state", fix=f"use {', '.join(_STATES)} or all")
    with session.workspace().store.reader() as reader:
        groups = reader.dead_letter_groups()
        letters = reader.list_dead_letters(
            state=None if state == "all" else state, reason=reason, limit=limit
        )
        paths = {segment.id: segment.path for segment in reader.segments()}
    if session.output.is_json:
        session.output.emit(
            {
                "groups": [
                    {"reason": name, "state": kind, "count": count} for name, kind, count in groups
                ],
                "dead_letters": [letter_json(letter, paths) for letter in letters],
            }
        )
        return
    _show_list(session.output, groups, letters, paths)


def _show_list(
    output: Output,
    groups: tuple[tuple[str, str, int], ...],
    letters: tuple[DeadLetter, ...],
    paths: dict[int, str],
) -> None:
    if not groups:
        output.say("there are no dead letters")
        return
    for reason, state, count in groups:
        output.say(f"{count:>8,}  {reason} ({state})")
    output.say("")
    output.table(
        (
            TableColumn(title="id"),
            TableColumn(title="log:line"),
            TableColumn(title="reason"),
            TableColumn(title="column", is_number=True),
            TableColumn(title="what", is_optional=True),
            TableColumn(title="bytes of the line", is_cut=True),
        ),
        [
            (
                str(letter.row.position),
                f"{_path(letter, paths).rpartition('/')[2]}:{letter.row.line_no}",
                letter.row.reason,
                letter.row.column_no,
                shown(letter.row.detail, width=40),
                _raw(letter, 120),
            )
            for letter in letters
        ],
    )


def _path(letter: DeadLetter, paths: dict[int, str]) -> str:
    from evidentia.event.values import segment_of  # noqa: PLC0415 - start-up time

    return paths[segment_of(letter.row.position)]


def _raw(letter: DeadLetter, width: int) -> str:
    if letter.row.raw is None:
        return f"({letter.row.length:,} bytes, in the log only)"
    return shown(letter.row.raw, width=width)


def letter_json(letter: DeadLetter, paths: dict[int, str]) -> Json:
    """A dead letter as part of a JSON object; its bytes in hexadecimal."""
    from evidentia.event.values import byte_offset_of  # noqa: PLC0415 - start-up time

    row = letter.row
    return {
        "id": row.position,
        "path": _path(letter, paths),
        "line_no": row.line_no,
        "byte_offset": byte_offset_of(row.position),
        "reason": row.reason,
        "column": row.column_no,
        "detail": row.detail,
        "length": row.length,
        "sha256": row.sha256.hex(),
        "raw_hex": None if row.raw is None else row.raw.hex(),
        "state": letter.state,
        "attempts": letter.attempts,
        "resolution": letter.resolution,
        "resolved_by": letter.resolved_by,
        "resolved": shown_time(letter.resolved_us) or None,
    }


def show_command(
    context: typer.Context,
    position: Annotated[int, typer.Argument(max=_ID_MAX, metavar="ID", help="A dead letter's id.")],
) -> None:
    """Show one dead letter with its exact bytes, escaped for the terminal."""
    session: Session = context.obj
    with session.workspace().store.reader() as reader:
        letter = reader.dead_letter(position)
        paths = {segment.id: segment.path for segment in reader.segments()}
    if letter is None:
        raise UsageError(
            f"there is no dead letter {position}", fix="list them: evidentia dead-letters list"
        )
    if session.output.is_json:
        session.output.emit(letter_json(letter, paths))
        return
    row = letter.row
    say = session.output.say
    say(f"{shown(_path(letter, paths))}:{row.line_no}")
    say(f"  reason     {row.reason} at column {row.column_no}: {shown(row.detail)}")
    say(f"  state      {letter.state}, {counted(letter.attempts, 'attempt')}")
    if letter.resolution:
        say(
            f"  resolved   {shown_time(letter.resolved_us)} {shown(letter.resolved_by)}: "
            f"{shown(letter.resolution)}"
        )
    say(f"  sha256     {row.sha256.hex()}")
    say(f"  bytes      {_raw(letter, _RAW_SHOWN)}")


def retry_command(
    context: typer.Context,
    positions: Annotated[
        list[int] | None,
        typer.Argument(max=_ID_MAX, metavar="ID", help="Dead letters to read again."),
    ] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Every open one.")] = False,
    is_lenient: Annotated[
        bool,
        typer.Option(
            "--lenient",
            help="Accept repeated keys, lone surrogates and byte-order marks, each flagged.",
        ),
    ] = False,
) -> int:
    """Read dead letters again with today's pack and limits.

    A line that is an event now takes its place under its own id; every attempt is counted.
    """
    from evidentia.audit.desk import (  # noqa: PLC0415 - start-up time
        RetryOptions,
        letters_at,
        open_positions,
        retry_all,
    )

    session: Session = context.obj
    workspace = session.workspace()
    if bool(positions) == is_all:
        raise UsageError(
            "name dead letters by id, or give --all", fix="list them: evidentia dead-letters list"
        )
    with workspace.store.reader() as reader:
        segments = {segment.id: segment for segment in reader.segments()}
        wanted = open_positions(reader) if is_all else _opened(reader, positions or [])
    options = RetryOptions(limits=workspace.config.options.limits, is_lenient=is_lenient)
    with workspace.writer("dead-letters retry") as writer:
        letters = letters_at(workspace.store, wanted)
        report = retry_all(writer, letters, segments, workspace.packs, options)
    if session.output.is_json:
        session.output.emit(
            {
                "attempted": report.attempted,
                "recovered": report.recovered,
                "outcomes": {str(position): outcome for position, outcome in report.outcomes},
            }
        )
    else:
        session.output.say(
            f"read {counted(report.attempted, 'dead letter')} again: "
            f"{counted(report.recovered, 'event')} recovered, "
            f"{report.attempted - report.recovered:,} not"
        )
    return 0


def _opened(reader: StoreReader, positions: list[int]) -> list[int]:
    """These positions, if each is an open dead letter; else one error for all that are not."""
    found = {position: reader.dead_letter(position) for position in positions}
    problems = [
        f"there is no dead letter {position}"
        if letter is None
        else f"dead letter {position} is {letter.state} already"
        for position, letter in found.items()
        if letter is None or letter.state != "open"
    ]
    if problems:
        raise UsageError("; ".join(problems), fix="list them: evidentia dead-letters list")
    return list(found)


def resolve_command(
    context: typer.Context,
    positions: Annotated[
        list[int], typer.Argument(max=_ID_MAX, metavar="ID", help="Dead letters.")
    ],
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why nothing more is to be done about them.")
    ],
) -> None:
    """Mark dead letters as dealt with, for a stated reason. Nothing is deleted."""
    session: Session = context.obj
    if not reason.strip():
        raise UsageError("--reason is empty", fix="say why, for those who come later")
    workspace = session.workspace()
    with workspace.store.reader() as reader:
        wanted = _opened(reader, positions)
    with workspace.writer("dead-letters resolve") as writer:
        for position in wanted:
            writer.resolve_dead_letter(position, reason)
    if session.output.is_json:
        session.output.emit({"resolved": wanted, "reason": reason})
    else:
        session.output.say(f"resolved {counted(len(wanted), 'dead letter')}")
