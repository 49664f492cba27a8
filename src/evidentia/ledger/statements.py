"""The events that a ledger writes about itself, and what they say."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from evidentia.event.envelope import RESERVED

FORMAT: Final = 1
CREATED: Final = f"{RESERVED}created.v1"
"""Always the first event: which ledger this is. So every link of the chain depends on it."""
KEY_ROTATED: Final = f"{RESERVED}key_rotated.v1"
"""Signed by the key that goes; the key that it names holds from the next event on."""
RECOVERED: Final = f"{RESERVED}recovered.v1"
"""Bytes that were never acknowledged were cut off at opening, and are kept."""
BREAK_GLASS: Final = f"{RESERVED}break_glass.v1"
"""Stands before the events that a broken glass let in, in their batch."""


class Signing(StrEnum):
    """What a ledger signs."""

    NONE = "none"
    """Nothing: whoever rewrites it recomputes its chain."""
    HMAC = "hmac"
    """Tree heads, under a secret: convinces only those who hold it."""
    HEADS = "heads"
    """Tree heads, by Ed25519."""
    ROWS = "rows"
    """Tree heads and each row, by Ed25519."""


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of ``CREATED``."""

    format: int
    origin: str
    signing: Signing
    verifier_key: str | None


class KeyRotated(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of ``KEY_ROTATED``."""

    previous_key: str
    verifier_key: str


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of ``RECOVERED``."""

    bytes: int
    byte_offset: int
    kept_as: str
    segment: str
    sha256: str


class BrokenGlass(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of ``BREAK_GLASS``."""

    attestation: str
    event_count: int
    reason: str
    reason_code: str
    rules: list[str]
    scope: str
