"""Where the columns of a Cowrie event come from, over ten years of drift."""

from __future__ import annotations

import re
from typing import Final

from evidentia.event.fieldmap import AllExcept, ColumnType, FieldMap, FromKey, PromotedColumn
from evidentia.event.values import JsonValue
from evidentia.packs.cowrie.commands import is_high_risk, normalised_command

_SECONDS: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?", re.ASCII)
"""Seconds as some releases write them: as text. Anything else is drift and stays out."""
_SECONDS_MAX: Final = 1e12
"""Far above any session, far below where a product is infinite."""
_MILLISECONDS: Final = 1000


def milliseconds_of(value: JsonValue) -> JsonValue:
    """Seconds in whole milliseconds; a value that is no duration comes back as it is.

    The extractor then finds the wrong type and flags the drift.
    """
    if isinstance(value, str) and _SECONDS.fullmatch(value):
        value = float(value)
    if isinstance(value, float) and abs(value) < _SECONDS_MAX:
        return round(value * _MILLISECONDS)
    if isinstance(value, int) and not isinstance(value, bool):
        return value * _MILLISECONDS
    return value


def _text(name: str) -> PromotedColumn:
    return PromotedColumn(name=name, type=ColumnType.TEXT, sources=(name,))


# No index here: every query goes through the kind and time, or through the session.
FIELDS: Final = FieldMap(
    kind=("eventid",),
    ts=("timestamp",),
    actor=("src_ip",),
    # ``uuid`` names the sensor's installation, so an event has no id of its own.
    session_id=("session",),
    payload=AllExcept(
        keys=frozenset({"eventid", "timestamp", "session", "src_ip", "sensor", "message"})
    ),
    promoted=(
        _text("sensor"),
        _text("protocol"),
        PromotedColumn(
            name="duration_ms",
            type=ColumnType.INTEGER,
            sources=("duration_ms", FromKey(key="duration", read=milliseconds_of)),
        ),
        _text("username"),
        _text("password"),
        _text("input"),
        PromotedColumn(
            name="command",
            type=ColumnType.TEXT,
            sources=(FromKey(key="input", read=normalised_command),),
        ),
        PromotedColumn(
            name="high_risk",
            type=ColumnType.INTEGER,
            sources=(FromKey(key="input", read=is_high_risk),),
        ),
        PromotedColumn(name="client_version", type=ColumnType.TEXT, sources=("version",)),
        _text("hassh"),
        _text("url"),
        _text("shasum"),
    ),
)
