"""The seal of an acceptance receipt: the SHA-256 of the line before it, newline included."""

from __future__ import annotations

import hashlib
from typing import Final

from evidentia.pack.seal import (
    SealKeys,
    SealReading,
    SealScheme,
    SealVerdict,
    read_members,
    text_of,
)
from evidentia.pack.seal_problems import SealProblems
from evidentia.proof.claims import Level

GENESIS: Final = "genesis"
_SIGN: Final = ("receipt", "pack_content_hash", "prev_hash")
"""The members that tell an acceptance receipt from another row with a ``prev_hash``."""


class AcceptanceChecker:
    """Recomputes what each line has to name as the one before it."""

    def __init__(self, keys: SealKeys) -> None:
        self._keys = keys
        self._previous: str | None = None

    def check(self, raw: bytes) -> SealReading:
        """What the seal of the next line is worth."""
        members = read_members(raw) or {}
        if "prev_hash" not in members:
            reading = SealReading(verdict=SealVerdict.ABSENT)
        else:
            problems = SealProblems()
            stated = text_of(members, "prev_hash") or ""
            is_first = self._previous is None and stated == GENESIS
            problems.link(None if is_first else stated, self._previous, self._keys.predecessors)
            reading = problems.reading(level=Level.CHAIN)
        # The hash is over the line as it stands, whatever it holds.
        self._previous = head_of(raw)
        return reading


def is_sealed(raw: bytes) -> bool:
    """Whether a line is an acceptance receipt."""
    if b'"pack_content_hash"' not in raw:
        return False
    members = read_members(raw) or {}
    return all(name in members for name in _SIGN)


def head_of(raw: bytes) -> str:
    """The hash that the line after this one has to name."""
    return hashlib.sha256(raw + b"\n").hexdigest()


ACCEPTANCE: Final = SealScheme(
    name="pipeline.acceptance",
    title="SHA-256 chain of acceptance receipts",
    covers=("every byte of each line but the last, and the order of the lines",),
    does_not_cover=(
        "the last line: no later line names its hash",
        "a rewrite of a line and of everything after it: the chain has no key",
        "lines cut off at the end",
    ),
    recognises=is_sealed,
    checker=AcceptanceChecker,
    head=head_of,
)
