"""``sessions_materialized``: what each session's repair events come to, as a row.

Three functions that a store feeds with the events of a session in the order of their positions.
They are the replay itself (``fold``), so a row cannot say anything else than a replay does.

A row is a function of the events, and equal for everybody, but for two columns that no digest
covers: ``materialized_at`` tells when its last event was committed to the store, and
``rebuild_duration_ms`` how long it took to make the row or to bring it up to date.
``last_position`` says up to where it reflects.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

from evidentia.errors import RejectionError
from evidentia.event.canonical import canonical_bytes
from evidentia.event.fieldmap import ColumnType
from evidentia.event.values import JsonValue
from evidentia.pack.state import Order, State, StateColumn, StateEvent, StateValue
from evidentia.packs.repair.fields import REPAIR_KINDS
from evidentia.packs.repair.fold import apply_event, stop_at
from evidentia.packs.repair.fold_values import Fold, new_fold
from evidentia.packs.repair.repair_event import RepairEvent
from evidentia.packs.repair.replay import result_of
from evidentia.packs.repair.rows import read_repair_event
from evidentia.packs.repair.values import StopReason

KEPT_BYTES_MAX: Final = 128 * 1024 * 1024
"""About 100,000 events of one session. It is reached by nobody who mends conversations; a session
that does stops there and says so."""


def start() -> JsonValue:
    """A session without events."""
    return cast("JsonValue", new_fold())


def apply(value: JsonValue, event: StateEvent) -> JsonValue:
    """The session after one more event; changed in place.

    An event that cannot be read, or whose digest does not match, ends this session and no other.
    """
    fold = cast("Fold", value)
    try:
        repair = _read(event)
    except RejectionError as error:
        event_id = event.event_id or ""
        stop_at(fold, event.position, event_id, StopReason.UNREADABLE, str(error))
    else:
        _apply(fold, repair, event.position)
    return value


def _apply(fold: Fold, repair: RepairEvent, position: int) -> None:
    size = fold["kept_bytes"] + _size_of(repair)
    if size > KEPT_BYTES_MAX:
        detail = f"a session of more than {KEPT_BYTES_MAX:,} bytes is not kept as a row"
        stop_at(fold, position, repair.event_id, StopReason.TOO_LARGE, detail)
        return
    refused = len(fold["refusals"])
    apply_event(fold, repair, position)
    fold["kept_bytes"] = size + sum(len(json.dumps(each)) for each in fold["refusals"][refused:])


def _size_of(repair: RepairEvent) -> int:
    """At least as many bytes as an event adds to what is kept, but for its refusal."""
    texts = (
        *(repair.event_id,) * 5,
        *(repair.message_id,) * 6,
        *(repair.new_parent_uuid or "",) * 3,
        *(repair.old_parent_uuid or "",) * 2,
        *(repair.reverts_event_id or "",) * 2,
    )
    return _ROW_BYTES + sum(map(_written, texts))


def _written(text: str) -> int:
    # The text of JSON is ASCII: two escapes of six stand for a character beyond 16 bits.
    return len(text) + text.count('"') + text.count("\\") if text.isascii() else 12 * len(text)


_ROW_BYTES: Final = 200
"""Numbers and marks between the texts of one event."""


def _read(event: StateEvent) -> RepairEvent:
    repair = read_repair_event(event.line, event.position)
    if event.session_id not in {None, repair.session_id}:
        raise RejectionError("the row and the event in it name different sessions")
    return repair


def row(value: JsonValue) -> Mapping[str, StateValue]:
    """The columns of a session."""
    result = result_of(cast("Fold", value))
    stopped = result.stopped
    return {
        "message_parents": canonical_bytes(dict(result.message_parents)).decode(),
        "total_repairs": result.active_events + result.reverted_events,
        "active_repairs": result.active_events,
        "reverted_repairs": result.reverted_events,
        "revert_count": result.revert_events,
        "refused_count": result.refused_events,
        "messages_repaired": result.messages_repaired,
        "event_count_at_materialization": result.total_events - result.pending_events,
        "pending_count": result.pending_events,
        "last_event_id": result.last_event_id,
        "last_event_timestamp": result.last_event_timestamp,
        "last_position": result.last_position,
        "materialization_digest": result.session_digest,
        "is_stale": int(stopped is not None),
        "drift_detected": int(stopped is not None and stopped.reason is StopReason.BAD_DIGEST),
        "stopped_at": None if stopped is None else stopped.position,
        "stop_detail": None if stopped is None else f"{stopped.event_id}: {stopped.detail}",
    }


def _text(name: str) -> StateColumn:
    return StateColumn(name=name, type=ColumnType.TEXT)


def _count(name: str, *, is_nullable: bool = False) -> StateColumn:
    return StateColumn(name=name, type=ColumnType.INTEGER, is_nullable=is_nullable)


SESSIONS_MATERIALIZED: Final = State(
    name="sessions_materialized",
    version=1,
    title="What the repair events of each session come to",
    key="session_id",
    columns=(
        StateColumn(name="message_parents", is_nullable=False),
        _count("total_repairs"),
        _count("active_repairs"),
        _count("reverted_repairs"),
        _count("revert_count"),
        _count("refused_count"),
        _count("messages_repaired"),
        _count("event_count_at_materialization"),
        _count("pending_count"),
        _text("last_event_id"),
        _text("last_event_timestamp"),
        _count("last_position", is_nullable=True),
        _text("materialization_digest"),
        _count("is_stale"),
        _count("drift_detected"),
        _count("stopped_at", is_nullable=True),
        _text("stop_detail"),
    ),
    start=start,
    apply=apply,
    row=row,
    kinds=REPAIR_KINDS,
    order=Order.POSITION,
    kept_bytes_max=KEPT_BYTES_MAX,
    stored_at="materialized_at",
    took_ms="rebuild_duration_ms",
)
