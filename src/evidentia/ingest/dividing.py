"""Blocks cut into smaller ones where their lines are very short. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from evidentia.event.values import ByteOffset, LineNumber
from evidentia.log.values import Block, Piece

BLOCK_LINES_MAX: Final = 16_384
"""A line of three bytes becomes a row of some 700, so bytes alone do not bound a block's rows."""


def divided(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same pieces, no block among them with more than ``BLOCK_LINES_MAX`` lines."""
    for piece in pieces:
        if isinstance(piece, Block):
            yield from parts_of(piece)
        else:
            yield piece


def parts_of(block: Block) -> Iterator[Block]:
    """A block in parts of at most ``BLOCK_LINES_MAX`` lines; most blocks are one."""
    data = block.data
    if data.count(b"\n") <= BLOCK_LINES_MAX:
        yield block
        return
    half = len(data) // 2
    cut = (data.rfind(b"\n", 0, half) + 1) or (data.find(b"\n", half) + 1)
    yield from parts_of(Block(start=block.start, first_line=block.first_line, data=data[:cut]))
    yield from parts_of(
        Block(
            start=ByteOffset(block.start + cut),
            first_line=LineNumber(block.first_line + data.count(b"\n", 0, cut)),
            data=data[cut:],
            is_final=block.is_final,
        )
    )
