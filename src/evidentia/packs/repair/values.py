"""What replaying, checking and taking back repair events gives. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PATH_SHOWN: Final = 12
"""Messages of a cycle that a text names."""
PATH_KEPT: Final = 32
"""Messages that are kept of each end of a cycle, so that many refusals stay small."""


class RefusalReason(StrEnum):
    """Why an event has no effect. The words are stable: they are shown and exported."""

    VALIDATION_FAILED = "validation_failed"
    DUPLICATE_ID = "duplicate_id"
    CYCLE = "cycle"
    UNKNOWN_TARGET = "unknown_target"
    """A revert of an event that no earlier one is."""
    OTHER_MESSAGE = "other_message"
    """A revert of an event about another message."""
    NOT_ACTIVE = "not_active"
    """A revert of an event that was refused, is switched off, or that a later one superseded."""


class StopReason(StrEnum):
    """Why a replay went no further. The words are stable."""

    BAD_DIGEST = "bad_digest"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    """More than a store keeps of one session; a replay has no such limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An event that was kept and not applied.

    Attributes:
        position: Its place in the order.
        earlier_position: Of a second occurrence, where the first is.
        path: Of a cycle, the messages from the repaired one up to itself; of a long one both ends.
        detail: One sentence.
    """

    position: int
    event_id: str
    reason: RefusalReason
    detail: str
    earlier_position: int | None = None
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The event at which a replay ended: what comes from it on is not in the result."""

    position: int
    event_id: str
    reason: StopReason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildingOn:
    """An active repair that began with the parent which a repair gave that is now switched off."""

    event_id: str
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """What a session's repair events come to.

    ``total_events`` is the sum of active, reverted, revert, refused, skipped and pending events.

    Attributes:
        message_parents: The parent of every message that an accepted repair was about, None
            included. Other messages have the parent that the conversation says.
        total_events: All events that were handed in.
        active_events: Repairs that count. One may stand behind a later one of its message.
        reverted_events: Repairs that are switched off.
        revert_events: Reverts that were accepted.
        refused_events: Events without effect; ``refusals`` says why.
        skipped_events: Events left out because the caller said so.
        pending_events: Events from a stop on, the stopping one included.
        messages_repaired: Messages whose parent an active repair sets.
        active_event_ids: The active repairs, in their order.
        building_on: Active repairs whose old parent came from one that is switched off.
        errors: Refusals, stop and skipped events as sentences.
        session_digest: Over the events up to the stop; see ``calculate_session_digest``.
        last_event_id: The last event that the result reflects.
        last_position: Its position.
    """

    message_parents: Mapping[str, str | None]
    total_events: int
    active_events: int
    reverted_events: int
    revert_events: int
    refused_events: int
    skipped_events: int
    pending_events: int
    messages_repaired: int
    active_event_ids: tuple[str, ...]
    building_on: tuple[BuildingOn, ...]
    refusals: tuple[Refusal, ...]
    skipped: tuple[str, ...]
    stopped: Stop | None
    errors: tuple[str, ...]
    session_digest: str
    last_event_id: str | None
    last_event_timestamp: str | None
    last_position: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationResult:
    """Whether something holds, and what speaks against it."""

    is_valid: bool
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def path_text(path: tuple[str, ...]) -> str:
    """The messages of a cycle as one text, the middle of a long one left out."""
    if len(path) <= PATH_SHOWN:
        return " -> ".join(path)
    half = PATH_SHOWN // 2
    left = len(path) - 2 * half
    return " -> ".join((*path[:half], f"({left} more)", *path[-half:]))
