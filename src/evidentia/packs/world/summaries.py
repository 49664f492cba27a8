"""The tables that are kept of a world: what happened by hour, rooms and budget windows by day.

Reports read these tables. The relations over all days are added up over them.
"""

from __future__ import annotations

from typing import Final

from evidentia.pack.summary import (
    Key,
    Rollup,
    Summary,
    count,
    distinct,
    greatest,
    least,
    total,
)

_SEEN: Final = (least("first_ts", "ts"), greatest("last_ts", "ts"))
_ROLLED_SEEN: Final = (least("first_ts", "first_ts"), greatest("last_ts", "last_ts"))
# An event without a time is of no day and no hour: -1 is none's start.
_DAY: Final = Key(name="day", column="ts", is_day=True, missing=-1)
_GROWTH: Final = (
    *("offers_created", "offers_rejected"),
    *("applies_started", "applies_succeeded", "applies_failed"),
)

HAPPENED: Final = Summary(
    name="world_hours",
    version=1,
    title="Events by hour, kind, decision and actor",
    keys=(
        Key(name="hour", column="ts", is_hour=True, missing=-1),
        Key(name="kind", column="kind"),
        Key(name="decision", column="decision", missing=""),
        Key(name="actor", column="actor", missing=""),
    ),
    measures=(*_SEEN, count("event_count")),
)

GROWTH_DAYS: Final = Summary(
    name="growth_days",
    version=1,
    title="Growth by day and budget window",
    keys=(_DAY, Key(name="window_key", column="window_key")),
    measures=(
        count("offers_created", "growth.offer.created"),
        count("offers_rejected", "growth.offer.rejected"),
        count("applies_started", "growth.apply.started"),
        count("applies_succeeded", "growth.apply.succeeded"),
        count("applies_failed", "growth.apply.failed"),
        *_SEEN,
    ),
    rollups=(
        Rollup(
            name="growth_windows",
            title="Growth by budget window",
            keys=(Key(name="window_key", column="window_key"),),
            measures=(*(total(name, name) for name in _GROWTH), *_ROLLED_SEEN),
        ),
    ),
)

ROOM_DAYS: Final = Summary(
    name="room_days",
    version=1,
    title="Events by day and room",
    keys=(_DAY, Key(name="room_id", column="room_id")),
    measures=(*_SEEN, count("event_count")),
)

# A table besides, for different actors do not add up over days.
ROOMS: Final = Summary(
    name="rooms",
    version=1,
    title="Events by room",
    keys=(Key(name="room_id", column="room_id"),),
    measures=(
        least("first_ts", "ts"),
        greatest("last_ts", "ts"),
        count("event_count"),
        distinct("actor_count", "actor"),
    ),
)

SUMMARIES: Final = (HAPPENED, GROWTH_DAYS, ROOM_DAYS, ROOMS)
