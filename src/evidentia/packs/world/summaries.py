"""The tables that are kept of a world: the budget windows of its growth, and its rooms."""

from __future__ import annotations

from typing import Final

from evidentia.pack.summary import Key, Summary, count, distinct, greatest, least

GROWTH_WINDOWS: Final = Summary(
    name="growth_windows",
    version=1,
    title="Growth by budget window",
    keys=(Key(name="window_key", column="window_key"),),
    measures=(
        count("offers_created", "growth.offer.created"),
        count("offers_rejected", "growth.offer.rejected"),
        count("applies_started", "growth.apply.started"),
        count("applies_succeeded", "growth.apply.succeeded"),
        count("applies_failed", "growth.apply.failed"),
        least("first_ts", "ts"),
        greatest("last_ts", "ts"),
    ),
)

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

SUMMARIES: Final = (GROWTH_WINDOWS, ROOMS)
