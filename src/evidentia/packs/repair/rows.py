"""Repair events out of rows: a ledger's line, the bare form of older programs, an export's entry.

Three shapes are read. A line of a ledger has the event as its ``payload``. A bare row has its
fields at the top, with a digest over six of them; in the shortest form digest, score and revert
are absent. Whatever else stands in a row is refused where our digest should cover it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from evidentia.errors import RejectionError
from evidentia.event.values import JsonObject, JsonValue
from evidentia.packs.repair.digest import (
    ABSENT_DIGEST,
    DigestStanding,
    digest_of,
    digest_standing,
)
from evidentia.packs.repair.repair_event import FIELDS, KIND, RepairEvent

BARE_KIND: Final = "repair.event.bare"
"""The kind of a repair event that is a row of its own, and not a line of a ledger."""

_DEFAULTS: Final[Mapping[str, JsonValue]] = {
    "old_parent_uuid": None,
    "similarity_score": 0.0,
    "validation_passed": True,
    "is_reverted": False,
    "reverts_event_id": None,
}
"""What the shortest form leaves out."""
_NEEDED: Final = frozenset(FIELDS) - _DEFAULTS.keys()
_KNOWN: Final = frozenset((*FIELDS, "event_digest", "created_at"))
_BARE: Final = frozenset({"event_id", "message_id", "new_parent_uuid", "operator"})
"""Members that a row must have to be taken for a bare repair event."""
_NAMES_SHOWN: Final = 5


def is_bare_repair(row: JsonObject) -> bool:
    """Whether a row looks like a repair event of its own, whatever its fields hold."""
    return row.keys() >= _BARE


def is_ledger_repair(row: JsonObject) -> bool:
    """Whether a row is a ledger's line that holds a repair event."""
    return row.get("event_type") == KIND and "payload" in row


def read_repair_event(row: JsonObject, position: int | None = None) -> RepairEvent:
    """The repair event of a row, in whichever of its shapes; its digest is not judged here.

    Args:
        row: The parsed row.
        position: Where the row stands in the order, if it does.

    Raises:
        RejectionError: It is none, a field is missing, malformed, or nobody's.
    """
    is_line = is_ledger_repair(row)
    content = row["payload"] if is_line else row
    if not isinstance(content, dict):
        raise RejectionError("the payload is no object", where="payload")
    missing = sorted(_NEEDED - content.keys())
    if missing:
        raise RejectionError(f"there is no {', '.join(missing)}", where=missing[0])
    created = row.get("recorded_at") if is_line else row.get("created_at")
    event = _event(content, created, position)
    _refuse_strangers(event, content, is_line=is_line)
    if is_line:
        _compare(row, event)
    return event


def standing_of(event: RepairEvent) -> DigestStanding:
    """What an event's own digest is worth."""
    fields = event.fields()
    return digest_standing(fields, event.event_digest, digest_of(fields))


def _event(content: JsonObject, created: JsonValue, position: int | None) -> RepairEvent:
    values: JsonObject = {**_DEFAULTS}
    values |= {name: content[name] for name in FIELDS if name in content}
    digest = content.get("event_digest")
    # The constructor checks the type of each.
    return RepairEvent(
        event_id=cast("str", values["event_id"]),
        session_id=cast("str", values["session_id"]),
        message_id=cast("str", values["message_id"]),
        timestamp=cast("str", values["timestamp"]),
        old_parent_uuid=cast("str | None", values["old_parent_uuid"]),
        new_parent_uuid=cast("str | None", values["new_parent_uuid"]),
        operator=cast("str", values["operator"]),
        reason=cast("str", values["reason"]),
        similarity_score=cast("float", values["similarity_score"]),
        validation_passed=cast("bool", values["validation_passed"]),
        is_reverted=cast("bool", values["is_reverted"]),
        reverts_event_id=cast("str | None", values["reverts_event_id"]),
        event_digest=ABSENT_DIGEST if digest is None or digest == "" else cast("str", digest),
        created_at=created if isinstance(created, str) else None,
        position=position,
    )


def _refuse_strangers(event: RepairEvent, content: JsonObject, *, is_line: bool) -> None:
    strangers = sorted(content.keys() - _KNOWN)
    # A store of the older program puts members of its own beside the event's; its digest never
    # covered them. Ours covers the event, so nothing may stand beside what it covers.
    if strangers and (is_line or standing_of(event) is DigestStanding.VALID):
        shown = ", ".join(strangers[:_NAMES_SHOWN])
        raise RejectionError(f"the digest does not cover {shown}", where=strangers[0])


def _compare(row: JsonObject, event: RepairEvent) -> None:
    """Refuse a line whose envelope says something else than the event in it."""
    for name, wanted in (("id", event.event_id), ("session_id", event.session_id)):
        if row.get(name) not in (None, wanted):
            raise RejectionError(f"the envelope has another {name} than the event", where=name)
