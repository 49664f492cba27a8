"""The values of the ledger room."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

from evidentia.event.envelope import LINE_BYTES_MAX
from evidentia.ledger.disk import Disk
from evidentia.proof.keys import Signer

SEGMENT_BYTES_MAX: Final = 64 * 1024 * 1024
"""A segment that has reached this size is closed. Opening reads one segment: some 0.5 s."""
RESERVE_BYTES: Final = 1024 * 1024
"""Left free on the disk: a full one is noticed before the first byte of a batch, and room remains
for a head."""
HEAD_EVENTS: Final = 10_000
"""A head is signed at the latest after as many events, and at each clean close."""


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """An event is on the disk. A struct, because one is made for each event that is appended.

    Attributes:
        is_repeat: It was there before this call, with the same content.
    """

    id: str
    sequence: int
    event_hash: str
    is_repeat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptHead:
    """A tree head as it is kept in a second place.

    Attributes:
        note: The signed tree head's bytes; empty where heads are not signed.
    """

    origin: str
    size: int
    root: bytes
    note: bytes


class HeadKeeper(Protocol):
    """A second place for the last head, so that an older copy of a ledger is noticed."""

    def last(self, origin: str) -> KeptHead | None:
        """The head that is kept for a ledger."""

    def replace(self, old: KeptHead | None, new: KeptHead) -> None:
        """Put ``new`` in the place of ``old``, if that is what is kept.

        Raises:
            LedgerDamagedError: Another head is kept.
        """


def _utc_microseconds() -> int:
    return time.time_ns() // 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerOptions:
    """How a ledger is written.

    Attributes:
        clock: UTC microseconds.
        random: So many random bytes.
        signer: Signs heads and, in a ledger that signs them, rows.
        keeper: Where the last head is kept beside the ledger.
        required_rules: Rule ids that every policy decision must hold.
        wait_seconds: How long opening waits while another process appends.
    """

    clock: Callable[[], int] = _utc_microseconds
    random: Callable[[int], bytes] = os.urandom
    signer: Signer | None = None
    keeper: HeadKeeper | None = None
    required_rules: tuple[str, ...] = ()
    wait_seconds: float = 0.0
    segment_bytes_max: int = SEGMENT_BYTES_MAX
    line_bytes_max: int = LINE_BYTES_MAX
    reserve_bytes: int = RESERVE_BYTES
    head_events: int = HEAD_EVENTS
    disk: Disk = field(default_factory=Disk)
