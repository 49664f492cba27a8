"""Ids of ledger events: a time and enough random bits to be nobody else's (RFC 9562 §5.7)."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "evt_"
RANDOM_BYTES: Final = 10


def event_id(now_us: int, random: bytes) -> str:
    """A new id: ``evt_`` and a UUIDv7 of the millisecond and ten random bytes."""
    bits = (now_us // 1000 & (1 << 48) - 1) << 80 | int.from_bytes(random[:RANDOM_BYTES], "big")
    bits = bits & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62
    text = f"{bits:032x}"
    return f"{PREFIX}{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
