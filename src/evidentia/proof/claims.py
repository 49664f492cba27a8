"""What may be said about evidence, level by level. The only source of such words.

"Checksum", "chain" and "signed" are facts of a run, not adjectives: ``verify`` prints the level
that this run reached, what that level cannot exclude, and up to where it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Level(IntEnum):
    """How much a verification can promise."""

    READABLE = 0
    CHECKSUM = 1
    CHAIN = 2
    HEAD = 3
    HMAC = 4
    SIGNED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a level lets us say.

    In a sentence, the word N stands for the size of the tree head, and K for the names of the keys
    that signed it: ``sentence_for`` puts them in.
    """

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
    Level.HEAD: Claim(
        level=Level.HEAD,
        name="head kept elsewhere",
        sentence="unchanged since head N, if that copy is honest",
        cannot_exclude="events after the head; an attacker who owns both places",
    ),
    Level.HMAC: Claim(
        level=Level.HMAC,
        name="HMAC",
        sentence="unchanged as far as key holders are trusted",
        cannot_exclude="changes by anyone with the key, ourselves included; "
        "convinces no third party",
    ),
    Level.SIGNED: Claim(
        level=Level.SIGNED,
        name="signed",
        sentence="operator K vouches for exactly these N events",
        cannot_exclude="the key holder rewriting, showing two histories, back-dating",
    ),
}
_PLACEHOLDER: Final = re.compile(r"\b[KN]\b")


def claim_for(level: Level) -> Claim:
    """The sentence, and its limits, for a level."""
    return _CLAIMS[level]


def sentence_for(level: Level, *, size: int, keys: Iterable[str] = ()) -> str:
    """The sentence of a level, about one tree head.

    Args:
        level: The level that was reached.
        size: The size of the head, for N.
        keys: The names of the keys that signed it, for K.
    """
    values = {"N": str(size), "K": ", ".join(keys)}
    return _PLACEHOLDER.sub(lambda word: values[word[0]], _CLAIMS[level].sentence)
