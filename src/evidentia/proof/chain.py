"""The chain of batches: each batch's link covers its own facts and the link before it.

A link is BLAKE3 in key-derivation mode (the context string separates it from every other hash)
over the previous link and the batch's facts, each integer as eight big-endian bytes, each text
and digest with its length before it, so that no two different batches have equal input.

The chain is keyless: it finds a batch record that was edited, inserted, removed or reordered by
someone who did not recompute every later link. It does not find a rewrite of the whole chain, nor
a missing tail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import blake3

GENESIS: Final = bytes(32)
"""The link before the first batch."""
_CONTEXT: Final = "evidentia 2026-11 batch chain link v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFacts:
    """What a batch's link covers."""

    batch_id: int
    segment_id: int
    byte_start: int
    byte_end: int
    first_line: int
    next_line: int
    event_count: int
    dead_letter_count: int
    blank_bytes: int
    bom_bytes: int
    nul_bytes: int
    digest: bytes
    """BLAKE3 of the bytes ``[byte_start, byte_end)``."""
    run_id: int
    committed_us: int


def link_batch(previous: bytes, facts: BatchFacts) -> bytes:
    """The 32-byte link of a batch after ``previous`` (``GENESIS`` for the first)."""
    hasher = blake3.blake3(derive_key_context=_CONTEXT)
    for digest in (previous, facts.digest):
        hasher.update(len(digest).to_bytes(8, "big"))
        hasher.update(digest)
    for number in (
        facts.batch_id,
        facts.segment_id,
        facts.byte_start,
        facts.byte_end,
        facts.first_line,
        facts.next_line,
        facts.event_count,
        facts.dead_letter_count,
        facts.blank_bytes,
        facts.bom_bytes,
        facts.nul_bytes,
        facts.run_id,
        facts.committed_us,
    ):
        hasher.update(number.to_bytes(8, "big", signed=True))
    return hasher.digest()


class BytesDigest:
    """BLAKE3 of bytes that arrive piece by piece."""

    __slots__ = ("_hasher",)

    def __init__(self) -> None:
        self._hasher = blake3.blake3()

    def update(self, data: bytes | memoryview) -> None:
        """Add the next bytes."""
        self._hasher.update(data)

    def digest(self) -> bytes:
        """The 32-byte digest of everything added so far."""
        return self._hasher.digest()
