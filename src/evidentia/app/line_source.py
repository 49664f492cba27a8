"""Lines of files as a pack's command reads them: through the room of logs, so read-only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from evidentia.errors import LogMissingError
from evidentia.event.values import ByteOffset, LineNumber
from evidentia.log.discovery import discover
from evidentia.log.reader import read_pieces
from evidentia.log.values import (
    Block,
    Break,
    Limits,
    LogFile,
    LogSource,
    Piece,
    Stretch,
    StretchKind,
)
from evidentia.pack.workspace import SourceLine


def lines_of_files(pattern: str, limits: Limits) -> Iterator[SourceLine]:
    """Every line of the files that a path or glob stands for, file by file.

    A line that cannot be held or read whole comes with the reason, and so does what is left of an
    archive that breaks off.

    Raises:
        LogError: A file is not there, or cannot be read.
    """
    discovery = discover([LogSource(pattern=pattern, pack="")])
    for problem in discovery.problems:
        raise problem
    if not discovery.files:
        raise LogMissingError("no file has this name", where=pattern, fix="correct the path")
    for file in discovery.files:
        yield from _lines_of(file, limits)


def _lines_of(file: LogFile, limits: Limits) -> Iterator[SourceLine]:
    pieces = read_pieces(
        file, start=ByteOffset(0), first_line=LineNumber(1), limits=limits, is_closed=True
    )
    with closing(pieces):
        for piece in pieces:
            yield from _lines_in(file.names[0], piece)


def _lines_in(path: str, piece: Piece) -> Iterator[SourceLine]:
    if isinstance(piece, Block):
        yield from _lines_of_block(path, piece)
    elif isinstance(piece, Stretch):
        if piece.kind is StretchKind.NUL_RUN:
            problem = f"{piece.length} NUL bytes, as a crash may leave them"
        else:
            problem = f"the line has {piece.length} bytes, more than the limit"
        yield SourceLine(
            path=path,
            line_no=piece.line,
            byte_offset=piece.start,
            raw=piece.first_bytes.partition(b"\n")[0],
            has_newline=piece.has_newline,
            problem=problem,
        )
    elif isinstance(piece, Break):
        yield SourceLine(
            path=path,
            line_no=piece.line,
            byte_offset=piece.start,
            raw=piece.data,
            has_newline=False,
            problem=f"the archive breaks off here: {piece.detail}",
        )


def _lines_of_block(path: str, block: Block) -> Iterator[SourceLine]:
    place, number = int(block.start), int(block.first_line)
    lines = block.data.split(b"\n")
    # What follows the last newline is a line only where the file ends without one.
    last = lines.pop()
    for raw in lines:
        yield SourceLine(path=path, line_no=number, byte_offset=place, raw=raw)
        place += len(raw) + 1
        number += 1
    if last:
        yield SourceLine(path=path, line_no=number, byte_offset=place, raw=last, has_newline=False)
