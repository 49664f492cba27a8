"""Where the columns come from, for the rows of conversations and for repair events.

Rows of conversations come from the logs of coding assistants; repair events are lines of a ledger,
or bare rows of older programs.
"""

from __future__ import annotations

from typing import Final

from evidentia.errors import RejectionError
from evidentia.event.actor import actor_of
from evidentia.event.fieldmap import ColumnType, FieldMap, FromKey, PromotedColumn, Source
from evidentia.event.values import JsonObject, JsonValue
from evidentia.packs.repair.digest import DigestStanding
from evidentia.packs.repair.reading import kind_of
from evidentia.packs.repair.repair_event import KIND
from evidentia.packs.repair.rows import (
    BARE_KIND,
    is_bare_repair,
    is_ledger_repair,
    read_repair_event,
    standing_of,
)

REPAIR_KINDS: Final = (KIND, BARE_KIND)
"""The kinds of repair events in a store."""

MESSAGE_TYPES: Final = ("user", "assistant")
TREE_TYPES: Final = (*MESSAGE_TYPES, "system", "attachment", "progress")
_SYSTEM: Final = (
    *("session_start", "turn_duration", "stop_hook_summary", "api_error", "api_refusal"),
    *("error", "compact_boundary", "model_refusal_fallback", "local_command", "informational"),
)
_STANDALONE: Final = (
    *("summary", "custom-title", "ai-title", "agent-name", "mode", "permission-mode"),
    *("last-prompt", "file-history-snapshot", "queue-operation", "frame-link", "pr-link"),
    *("relocated", "worktree-state", "started", "result", "bridge-session", "atis-latch"),
)
_LEGACY: Final = ("tool_use", "tool_result")
_LEDGER: Final = ("evidentia.ledger.created.v1", "evidentia.ledger.key_rotated.v1")
"""What a ledger of repairs says of itself."""
KNOWN_KINDS: Final = frozenset(
    (
        *REPAIR_KINDS,
        *TREE_TYPES,
        *(f"system.{subtype}" for subtype in _SYSTEM),
        *_STANDALONE,
        *_LEGACY,
        *_LEDGER,
    )
)

_STANDINGS: Final = {
    DigestStanding.VALID: "valid",
    DigestStanding.UPSTREAM: "upstream",
    DigestStanding.ABSENT: "absent",
    DigestStanding.INVALID: "invalid",
}


def bare_kind(event: JsonObject) -> JsonValue:
    """The kind of a repair event that is a row of its own."""
    return BARE_KIND if is_bare_repair(event) else None


def conversation_kind(event: JsonObject) -> JsonValue:
    """The type of a conversation's row with its subtype; None without a type."""
    return kind_of(event) if event.get("type") else None


def digest_word(event: JsonObject) -> JsonValue:
    """What a repair event's digest is worth: valid, upstream, absent, invalid or unreadable."""
    if not (is_ledger_repair(event) or is_bare_repair(event)):
        return None
    try:
        return _STANDINGS[standing_of(read_repair_event(event))]
    except RejectionError:
        return "unreadable"


def container_of(value: JsonValue) -> JsonValue:
    """An object or array; nothing for a text, which is allowed there and stays in the line."""
    return value if isinstance(value, dict | list) else None


def integer_of(value: JsonValue) -> JsonValue:
    """1 or 0 for true or false; anything else as it is, which flags the drift."""
    return int(value) if isinstance(value, bool) else value


def _both(name: str) -> tuple[Source, ...]:
    """A member of a bare repair event, or of the payload of a ledger's line."""
    return (name, ("payload", name))


def _text(name: str, *sources: Source, is_indexed: bool = False) -> PromotedColumn:
    return PromotedColumn(
        name=name, type=ColumnType.TEXT, sources=sources or _both(name), is_indexed=is_indexed
    )


def _truth(name: str, key: str) -> PromotedColumn:
    def of_payload(payload: JsonValue) -> JsonValue:
        return integer_of(payload.get(key)) if isinstance(payload, dict) else None

    sources = (FromKey(key=key, read=integer_of), FromKey(key="payload", read=of_payload))
    return PromotedColumn(name=name, type=ColumnType.INTEGER, sources=sources)


FIELDS: Final = FieldMap(
    kind=("event_type", bare_kind, conversation_kind),
    event_id=("uuid", "event_id", "id"),
    ts=("timestamp", "observed_at"),
    actor=(
        *("operator", ("payload", "operator"), "agentId", ("message", "role")),
        FromKey(key="source", read=actor_of),
    ),
    session_id=("sessionId", "session_id", ("payload", "session_id")),
    payload=tuple(
        FromKey(key=key, read=container_of)
        for key in ("message", "attachment", "data", "toolUseResult", "snapshot", "payload")
    ),
    promoted=(
        # Of conversations. What a row refers to without being it is no id of its own.
        _text("parent_uuid", "parentUuid"),
        _text("logical_parent_uuid", "logicalParentUuid"),
        _text("reference", "messageId", "leafUuid"),
        PromotedColumn(
            name="is_sidechain",
            type=ColumnType.INTEGER,
            sources=(FromKey(key="isSidechain", read=integer_of),),
        ),
        _text("role", ("message", "role")),
        _text("version", "version"),
        # Of repair events.
        _text("message_id", is_indexed=True),
        _text("old_parent_uuid"),
        _text("new_parent_uuid"),
        _text("reason"),
        PromotedColumn(
            name="similarity_score", type=ColumnType.REAL, sources=_both("similarity_score")
        ),
        _truth("validation_passed", "validation_passed"),
        _truth("is_revert", "is_reverted"),
        _text("reverts_event_id", is_indexed=True),
        _text("event_digest"),
        _text("digest_standing", digest_word),
        # The second time of a row, as it was written: no report goes by it.
        _text("recorded_at", "recorded_at", "created_at"),
    ),
)
