"""What may be said about evidence, level by level. The only source of such words.

"Checksum", "chain" and "signed" are facts of a run, not adjectives: ``verify`` prints the level
that this run reached, what that level cannot exclude, and up to where it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Level(IntEnum):
    """How much a verification can promise."""

    READABLE = 0
    CHECKSUM = 1
    CHAIN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a level lets us say."""

    level: Level
    name: str
    sentence: str
    cannot_exclude: str


_CLAIMS: Final = {
    Level.READABLE: Claim(
        level=Level.READABLE,
        name="readable",
        sentence="readable",
        cannot_exclude="anything well-formed: nothing was compared",
    ),
    Level.CHECKSUM: Claim(
        level=Level.CHECKSUM,
        name="checksum",
        sentence="no accidental damage found",
        cannot_exclude="changes by anyone who edits both the log and the store",
    ),
    Level.CHAIN: Claim(
        level=Level.CHAIN,
        name="hash chain",
        sentence="internally consistent",
        cannot_exclude="a rewrite of everything after a change; a cut tail; an edited last line",
    ),
}


def claim_for(level: Level) -> Claim:
    """The sentence, and its limits, for a level."""
    return _CLAIMS[level]
