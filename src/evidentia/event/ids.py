"""Ids of ledger events: a time and enough random bits to be nobody else's (RFC 9562 §5.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

PREFIX: Final = "evt_"
RANDOM_BYTES: Final = 10

_DIGITS: Final = 2 * RANDOM_BYTES
_VARIANT: Final = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
"""The first digit of the fourth group keeps two of its bits; the others say which layout it is."""


def event_ids(now_us: int, random: bytes) -> Iterator[str]:
    """New ids, one for each ten random bytes: ``evt_`` and a UUIDv7 of the millisecond and them."""
    time = f"{now_us // 1000 & (1 << 48) - 1:012x}"
    begin = f"{PREFIX}{time[:8]}-{time[8:]}-7"
    digits = random.hex()
    for at in range(0, len(digits) - _DIGITS + 1, _DIGITS):
        each = digits[at : at + _DIGITS]
        yield f"{begin}{each[1:4]}-{_VARIANT[each[4]]}{each[5:8]}-{each[8:]}"
