"""Stretches: bytes too long to hold go by in bounded memory."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from evidentia.event.values import ByteOffset, LineNumber
from evidentia.log.reader import read_pieces
from evidentia.log.values import Block, Limits, LogFile, Piece, Stretch, StretchKind

Written = Callable[..., Path]
Found = Callable[[Path], LogFile]


def pieces_of(file: LogFile, limits: Limits) -> Iterator[Piece]:
    """The pieces of the whole file."""
    return read_pieces(
        file, start=ByteOffset(0), first_line=LineNumber(1), limits=limits, is_closed=True
    )


def length_of(piece: Piece) -> int:
    """How many bytes of the segment a block or stretch covers."""
    return len(piece.data) if isinstance(piece, Block) else getattr(piece, "length", 0)


def test_a_line_of_any_length_is_hashed_and_never_held(written: Written, found: Found) -> None:
    """M45: memory stays below three times the line limit while a far longer line goes by."""
    limits = Limits(block_bytes=256 * 1024, line_bytes_max=1024 * 1024)
    line = b"x" * (40 * 1024 * 1024)
    digest = hashlib.sha256(line).digest()
    file = found(written(line + b"\n{}\n"))
    del line
    tracemalloc.start()

    stretch, block = pieces_of(file, limits)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(stretch, Stretch)
    assert isinstance(block, Block)
    assert (stretch.kind, stretch.sha256) == (StretchKind.LONG_LINE, digest)
    assert (block.data, block.first_line) == (b"{}\n", 2)
    assert peak < 3 * limits.line_bytes_max


def test_a_line_just_within_the_limit_keeps_memory_within_the_bound(
    written: Written, found: Found
) -> None:
    """M45: the longest line that is held whole is copied once, not again and again."""
    limits = Limits(block_bytes=256 * 1024, line_bytes_max=8 * 1024 * 1024)
    file = found(written((b"x" * limits.line_bytes_max + b"\n") * 2))
    tracemalloc.start()

    lengths = list(map(length_of, pieces_of(file, limits)))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lengths == [limits.line_bytes_max + 1] * 2
    assert peak < 3 * limits.line_bytes_max


def test_a_sparse_hole_is_neither_held_nor_a_long_line(tmp_path: Path, found: Found) -> None:
    """M35: a writer without O_APPEND leaves a hole of NULs; its line stands behind it."""
    path = tmp_path / "a.json"
    hole = 64 * 1024 * 1024
    with path.open("wb") as log:
        log.seek(hole)
        log.write(b'{"a":1}\n')
    file = found(path)
    tracemalloc.start()

    run, block = pieces_of(file, Limits(line_bytes_max=2 * 1024 * 1024))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(run, Stretch)
    assert isinstance(block, Block)
    assert (run.kind, run.length, run.line) == (StretchKind.NUL_RUN, hole, 1)
    assert (block.start, block.first_line, block.data) == (hole, 1, b'{"a":1}\n')
    assert peak < 6 * 1024 * 1024
