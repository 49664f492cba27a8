"""What a declaration of a summary says of itself, and which ones make no sense."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evidentia.event.fieldmap import ColumnType, FieldMap, PromotedColumn
from evidentia.pack.conformance import check_pack
from evidentia.pack.contract import Pack
from evidentia.pack.summary import (
    Key,
    Measure,
    Merge,
    Points,
    Score,
    Summary,
    count,
    distinct,
    first,
    flag,
    greatest,
    last,
    least,
    summary_problems,
    total,
)


def _column(name: str, kind: ColumnType) -> PromotedColumn:
    return PromotedColumn(name=name, type=kind, sources=(name,))


FIELDS = FieldMap(
    kind=("kind",),
    promoted=(
        _column("door", ColumnType.TEXT),
        _column("floor", ColumnType.INTEGER),
        _column("weight", ColumnType.REAL),
    ),
)
DOORS = Summary(
    name="doors",
    version=1,
    title="Doors",
    keys=(Key(name="door", column="door"),),
    measures=(
        count("opened", "open"),
        flag("alarmed", "alarm"),
        total("floors", "floor"),
        least("first_ts", "ts"),
        greatest("last_ts", "ts"),
        first("first_actor", "actor", "open", "close"),
        last("last_floor", "floor"),
        distinct("people", "actor", "open"),
    ),
    kinds=("open", "close", "alarm"),
    indexed=("last_ts",),
)


def test_a_good_declaration_has_no_problems() -> None:
    """Every kind of measure over every kind of column that is allowed."""
    assert list(summary_problems(DOORS, FIELDS)) == []


def test_columns_and_types_are_those_that_readers_see() -> None:
    """First and last have the type of their column, counts are integers."""
    types = DOORS.types(FIELDS)

    assert tuple(types) == DOORS.columns
    assert [name for name, kind in types.items() if kind is ColumnType.TEXT] == [
        "door",
        "first_actor",
    ]
    assert DOORS.all_kinds == {"open", "close", "alarm"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"keys": ()}, "there is no key"),
        ({"version": 0}, "version 0 is below 1"),
        ({"keys": (Key(name="a", column="nowhere"),)}, "'nowhere', which no event has"),
        ({"measures": (count("door"),)}, "column 'door' is declared twice"),
        ({"indexed": ("nothing",)}, "there is no column 'nothing' to look up by"),
        ({"keys": (Key(name="a", column="door", is_day=True),)}, "holds no times"),
        ({"keys": (Key(name="a", column="door", missing=1),)}, "1 is no text"),
        ({"keys": (Key(name="a", column="ts", missing=""),)}, "'' is no integer"),
        ({"keys": (Key(name="a", column="weight"),)}, "'weight' holds floats"),
        ({"measures": (greatest("a", "weight"),)}, "'weight' holds floats"),
        ({"measures": (total("a", "door"),)}, "only integers are summed"),
        ({"measures": (first("a", "kind"),)}, "a kind is for keys"),
        ({"measures": (Measure(name="a", merge=Merge.COUNT, column="ts"),)}, "a count of 'ts'"),
        ({"measures": (Measure(name="a", merge=Merge.MIN),)}, "a min of ''"),
        ({"measures": (Measure(name="a", merge=Merge.DISTINCT),)}, "a distinct of ''"),
        ({"measures": (distinct("a", "kind"),)}, "a kind is for keys"),
        ({"measures": (distinct("a", "weight"),)}, "'weight' holds floats"),
        ({"indexed": ("people",)}, "'people' is an estimate"),
        (
            {"scores": (Score(name="s", points=(Points(measure="x", each=1, most=1),)),)},
            "'x', which",
        ),
        (
            {"scores": (Score(name="s", points=(Points(measure="floors", each=0, most=1),)),)},
            "0 points each and at most 1",
        ),
    ],
)
def test_each_problem_is_found(change: dict[str, object], problem: str) -> None:
    """A declaration that makes no sense is refused by the conformance kit, not by the database."""
    odd = replace(DOORS, **{"indexed": (), **change})  # type: ignore[arg-type]

    assert any(problem in each for each in summary_problems(odd, FIELDS))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"kinds": ("open",)},
        {"measures": DOORS.measures[1:]},
        {"measures": (*DOORS.measures[:-1], last("last_floor", "floor", "open"))},
        {"keys": (Key(name="door", column="door", missing=""),)},
        {"indexed": ()},
    ],
)
def test_what_changes_the_table_changes_the_declaration(change: dict[str, object]) -> None:
    """So a store notices that its table was made by another one."""
    changed = replace(DOORS, **change)  # type: ignore[arg-type]

    assert changed.declaration(FIELDS) != DOORS.declaration(FIELDS)


def test_what_is_for_people_does_not_change_the_declaration() -> None:
    """A better title makes no table anew; nor does the order of kinds."""
    changed = replace(DOORS, title="All doors", kinds=("close", "alarm", "open"))

    assert changed.declaration(FIELDS) == DOORS.declaration(FIELDS)


@pytest.mark.parametrize("name", ["Doors", "open doors", "x" * 41, ""])
def test_the_kit_checks_names(name: str) -> None:
    """Names stand in SQL."""
    pack = Pack(
        name="doors", version=1, title="d", fields=FIELDS, summaries=(replace(DOORS, name=name),)
    )

    assert any("summary or column" in each for each in check_pack(pack))


def test_the_kit_checks_that_names_are_declared_once() -> None:
    """Two tables of one name are one too many."""
    pack = Pack(name="doors", version=1, title="d", fields=FIELDS, summaries=(DOORS, DOORS))

    assert check_pack(pack) == ("projection 'doors' is declared 2 times",)
