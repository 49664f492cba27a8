"""What has become of each offer to grow the world, told in the order of time.

An offer is created, and then rejected or applied; an apply succeeds or fails, and what failed may
be applied again. Everything else is an odd step: it is counted, and the first one is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from evidentia.event.fieldmap import ColumnType
from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.state import Order, State, StateColumn, StateEvent, StateValue

_STATUS: Final = {
    "growth.offer.created": "created",
    "growth.offer.rejected": "rejected",
    "growth.apply.started": "applying",
    "growth.apply.succeeded": "succeeded",
    "growth.apply.failed": "failed",
}
_STEPS: Final = frozenset(
    {
        (None, "created"),
        ("created", "rejected"),
        ("created", "applying"),
        ("applying", "succeeded"),
        ("applying", "failed"),
        ("failed", "applying"),
    }
)
_CHARACTERS_MAX: Final = 500
"""Of each text that is kept. A line may have 16 MiB, and what is kept of an offer 1 MiB: one line
that somebody wrote must not halt all offers."""
_KEPT: Final = (
    *("status", "window_key", "apply_id", "created_by", "changed_by"),
    *("first_ts", "last_ts", "reason", "first_odd_step"),
)


def _start() -> JsonValue:
    return {**dict.fromkeys(_KEPT), "attempts": 0, "odd_steps": 0}


def _apply(kept: JsonValue, event: StateEvent) -> JsonValue:
    offer: JsonObject = dict(kept) if isinstance(kept, dict) else {}
    before, status = offer["status"], _STATUS[event.kind]
    if (before, status) not in _STEPS:
        offer["odd_steps"] = _number(offer["odd_steps"]) + 1
        offer["first_odd_step"] = offer["first_odd_step"] or f"{before or 'nothing'} to {status}"
    if status == "created":
        offer["created_by"] = _cut(event.actor)
    elif status == "applying":
        offer["attempts"] = _number(offer["attempts"]) + 1
    offer["status"], offer["changed_by"] = status, _cut(event.actor)
    offer["reason"] = _cut(_reason(event))
    for name in ("window_key", "apply_id"):
        offer[name] = _cut(event.columns[name]) or offer[name]
    if event.ts is not None:
        offer["first_ts"] = event.ts if offer["first_ts"] is None else offer["first_ts"]
        offer["last_ts"] = event.ts
    return offer


def _cut(value: JsonValue) -> str | None:
    return value[:_CHARACTERS_MAX] if isinstance(value, str) else None


def _number(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0


def _reason(event: StateEvent) -> JsonValue:
    """Why it was rejected, or what made it fail."""
    stated = event.columns["reason"]
    if stated is not None:
        return stated
    detail = event.line.get("detail")
    error = detail.get("error") if isinstance(detail, dict) else None
    return error if isinstance(error, str) else None


def _row(kept: JsonValue) -> Mapping[str, StateValue]:
    offer = kept if isinstance(kept, dict) else {}
    return {
        name: value
        for name, value in offer.items()
        if value is None or isinstance(value, str | int)
    }


OFFERS: Final = State(
    name="offers",
    version=1,
    title="What has become of each offer",
    key="offer_id",
    kinds=tuple(_STATUS),
    order=Order.TIME,
    columns=(
        StateColumn(name="status", is_nullable=False),
        StateColumn(name="window_key"),
        StateColumn(name="apply_id"),
        StateColumn(name="attempts", type=ColumnType.INTEGER, is_nullable=False),
        StateColumn(name="created_by"),
        StateColumn(name="changed_by"),
        StateColumn(name="first_ts", type=ColumnType.INTEGER),
        StateColumn(name="last_ts", type=ColumnType.INTEGER),
        StateColumn(name="reason"),
        StateColumn(name="odd_steps", type=ColumnType.INTEGER, is_nullable=False),
        StateColumn(name="first_odd_step"),
    ),
    start=_start,
    apply=_apply,
    row=_row,
    indexed=("last_ts",),
)
