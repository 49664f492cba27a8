"""How likely a message is the parent of another: words in common, nearness in time, who speaks.

``score = 0.5 * similarity + 0.3 * closeness + 0.2 * type factor``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evidentia.packs.repair.conversation import Message
from evidentia.packs.repair.text import words_of

SIMILARITY_WEIGHT: Final = 0.5
CLOSENESS_WEIGHT: Final = 0.3
TYPE_WEIGHT: Final = 0.2
WINDOW_SECONDS: Final = 3600
"""Messages further apart than that are not close at all."""
WINDOW_US: Final = WINDOW_SECONDS * 1_000_000

_ANSWERS: Final = {("user", "assistant"): 1.0, ("assistant", "user"): 0.8}
"""Type of the message, type of its parent."""
_SAME_TYPE: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A message that may be a parent, with its score and the parts of it, each from 0 to 1.

    Attributes:
        similarity: Words in common, of all words of both (Jaccard).
        closeness: 1 at the same instant, 0 from an hour on or without times.
        type_factor: 1 for what follows an answer, 0.8 for an answer, 0.3 within one type.
    """

    uuid: str
    score: float
    similarity: float
    closeness: float
    type_factor: float


def closeness_of(message_us: int | None, parent_us: int | None) -> float:
    """How near in time a parent is."""
    if message_us is None or parent_us is None:
        return 0.0
    return max(0.0, 1.0 - (message_us - parent_us) / WINDOW_US)


def type_factor(message_type: str, parent_type: str) -> float:
    """How likely a message of one type follows one of another."""
    if message_type == parent_type:
        return _SAME_TYPE
    return _ANSWERS.get((message_type, parent_type), 0.0)


def answered_type(message_type: str) -> str | None:
    """The type of a message's likeliest parent."""
    return next((parent for child, parent in _ANSWERS if child == message_type), None)


def jaccard(common: int, one: int, other: int) -> float:
    """The share of common words, from the sizes of both sets."""
    every = one + other - common
    return common / every if every else 0.0


def weighed(similarity: float, closeness: float, factor: float) -> float:
    """The score, from its parts."""
    return SIMILARITY_WEIGHT * similarity + CLOSENESS_WEIGHT * closeness + TYPE_WEIGHT * factor


def score_candidate(message: Message, parent: Message) -> Candidate:
    """The score of one message as the parent of another; whether it may be is not asked."""
    one, other = words_of(message.text), words_of(parent.text)
    similarity = jaccard(len(one & other), len(one), len(other))
    closeness = closeness_of(message.ts, parent.ts)
    factor = type_factor(message.type, parent.type)
    return Candidate(
        uuid=parent.uuid,
        score=weighed(similarity, closeness, factor),
        similarity=similarity,
        closeness=closeness,
        type_factor=factor,
    )
