"""``evidentia export raw``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from evidentia.cli.plain import shown, shown_bytes
from evidentia.cli.session import Session
from evidentia.errors import EvidentiaError, UsageError


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(no_args_is_help=True, help="Give back what the store holds.")
    group.callback()(_group)
    group.command("raw", epilog="Example: evidentia export raw 3 --output cowrie.json.copy")(
        raw_command
    )
    app.add_typer(group, name="export")


def _group() -> None:
    """Give back what the store holds."""


def raw_command(
    context: typer.Context,
    segment: Annotated[
        str,
        typer.Argument(metavar="SEGMENT", help="A segment's number, or its file; see status."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="(default: standard output)"),
    ] = None,
) -> None:
    """Give a segment back, byte for byte as it was read, from the store alone."""
    from evidentia.export.raw import export_raw  # noqa: PLC0415 - start-up time
    from evidentia.log.names import stored_path  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    workspace = session.workspace()
    limits = workspace.config.options.limits
    with workspace.store.reader() as reader:
        path = stored_path(Path(segment).resolve())
        found = [each for each in reader.segments() if segment == str(each.id) or each.path == path]
        if not found:
            raise UsageError(
                f"there is no segment {segment!r}", fix="see the segments: evidentia status --json"
            )
        if output is None:
            export_raw(reader, found[-1], sys.stdout.buffer.write, limits)
            sys.stdout.buffer.flush()
            return
        with new_file(output) as file:
            length = export_raw(reader, found[-1], file.write, limits)
    if session.output.is_json:
        session.output.emit({"segment_id": found[-1].id, "path": str(output), "bytes": length})
    else:
        session.output.say(f"wrote {shown_bytes(length)} to {shown(output)}")


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that was not there before, and is not there afterwards if writing it fails."""
    try:
        with path.open("xb") as file:
            try:
                yield file
            except BaseException:
                path.unlink(missing_ok=True)
                raise
    except FileExistsError as error:
        raise UsageError(
            "this file exists and is not overwritten",
            where=str(path),
            fix="name another one with --output",
        ) from error
    except OSError as error:
        raise EvidentiaError(
            f"the file cannot be written: {error.strerror}", where=str(path)
        ) from error
