"""What a declaration of a state says of itself, and which ones make no sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count

import pytest

from evidentia.event.fieldmap import ColumnType, FieldMap, PromotedColumn
from evidentia.event.values import JsonValue
from evidentia.pack.conformance import check_pack
from evidentia.pack.contract import Pack, Sample
from evidentia.pack.state import Order, State, StateColumn, StateEvent, StateValue, state_problems


def _column(name: str, kind: ColumnType, *, is_indexed: bool = False) -> PromotedColumn:
    return PromotedColumn(name=name, type=kind, sources=(name,), is_indexed=is_indexed)


FIELDS = FieldMap(
    kind=("kind",),
    promoted=(
        _column("door", ColumnType.TEXT, is_indexed=True),
        _column("floor", ColumnType.INTEGER),
        _column("weight", ColumnType.REAL, is_indexed=True),
    ),
)


def begin() -> JsonValue:
    """Nobody has touched the door."""
    return {"is_open": None, "turns": 0}


def turn(door: JsonValue, event: StateEvent) -> JsonValue:
    """A door after the next event."""
    assert isinstance(door, dict)
    turns = door["turns"]
    assert isinstance(turns, int)
    return {"is_open": event.kind == "open", "turns": turns + 1}


def show(door: JsonValue) -> Mapping[str, StateValue]:
    """The columns of a door."""
    assert isinstance(door, dict)
    turns = door["turns"]
    assert isinstance(turns, int)
    return {"standing": "open" if door["is_open"] else "shut", "turns": turns}


DOORS = State(
    name="doors",
    version=1,
    title="Doors",
    key="door",
    columns=(
        StateColumn(name="standing", is_nullable=False),
        StateColumn(name="turns", type=ColumnType.INTEGER, is_nullable=False),
    ),
    start=begin,
    apply=turn,
    row=show,
    kinds=("open", "close"),
    indexed=("standing",),
)


def test_a_good_declaration_has_no_problems() -> None:
    """Neither by itself nor in a pack."""
    pack = Pack(name="house", version=1, title="House", fields=FIELDS, states=(DOORS,))

    assert list(state_problems(DOORS, FIELDS)) == []
    assert check_pack(pack) == ()


def test_columns_and_types_are_those_that_readers_see() -> None:
    """The key stands first, with the type of its column."""
    assert DOORS.types(FIELDS) == {
        "door": ColumnType.TEXT,
        "standing": ColumnType.TEXT,
        "turns": ColumnType.INTEGER,
    }
    assert DOORS.column_names == ("door", "standing", "turns")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"key": "window"}, "which no event has"),
        ({"key": "weight"}, "holds floats"),
        ({"key": "floor"}, "has no index"),
        ({"key": "actor"}, "has no index"),
        ({"version": 0}, "below 1"),
        ({"columns": (StateColumn(name="door"),), "indexed": ()}, "declared twice"),
        ({"columns": (StateColumn(name="w", type=ColumnType.REAL),), "indexed": ()}, "floats"),
        ({"indexed": ("nobody",)}, "no column 'nobody'"),
    ],
)
def test_what_makes_no_sense_is_named(changes: dict[str, object], problem: str) -> None:
    """One problem each, in words."""
    (found,) = state_problems(replace(DOORS, **changes), FIELDS)  # type: ignore[arg-type]

    assert problem in found


def test_the_kit_refuses_names_that_cannot_stand_in_sql() -> None:
    """Of the state and of its columns; and no summary may have the same name."""
    bad = replace(DOORS, name="Doors", columns=(StateColumn(name="select *"),), indexed=())
    pack = Pack(name="house", version=1, title="House", fields=FIELDS, states=(bad, DOORS, DOORS))

    found = check_pack(pack)

    assert sum("state or column" in each for each in found) == 2
    assert any("'doors' is declared 2 times" in each for each in found)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"kinds": ()},
        {"order": Order.POSITION},
        {"key": "session_id"},
        {"indexed": ()},
        {"columns": (StateColumn(name="standing"), DOORS.columns[1])},
    ],
)
def test_a_declaration_that_changed_is_another_one(changes: dict[str, object]) -> None:
    """So its table is made anew."""
    changed = replace(DOORS, **changes)  # type: ignore[arg-type]

    assert changed.declaration(FIELDS) != DOORS.declaration(FIELDS)


SAMPLES = (
    Sample(line=b'{"kind":"open","door":"d1","floor":3}', columns={"door": "d1"}),
    Sample(line=b'{"kind":"close","door":"d1","floor":3}', columns={"door": "d1"}),
)


def _checked(**changes: object) -> tuple[str, ...]:
    changed = replace(DOORS, **changes)  # type: ignore[arg-type]
    pack = Pack(
        name="house", version=1, title="House", fields=FIELDS, states=(changed,), samples=SAMPLES
    )
    return check_pack(pack)


def test_the_kit_runs_a_state_over_good_and_hostile_events() -> None:
    """One that takes them all has no problems."""
    assert _checked() == ()


def _of_floor(_door: JsonValue, event: StateEvent) -> JsonValue:
    floor = event.line["floor"]
    return {"is_open": None, "turns": floor + 1}  # type: ignore[operator]


ANSWERS = count()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"apply": _of_floor}, "apply of state doors failed with"),
        ({"apply": lambda _door, _event: {"is_open": True, "turns": (1, 2)}}, "no JSON"),
        ({"apply": lambda _door, _event: next(ANSWERS)}, "row of state doors failed"),
        ({"row": lambda _door: {"standing": next(ANSWERS)}}, "takes no"),
        ({"row": lambda _door: {"standing": "x", "turns": next(ANSWERS)}}, "two answers"),
        ({"row": lambda _door: {"standing": "open"}}, "turns of state doors takes no None"),
        ({"start": lambda: {1, 2}}, "no JSON"),
    ],
)
def test_the_kit_names_what_a_function_does_wrong(changes: dict[str, object], problem: str) -> None:
    """Before a log does it, and halts the state."""
    (found,) = _checked(**changes)

    assert problem in found
