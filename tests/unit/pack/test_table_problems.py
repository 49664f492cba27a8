"""A database that a pack declares must make sense on its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from evidentia.pack.table_problems import RESERVED_TABLES, database_problems
from evidentia.pack.tables import (
    CellType,
    Column,
    DerivedTable,
    PackDatabase,
    Retention,
    Stamp,
    TableIndex,
    View,
    up,
)
from evidentia.packs.pipeline.database import DATABASE as PIPELINE
from evidentia.store.derived_schema import OWN_TABLES

NAME = Column(name="name", type=CellType.TEXT, is_required=True, is_unique=True)
PARENT = DerivedTable(name="parents", columns=(NAME,))
CHILD = DerivedTable(
    name="children",
    columns=(
        Column(name="parent", type=CellType.TEXT, refers_to=("parents", "name")),
        Column(name="born", type=CellType.TIMESTAMP, stamp=Stamp.CREATED),
    ),
    indexes=(TableIndex(name="idx_children_parent", parts=(up("parent"),)),),
    retention=Retention(age="born"),
)
DATABASE = PackDatabase(
    name="family",
    title="parents and children",
    version=1,
    tables=(PARENT, CHILD),
    rows_of=lambda _: (),
    views=(View(name="all_names", title="names", columns=("name",), sql="SELECT 1"),),
)


def _with_child(change: Callable[[DerivedTable], DerivedTable]) -> PackDatabase:
    return replace(DATABASE, tables=(PARENT, change(CHILD)))


def _with_column(**changes: object) -> PackDatabase:
    changed = replace(NAME, name="extra", is_unique=False, **changes)  # type: ignore[arg-type]
    return _with_child(lambda child: replace(child, columns=(*child.columns, changed)))


@pytest.mark.parametrize("database", [DATABASE, PIPELINE])
def test_a_sound_declaration_has_no_problems(database: PackDatabase) -> None:
    """The pipeline's own, and a small one."""
    assert list(database_problems(database)) == []


@pytest.mark.parametrize(
    ("database", "problem"),
    [
        (replace(DATABASE, version=0), "below 1"),
        (replace(DATABASE, name="Family"), "lower-case identifier"),
        (replace(DATABASE, tables=(CHILD, PARENT)), "no unique column of an earlier table"),
        (replace(DATABASE, tables=(PARENT, PARENT)), "'parents' is declared 2 times"),
        (replace(DATABASE, tables=(replace(PARENT, name="archives"),)), "every pack's database"),
        (_with_child(lambda child: replace(child, state_key=("parent",))), "state's key"),
        (_with_child(lambda child: replace(child, retention=Retention(age="parent"))), "no time"),
        (
            _with_child(
                lambda child: replace(child, retention=Retention(age="born", stay_column="x"))
            ),
            "rows to stay by",
        ),
        (
            _with_child(
                lambda child: replace(
                    child, indexes=(TableIndex(name="idx_x", parts=(up("nothing"),)),)
                )
            ),
            "has no column 'nothing'",
        ),
        (_with_column(type=CellType.JSON, values=("a",)), "only a text"),
        (_with_column(stamp=Stamp.CREATED), "only a timestamp"),
        (_with_column(default=1), "another type"),
        (_with_column(type=CellType.INTEGER, default="1"), "another type"),
        (_with_column(refers_to=("strangers", "name")), "no unique column"),
        (
            replace(DATABASE, tables=(replace(PARENT, columns=(NAME, replace(NAME, name="b"))),)),
            "a row is known by one",
        ),
    ],
)
def test_each_contradiction_is_named(database: PackDatabase, problem: str) -> None:
    """With its table and column."""
    assert any(problem in each for each in database_problems(database))


def test_the_reserved_names_are_those_of_the_store() -> None:
    """A pack cannot import them, so they are said twice, and compared here."""
    assert {*OWN_TABLES, "alembic_version"} == RESERVED_TABLES
