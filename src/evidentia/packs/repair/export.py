"""The log of a session's repair events as one JSON document, and checking such a document again.

Public functions::

    export_event_log(session_id, events, *, exported_at) -> str
    export_document(session_id, events, *, exported_at) -> JsonObject
    verify_export(document) -> ValidationResult
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from evidentia.errors import RejectionError, UsageError
from evidentia.event.values import JsonObject, JsonValue
from evidentia.packs.repair.digest import DigestStanding
from evidentia.packs.repair.repair_event import RepairEvent
from evidentia.packs.repair.replay import (
    calculate_session_digest,
    in_order,
    replay_repair_events,
)
from evidentia.packs.repair.rows import read_repair_event, standing_of
from evidentia.packs.repair.values import ValidationResult

FORMAT_VERSION: Final = "1.0"
EXPORT_TYPE: Final = "repair_event_log"


def export_event_log(session_id: str, events: Iterable[RepairEvent], *, exported_at: str) -> str:
    """The document as text, for people and programs; its lines end in a newline.

    Raises:
        UsageError: An event is of another session, or as for a replay.
    """
    document = export_document(session_id, events, exported_at=exported_at)
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def export_document(
    session_id: str, events: Iterable[RepairEvent], *, exported_at: str
) -> JsonObject:
    """Every event of a session in order, with the numbers that a replay gives.

    Args:
        session_id: The session, which may have no events.
        events: As for a replay.
        exported_at: ISO 8601.

    Raises:
        UsageError: An event is of another session, or as for a replay.
    """
    # Of the document's own: whoever has it alone must come to the same numbers and warnings.
    ordered = tuple(replace(each, position=None) for each in in_order(events))
    strangers = sorted({each.session_id for each in ordered} - {session_id})
    if strangers:
        raise UsageError(f"an event is of session {strangers[0]!r}, not {session_id!r}")
    rows: list[JsonValue] = [each.to_dict() for each in ordered]
    return {
        "format_version": FORMAT_VERSION,
        "export_type": EXPORT_TYPE,
        "session_id": session_id,
        "exported_at": exported_at,
        "event_count": len(ordered),
        "metadata": _metadata(ordered),
        "events": rows,
    }


def verify_export(document: JsonObject) -> ValidationResult:
    """Whether an exported document holds: each digest, the session's, and every number.

    A digest over less than all fields is a warning, and so is what the export itself warns of.
    """
    rows = document.get("events")
    if document.get("export_type") != EXPORT_TYPE or not isinstance(rows, list):
        return ValidationResult(is_valid=False, errors=("this is no export of repair events",))
    events: list[RepairEvent] = []
    errors, warnings = [], []
    for number, row in enumerate(rows):
        try:
            event = read_repair_event(row if isinstance(row, dict) else {})
        except RejectionError as error:
            errors.append(f"event {number}: {error.what}")
            continue
        events.append(event)
        standing = standing_of(event)
        if standing is DigestStanding.INVALID:
            errors.append(f"event {number}, {event.event_id}: {standing.value}")
        elif standing is not DigestStanding.VALID:
            warnings.append(f"event {number}, {event.event_id}: {standing.value}")
    if not errors:
        errors += _differences(document, events)
    return ValidationResult(is_valid=not errors, errors=tuple(errors), warnings=tuple(warnings))


def _metadata(ordered: tuple[RepairEvent, ...]) -> JsonObject:
    result = replay_repair_events(ordered)
    operators: JsonObject = dict(sorted(Counter(each.operator for each in ordered).items()))
    warnings: list[JsonValue] = [*_weak_digests(ordered), *result.errors]
    metadata: JsonObject = {
        "total_events": result.total_events,
        "active_events": result.active_events,
        "reverted_events": result.reverted_events,
        "revert_events": result.revert_events,
        "refused_events": result.refused_events,
        "pending_events": result.pending_events,
        "messages_repaired": result.messages_repaired,
        "operators": operators,
        "session_digest": calculate_session_digest(ordered),
        "first_event_timestamp": ordered[0].timestamp if ordered else None,
        "last_event_timestamp": ordered[-1].timestamp if ordered else None,
    }
    return {**metadata, "integrity_warnings": warnings} if warnings else metadata


def _weak_digests(ordered: tuple[RepairEvent, ...]) -> list[str]:
    standings = ((each.event_id, standing_of(each)) for each in ordered)
    return [
        f"{event_id}: {standing.value}"
        for event_id, standing in standings
        if standing is not DigestStanding.VALID
    ]


def _differences(document: JsonObject, events: list[RepairEvent]) -> list[str]:
    session_id, exported_at = document.get("session_id"), document.get("exported_at")
    try:
        again = export_document(str(session_id), events, exported_at=str(exported_at))
    except UsageError as error:
        return [error.what]
    stated = document.get("metadata")
    if not isinstance(stated, dict):
        return ["there is no metadata"]
    computed = again["metadata"]
    found = [] if again["event_count"] == document.get("event_count") else ["event_count differs"]
    if isinstance(computed, dict):
        names = sorted(stated.keys() | computed.keys())
        found += [f"{name} differs" for name in names if stated.get(name) != computed.get(name)]
    return found
