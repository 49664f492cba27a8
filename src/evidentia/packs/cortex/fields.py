"""Where the columns of a mirrored ledger's row come from, over three shapes.

Cortex rows of version 1, corcept rows, and the lines of evidentia's own ledgers, which have the
shape of the first with version 2.
"""

from __future__ import annotations

import json
from typing import Final

from evidentia.event.actor import actor_of
from evidentia.event.fieldmap import ColumnType, FieldMap, FromKey, PromotedColumn, Source
from evidentia.event.values import JsonValue


def container_of(value: JsonValue) -> JsonValue:
    """An object or array; nothing for a payload that is a bare text or number.

    Such a payload is allowed, so it is no drift; ``raw_json`` has it.
    """
    return value if isinstance(value, dict | list) else None


def tags_of(value: JsonValue) -> JsonValue:
    """A list of texts as one JSON text; anything else as it is, which flags the drift."""
    if isinstance(value, list) and all(isinstance(tag, str) for tag in value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value


def _text(name: str, *sources: Source, is_indexed: bool = False) -> PromotedColumn:
    return PromotedColumn(
        name=name, type=ColumnType.TEXT, sources=sources or (name,), is_indexed=is_indexed
    )


def _integer(name: str) -> PromotedColumn:
    return PromotedColumn(name=name, type=ColumnType.INTEGER, sources=(name,))


FIELDS: Final = FieldMap(
    kind=("event_type",),
    event_id=("id",),
    ts=("observed_at", "ts"),
    actor=("actor", FromKey(key="source", read=actor_of)),
    session_id=("session_id",),
    payload=(
        FromKey(key="payload", read=container_of),
        FromKey(key="metadata", read=container_of),
    ),
    promoted=(
        _text("trace_id", is_indexed=True),
        _integer("schema_version"),
        _integer("sequence"),
        # The second time of a row, as it was written: no report goes by it.
        _text("recorded_at"),
        _text("source_type", ("source", "type")),
        _text("domain_tags", FromKey(key="domain_tags", read=tags_of)),
        _text("authority_level"),
        _text("payload_hash"),
        _text("prev_event_hash", "prev_event_hash", "prev_hash"),
        _text("event_hash", "event_hash", "hash"),
        _text("signature_key_id", ("signature", "key_id")),
    ),
)
