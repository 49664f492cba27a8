"""Where the columns of a world event come from, over six log shapes that share few keys."""

from __future__ import annotations

from typing import Final

from evidentia.event.fieldmap import ColumnType, FieldMap, PromotedColumn
from evidentia.event.values import JsonObject, JsonValue

DENIALS: Final = frozenset(
    {"blocked", "denied", "rate_limited", "refused", "rejected", "unauthorized"}
)
"""The decisions that ``security`` selects. A kind whose last dotted word is one is a denial too."""

KNOWN_KINDS: Final = frozenset(
    (
        # growth_events
        *("growth.offer.created", "growth.offer.rejected"),
        *("growth.apply.started", "growth.apply.succeeded", "growth.apply.failed"),
        # heartbeat, and the marker that rotation leaves
        *("heartbeat", "log_rotated"),
        # bruce_activity, bruce_memory
        *("look", "move", "say", "spawn_attempt", "player_chat", "bruce_observation"),
        # bot_audit
        *("bot.allowed", "bot.denied", "bot.rate_limited"),
        # the build loop and its environment
        *("dev buildstub", "session_start", "permission_check", "armed", "disarmed"),
        *("consent_given", "plan", "build_verb", "build_result"),
        # planned for the unified event model
        *("session_open", "session_close", "player_command", "governance_check"),
        *("governance_denial", "npc_respawn", "error"),
    )
)

_DENIAL_OF_KIND: Final = {"governance_denial": "denied"}
"""Denials whose kind does not end in a dotted word of ``DENIALS``."""


def bot_kind(event: JsonObject) -> JsonValue:
    """``bot.<result>`` for a row of the bot audit, which names its outcome but no kind."""
    result = event.get("result")
    is_bot = "cmd_text" in event or event.get("source") == "ai_player"
    return f"bot.{result}" if is_bot and isinstance(result, str) and result else None


def heartbeat_kind(event: JsonObject) -> JsonValue:
    """``heartbeat`` for a row with a tick, which has no kind-like key at all."""
    return "heartbeat" if "tick_id" in event else None


def second_id(event: JsonObject) -> JsonValue:
    """The ``id`` of a row whose ``event_id`` took the place of the writer's id."""
    first = event.get("event_id")
    return None if first is None or first == "" else event.get("id")


def denial_of_kind(event: JsonObject) -> JsonValue:
    """The denial that an event's kind states, where the event has no ``result``."""
    kind = event.get("event_type") or event.get("kind")
    if not isinstance(kind, str):
        return None
    word = kind.rpartition(".")[2]
    return word if word in DENIALS else _DENIAL_OF_KIND.get(kind)


def _text(name: str, *, is_indexed: bool = False) -> PromotedColumn:
    return PromotedColumn(name=name, type=ColumnType.TEXT, sources=(name,), is_indexed=is_indexed)


FIELDS: Final = FieldMap(
    kind=(
        *("event_type", "kind", "action", "verb", "event"),
        *(bot_kind, "source", "type", heartbeat_kind),
    ),
    event_id=("event_id", "id", "tick_id"),
    ts=("ts", "timestamp"),
    actor=("actor", "player", "player_id", "actor_id"),
    session_id=("session_id",),
    payload=("detail", "args", "snapshot", "state", "metadata"),
    promoted=(
        _text("role"),
        _text("mode"),
        _text("offer_id", is_indexed=True),
        _text("apply_id", is_indexed=True),
        _text("window_key", is_indexed=True),
        # ``room`` is an object in most logs and a text in one.
        PromotedColumn(name="room_id", type=ColumnType.TEXT, sources=(("room", "id"), "room")),
        PromotedColumn(name="writer_id", type=ColumnType.TEXT, sources=(second_id,)),
        PromotedColumn(
            name="decision",
            type=ColumnType.TEXT,
            sources=("result", denial_of_kind),
            is_indexed=True,
        ),
        PromotedColumn(
            name="reason", type=ColumnType.TEXT, sources=("reason", ("detail", "reason"))
        ),
    ),
)
