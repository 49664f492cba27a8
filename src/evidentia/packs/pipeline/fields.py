"""Where the columns of a receipt come from, and those of an acceptance receipt."""

from __future__ import annotations

from typing import Final

from evidentia.event.fieldmap import ColumnType, EpochUnit, FieldMap, PromotedColumn, Source
from evidentia.event.values import JsonObject, JsonValue


def _of_record(event: JsonObject, key: str) -> JsonValue:
    record = event.get("record")
    return record.get(key) if isinstance(record, dict) else None


def time_of(event: JsonObject) -> JsonValue:
    """``ts_ns`` of the record; 0, which the writer leaves there, is no time and not 1970."""
    stated = _of_record(event, "ts_ns")
    return None if stated == 0 else stated


def andon_of(event: JsonObject) -> JsonValue:
    """The state of the line: a text, or the name of the object's only member."""
    state = _of_record(event, "andon")
    if isinstance(state, dict):
        return next(iter(state)) if len(state) == 1 else None
    return state


def acceptance_kind(event: JsonObject) -> JsonValue:
    """``acceptance`` for an acceptance receipt, which names no kind."""
    return "acceptance" if "pack_content_hash" in event and "prev_hash" in event else None


def _column(name: str, type_: ColumnType, *sources: Source) -> PromotedColumn:
    return PromotedColumn(name=name, type=type_, sources=sources)


FIELDS: Final = FieldMap(
    kind=(("record", "activity"), acceptance_kind),
    event_id=(("record", "chain_hash_hex"),),
    ts=(time_of,),
    payload=("payload", "verify"),
    epoch_unit=EpochUnit.NANOSECONDS,
    promoted=(
        _column("receipt_schema", ColumnType.TEXT, ("record", "schema")),
        _column("instruction_id", ColumnType.INTEGER, ("record", "instruction_id")),
        _column("andon", ColumnType.TEXT, andon_of),
        _column("obligation_count", ColumnType.INTEGER, ("record", "obligation_count")),
        _column("payload_hash_hex", ColumnType.TEXT, ("record", "payload_hash_hex")),
        _column("prev_chain_hash_hex", ColumnType.TEXT, ("record", "prev_chain_hash_hex")),
    ),
)
