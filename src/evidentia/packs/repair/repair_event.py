"""A repair event: who gave which message another parent, when, why and how surely.

Nothing here reads a clock or makes a random number: both are handed in. A stored event is never
changed or removed; a repair is taken back by another event, which names it (``revert``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn

from evidentia.errors import RejectionError
from evidentia.event.envelope import Draft
from evidentia.event.timestamp import parse_time
from evidentia.event.values import Flag, JsonObject, JsonValue
from evidentia.packs.repair.digest import digest_of

KIND: Final = "repair.event.v1"
"""The event type of a repair event in a ledger; its payload is ``RepairEvent.to_dict()``."""
FIELDS: Final = (
    *("event_id", "session_id", "timestamp", "message_id", "old_parent_uuid", "new_parent_uuid"),
    *("operator", "reason", "similarity_score", "validation_passed", "is_reverted"),
    "reverts_event_id",
)
"""What a repair event says, and what its digest covers."""
TEXT_CHARACTERS_MAX: Final = 256
"""Ids and operators are for people and indexes."""
REASON_CHARACTERS_MAX: Final = 4_000
"""A reason is a few sentences; what is longer belongs elsewhere."""

_OPERATOR: Final = re.compile(r"(?:user|agent|system):\S(?:.*\S)?")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_HEX: Final = re.compile(r"[0-9a-f]{6,}")
_HEX_SHOWN: Final = 6
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_TIME: Final = Flag.TIME_INVALID | Flag.TIME_UNIT_UNCLEAR


class ImmutableEventError(RejectionError):
    """Somebody asked to change or remove a stored repair event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairEvent:
    """One decision about the parent of one message.

    Attributes:
        event_id: The writer's own id; a second event of that id has no effect.
        session_id: The conversation.
        message_id: The message whose parent it is about.
        timestamp: When it was decided, ISO 8601. Orders nothing.
        old_parent_uuid: The parent that the writer found; None for a message without one.
        new_parent_uuid: The parent from now on; None only in a revert.
        operator: ``user:..``, ``agent:..`` or ``system:..``.
        similarity_score: How alike message and parent are, 0 to 1; 0 where a person decided.
        validation_passed: Whether the writer's checks passed. If not, it is kept and not applied.
        is_reverted: Whether this *is* a revert; not whether it was reverted.
        reverts_event_id: The event that a revert takes back.
        event_digest: Computed where it is left empty; ``absent`` for a form that has none.
        created_at: When it was persisted, where that is known. Not under the digest.
        position: Its place in the order of the ledger, where it has one. Not under the digest.

    Raises:
        RejectionError: A field is not what it must be; ``where`` names it.
    """

    event_id: str
    session_id: str
    message_id: str
    timestamp: str
    old_parent_uuid: str | None
    new_parent_uuid: str | None
    operator: str
    reason: str
    similarity_score: float = 0.0
    validation_passed: bool = True
    is_reverted: bool = False
    reverts_event_id: str | None = None
    event_digest: str = ""
    created_at: str | None = None
    position: int | None = None

    def __post_init__(self) -> None:
        """Check every field, and compute the digest where there is none yet."""
        _check(self)
        if not self.event_digest:
            object.__setattr__(self, "event_digest", digest_of(self.fields()))

    def fields(self) -> JsonObject:
        """What the event says, without its digest."""
        return {name: getattr(self, name) for name in FIELDS}

    def to_dict(self) -> JsonObject:
        """What the event says with its digest: its payload in a ledger, and its form in exports."""
        return {**self.fields(), "event_digest": self.event_digest}


def generate_event_id(now_us: int, random_hex: str) -> str:
    """``evt_YYYYMMDD_HHMMSS_<6 hex>``.

    Args:
        now_us: UTC microseconds.
        random_hex: At least six lower-case hexadecimal digits; the first six are used.

    Raises:
        RejectionError: There are too few digits.
    """
    if not _HEX.fullmatch(random_hex):
        raise RejectionError(
            "an id needs at least six lower-case hexadecimal digits", where="random_hex"
        )
    when = _EPOCH + timedelta(microseconds=now_us)
    return f"evt_{when:%Y%m%d_%H%M%S}_{random_hex[:_HEX_SHOWN]}"


def create_revert_event(
    original: RepairEvent, operator: str, reason: str, *, event_id: str, timestamp: str
) -> RepairEvent:
    """The event that takes another one back; of a revert, the event that takes that back.

    It names the parents the other way round for people; only its target counts. The parent of a
    message that had none is None again.

    Raises:
        RejectionError: The operator or reason is missing or malformed.
    """
    return RepairEvent(
        event_id=event_id,
        session_id=original.session_id,
        message_id=original.message_id,
        timestamp=timestamp,
        old_parent_uuid=original.new_parent_uuid,
        new_parent_uuid=original.old_parent_uuid,
        operator=operator,
        reason=reason,
        is_reverted=True,
        reverts_event_id=original.event_id,
    )


def update_event(event_id: str) -> NoReturn:
    """Raise, always: a stored repair event stays as it is."""
    raise ImmutableEventError(
        "a stored repair event is not changed", where=event_id, fix="create a revert event instead"
    )


def delete_event(event_id: str) -> NoReturn:
    """Raise, always: a stored repair event stays where it is."""
    raise ImmutableEventError(
        "a stored repair event is not removed", where=event_id, fix="create a revert event instead"
    )


def draft_of(event: RepairEvent) -> Draft:
    """The event as it is appended to a ledger: its own id makes a second append a no-op."""
    kind, _, who = event.operator.partition(":")
    source: dict[str, JsonValue] = {"type": _SOURCE_TYPES[kind], "id": who}
    return Draft(
        event_type=KIND,
        payload=event.to_dict(),
        source=source,
        id=event.event_id,
        observed_at=event.timestamp,
        session_id=event.session_id,
        domain_tags=("repair",),
    )


_SOURCE_TYPES: Final = {"user": "user", "agent": "child_agent", "system": "runtime"}


def _check(event: RepairEvent) -> None:
    for name in ("event_id", "session_id", "message_id"):
        _check_id(name, getattr(event, name))
    for name in ("old_parent_uuid", "new_parent_uuid", "reverts_event_id"):
        value = getattr(event, name)
        if value is not None:
            _check_id(name, value)
    _check_operator(event.operator)
    _check_reason(event.reason)
    _check_score(event.similarity_score)
    _check_time(event.timestamp)
    _check_flags(event)


def _check_id(name: str, value: object) -> None:
    is_text = isinstance(value, str) and 0 < len(value) <= TEXT_CHARACTERS_MAX
    if not is_text or not str(value).isprintable():
        raise RejectionError(
            f"{name} is no text of 1 to {TEXT_CHARACTERS_MAX} printable characters", where=name
        )


def _check_operator(operator: object) -> None:
    _check_id("operator", operator)
    if not isinstance(operator, str) or not _OPERATOR.fullmatch(operator):
        raise RejectionError(
            f"operator is {operator!r}",
            where="operator",
            fix="write user:NAME, agent:NAME or system:NAME",
        )


def _check_reason(reason: object) -> None:
    is_text = isinstance(reason, str) and 0 < len(reason) <= REASON_CHARACTERS_MAX
    if not is_text or not str(reason).strip() or _SURROGATE.search(str(reason)):
        raise RejectionError(
            f"reason is no text of 1 to {REASON_CHARACTERS_MAX} characters",
            where="reason",
            fix="say in a sentence why the parent is another",
        )


def _check_score(score: object) -> None:
    # Not a number (NaN) is not between anything.
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise RejectionError(
            f"similarity_score is {score!r}",
            where="similarity_score",
            fix="give a number from 0 to 1; 0 where a person decided",
        )


def _check_time(text: object) -> None:
    if not isinstance(text, str) or parse_time(text or "-").flag & _NO_TIME:
        raise RejectionError(
            f"timestamp is {text!r}", where="timestamp", fix="write ISO 8601 with a zone"
        )


def _check_flags(event: RepairEvent) -> None:
    for name in ("validation_passed", "is_reverted"):
        if not isinstance(getattr(event, name), bool):
            raise RejectionError(f"{name} is neither true nor false", where=name)
    if event.is_reverted != (event.reverts_event_id is not None):
        raise RejectionError(
            "a revert names the event that it takes back, and nothing else does",
            where="reverts_event_id",
        )
    if not event.is_reverted and event.new_parent_uuid is None:
        raise RejectionError("a repair has a new parent", where="new_parent_uuid")
    if not isinstance(event.event_digest, str):
        raise RejectionError("event_digest is no text", where="event_digest")
