"""Blocks cut into smaller ones, of as many bytes and lines as are parsed at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from evidentia.event.values import ByteOffset, LineNumber
from evidentia.log.values import Block, Piece

BLOCK_BYTES_MAX: Final = 128 * 1024
"""An eighth of what is usually read at once. The objects on its lines, ten times as many bytes,
stay near the processor until every column was taken from them, which saves a third of the time."""
BLOCK_LINES_MAX: Final = 16_384
"""A line of three bytes becomes a row of some 700, so bytes alone do not bound a block's rows."""


def divided(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same pieces, each block among them in its parts."""
    for piece in pieces:
        if isinstance(piece, Block):
            yield from parts_of(piece)
        else:
            yield piece


def parts_of(block: Block) -> Iterator[Block]:
    """A block in parts of at most so many bytes and lines, or of one line that is longer."""
    data, start, line = block.data, 0, int(block.first_line)
    while start < len(data):
        end = _end_of_part(data, start)
        lines = data.count(b"\n", start, end)
        if lines > BLOCK_LINES_MAX:
            end = _end_of_line(data, start, BLOCK_LINES_MAX)
            lines = BLOCK_LINES_MAX
        is_last = end == len(data)
        yield Block(
            start=ByteOffset(block.start + start),
            first_line=LineNumber(line),
            data=data[start:end],
            is_final=block.is_final and is_last,
        )
        start, line = end, line + lines


def _end_of_part(data: bytes, start: int) -> int:
    """Behind the last line that ends within so many bytes, or behind the first one."""
    last = start + BLOCK_BYTES_MAX
    if len(data) <= last:
        return len(data)
    return data.rfind(b"\n", start, last) + 1 or data.find(b"\n", last) + 1 or len(data)


def _end_of_line(data: bytes, start: int, count: int) -> int:
    """Behind so many lines."""
    for _ in range(count):
        start = data.index(b"\n", start) + 1
    return start
