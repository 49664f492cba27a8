"""The lines of a ledger, read in order and in bounded memory. Reads only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidentia.errors import LedgerError
from evidentia.event.envelope import LINE_BYTES_MAX
from evidentia.ledger.disk import opened_for_reading
from evidentia.ledger.layout import SegmentFile

_FIRST_BLOCK_BYTES: Final = 16 * 1024
"""Whoever wants the first line of a segment, or what little is new, does not read all of it."""
_BLOCK_BYTES: Final = 1024 * 1024
_HELD_BYTES_MAX: Final = 4 * LINE_BYTES_MAX
"""What is longer without a newline is no line of a ledger, and is not held."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its newline, and its place.

    Attributes:
        is_whole: A newline ended it. Without, it is the torn end of its file, or too long to hold
            and broken off.
    """

    path: Path
    byte_offset: int
    raw: bytes
    is_whole: bool = True

    @property
    def byte_end(self) -> int:
        """The byte after the line and its newline."""
        return self.byte_offset + len(self.raw) + self.is_whole


def lines_of(file: SegmentFile, byte_start: int = 0) -> Iterator[Line]:
    """The lines of one segment from a byte on.

    Raises:
        LedgerError: The file cannot be read.
    """
    for start, lines, is_whole in blocks_of(file, byte_start):
        place = start
        for raw in lines:
            yield Line(file.path, place, raw, is_whole)
            place += len(raw) + 1


def blocks_of(file: SegmentFile, byte_start: int = 0) -> Iterator[tuple[int, list[bytes], bool]]:
    """Lines by the block: where the first begins, the lines, and whether newlines ended them."""
    try:
        with opened_for_reading(file.path) as descriptor:
            yield from _blocks(descriptor, byte_start)
    except OSError as error:
        raise LedgerError(
            f"the ledger cannot be read: {error.strerror or error}", where=str(file.path)
        ) from error


def _blocks(descriptor: int, place: int) -> Iterator[tuple[int, list[bytes], bool]]:
    rest = b""
    read_from = place
    size = min(_FIRST_BLOCK_BYTES, _BLOCK_BYTES)
    while data := os.pread(descriptor, size, read_from):
        size = _BLOCK_BYTES
        read_from += len(data)
        lines = (rest + data).split(b"\n")
        rest = lines.pop()
        if lines:
            yield place, lines, True
        place = read_from - len(rest)
        if len(rest) > _HELD_BYTES_MAX:
            break
    if rest:
        yield place, [rest], False
