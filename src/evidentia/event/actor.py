"""Who an event says that it comes from, as one text."""

from __future__ import annotations

from typing import Final

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
