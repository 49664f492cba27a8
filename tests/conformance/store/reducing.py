"""A pack with states in both orders, and what their rows are by a model of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evidentia.event.fieldmap import ColumnType
from evidentia.event.values import JsonValue, byte_offset_of
from evidentia.pack.state import Order, State, StateColumn, StateEvent, StateValue
from evidentia.store.reader import StoreReader
from evidentia.store.states import StateTable

from .scene import LINE
from .summing import SUMMING, Happening

Placed = tuple[int, Happening]


def begin() -> JsonValue:
    """Nothing has happened."""
    return {"trail": "", "count": 0, "by": {}}


def go_on(kept: JsonValue, event: StateEvent) -> JsonValue:
    """A trail is another one in every other order."""
    assert isinstance(kept, dict)
    trail, number, by = kept["trail"], kept["count"], kept["by"]
    assert isinstance(trail, str)
    assert isinstance(number, int)
    assert isinstance(by, dict)
    kept["trail"] = f"{trail}{event.kind}{event.line['n']}{event.columns['role']};"[-60:]
    kept["count"] = number + 1
    by[event.actor or ""] = event.ts
    return kept


def show(kept: JsonValue) -> Mapping[str, StateValue]:
    """The columns of a trail."""
    assert isinstance(kept, dict)
    trail, number, by = kept["trail"], kept["count"], kept["by"]
    assert isinstance(trail, str)
    assert isinstance(number, int)
    assert isinstance(by, dict)
    return {"trail": trail, "count": number, "actors": ",".join(sorted(by)) or None}


STORIES = State(
    name="stories",
    version=1,
    title="What a session did, in the order of time",
    key="session_id",
    columns=(
        StateColumn(name="trail", is_nullable=False),
        StateColumn(name="count", type=ColumnType.INTEGER, is_nullable=False),
        StateColumn(name="actors"),
    ),
    start=begin,
    apply=go_on,
    row=show,
    indexed=("count",),
)
SEATS = dataclasses.replace(
    STORIES, name="seats", key="role", kinds=("login", "logout", "nap"), order=Order.POSITION
)
REDUCING = dataclasses.replace(SUMMING, states=(STORIES, SEATS))


def states_by_model(happenings: Sequence[Placed]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of both states, in key order, by plain Python over all events at once."""
    in_time = sorted(happenings, key=lambda each: (each[1].ts is None, each[1].ts or 0, each[0]))
    sorted_by_place = sorted(happenings, key=lambda each: each[0])
    seated = [each for each in sorted_by_place if each[1].kind in {"login", "logout"}]
    return {
        "stories": _rows(in_time, lambda each: each.session),
        "seats": _rows(seated, lambda each: each.role),
    }


def _rows(
    ordered: Sequence[Placed], key_of: Callable[[Happening], str | None]
) -> list[tuple[Any, ...]]:
    rows: dict[str, tuple[str, int, set[str]]] = {}
    for position, each in ordered:
        key = key_of(each)
        if key is not None:
            trail, number, actors = rows.get(key, ("", 0, set()))
            line = byte_offset_of(position) // LINE + 1
            trail = f"{trail}{each.kind}{line}{each.role};"[-60:]
            rows[key] = (trail, number + 1, actors | {each.actor or ""})
    return [
        (key, trail, number, ",".join(sorted(actors)) or None)
        for key, (trail, number, actors) in sorted(rows.items())
    ]


def shown_states(reader: StoreReader) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of both states as people see them, in key order."""
    return {
        each.name: [row[: len(each.column_names)] for row in stored_states(reader, each)]
        for each in (STORIES, SEATS)
    }


def stored_states(reader: StoreReader, state: State) -> list[tuple[Any, ...]]:
    """The rows of a state as its table has them, with what they keep."""
    number = next(each.number for each in reader.projections() if each.name == state.name)
    return list(reader.projected(StateTable(REDUCING, state, number)).stored())
