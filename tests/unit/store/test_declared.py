"""Relations that packs declare over tables, and tables that became such relations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.ingest.kit import PLAIN, Place, goods

from evidentia.errors import PackError
from evidentia.pack.summary import Key, Rollup, Summary, count, total

DAYS = Summary(
    name="days",
    version=1,
    title="Events by day and actor",
    keys=(
        Key(name="day", column="ts", is_day=True, missing=-1),
        Key(name="actor", column="actor", missing=""),
    ),
    measures=(count("events"),),
    rollups=(
        Rollup(
            name="actors",
            title="Events by actor",
            keys=(Key(name="actor", column="actor"),),
            measures=(total("events", "events"),),
        ),
    ),
)
ACTORS = Summary(
    name="actors",
    version=1,
    title="Events by actor",
    keys=(Key(name="actor", column="actor"),),
    measures=(count("events"),),
)


def place_with(folder: Path, *summaries: Summary, name: str = "plain") -> Place:
    """A store whose pack declares these."""
    pack = replace(PLAIN, name=name, summaries=summaries)
    return Place(folder=folder, packs={name: pack})


def test_a_table_becomes_a_relation_over_another(tmp_path: Path) -> None:
    """A newer pack adds up what an older one kept: the same rows, and the old table is gone."""
    before = place_with(tmp_path, ACTORS)
    before.write("a.jsonl", goods(30))
    before.ingest("a.jsonl")
    wanted = before.rows("SELECT * FROM actors ORDER BY actor")

    after = place_with(tmp_path, DAYS)
    after.ingest("a.jsonl")

    assert after.rows("SELECT * FROM actors ORDER BY actor") == wanted != []
    tables = {name for (name,) in after.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "days_v1" in tables
    assert "actors_v1" not in tables
    assert after.rows("SELECT name FROM projections") == [("days",)]


def test_a_relation_becomes_a_table_again(tmp_path: Path) -> None:
    """An older pack that writes to the store finds what it declares."""
    after = place_with(tmp_path, DAYS)
    after.write("a.jsonl", goods(30))
    after.ingest("a.jsonl")
    wanted = after.rows("SELECT * FROM actors ORDER BY actor")

    place_with(tmp_path, ACTORS).ingest("a.jsonl")

    assert after.rows("SELECT * FROM actors ORDER BY actor") == wanted != []


def test_two_packs_cannot_show_one_relation(tmp_path: Path) -> None:
    """Be it a table of one and a relation over a table of the other."""
    other = replace(PLAIN, name="other", summaries=(ACTORS,))
    packs = {"plain": replace(PLAIN, summaries=(DAYS,)), "other": other}
    place = Place(folder=tmp_path, packs=packs)
    place.write("a.jsonl", goods(1))

    with pytest.raises(PackError, match="actors is declared by pack"):
        place.ingest("a.jsonl")
