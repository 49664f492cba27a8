"""Where the columns of a mirrored ledger's row come from, over three shapes.

Cortex rows of version 1, corcept rows, and the lines of evidentia's own ledgers, which have the
shape of the first with version 2.
"""

from __future__ import annotations

import json
from typing import Final

from evidentia.event.fieldmap import ColumnType, FieldMap, FromKey, PromotedColumn, Source
from evidentia.event.values import JsonValue

_IDENTITIES: Final = (
    *("id", "agent_id", "user_id", "tool", "name", "model"),
    *("system", "runtime", "operator", "reason"),
)
"""What says who the source is, the most particular first. Which of these a variant has is not
established for all of them; the whole source stays in the line."""


def actor_of(source: JsonValue) -> JsonValue:
    """``<type>:<who>``, or the type alone where nothing says who; a text as it is."""
    if not isinstance(source, dict):
        return source if isinstance(source, str) else None
    kind = source.get("type")
    if not isinstance(kind, str) or not kind:
        return None
    named = (source.get(key) for key in _IDENTITIES)
    who = next((name for name in named if isinstance(name, str) and name), None)
    return kind if who is None else f"{kind}:{who}"


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
