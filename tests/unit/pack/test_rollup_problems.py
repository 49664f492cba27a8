"""A relation over a summary's rows is refused where it could not mean what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evidentia.pack.rollup_problems import rollup_problems
from evidentia.pack.summary import Key, Rollup, Summary, count, first, greatest, least, total

DAYS = Summary(
    name="days",
    version=1,
    title="Events by day and actor",
    keys=(
        Key(name="day", column="ts", is_day=True, missing=-1),
        Key(name="who", column="actor", missing=""),
    ),
    measures=(count("events"), least("first_ts", "ts")),
)
WELL = Rollup(
    name="actors",
    title="Events by actor",
    keys=(Key(name="day", column="day", missing=-1),),
    measures=(total("events", "events"), least("first_ts", "first_ts"), first("who", "who")),
    time="first_ts",
)


def test_a_rollup_that_adds_up_what_there_is_has_no_problems() -> None:
    """Sums of counts, least of least, the first of a key by a time that is kept."""
    assert list(rollup_problems(DAYS, WELL)) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"keys": (Key(name="x", column="actor"),)}, "which is no key of the summary"),
        ({"keys": (Key(name="x", column="events"),)}, "which is no key of the summary"),
        ({"keys": (Key(name="x", column="who", missing="-"),)}, "is not what is missing"),
        ({"measures": (total("x", "nothing"),)}, "not of a column"),
        ({"measures": (count("x"),)}, "not of a column"),
        ({"measures": (total("x", "events", "login"),)}, "not of a column"),
        ({"measures": (greatest("x", "first_ts"),)}, "a max of a min"),
        ({"measures": (least("x", "events"),)}, "a min of a count"),
        ({"measures": (first("x", "first_ts"),)}, "the first value is of a key"),
        ({"measures": (least("x", "who"),)}, "the first value is of a key"),
        ({"time": "day"}, "no measure 'day' that tells a time"),
        ({"kinds": ("login",)}, "the kind is no key"),
        ({"keys": (Key(name="events", column="who"),)}, "declared twice"),
    ],
)
def test_what_cannot_be_added_up_is_named(changes: dict[str, object], problem: str) -> None:
    """Each problem is found by itself, and says which column it is about."""
    found = list(rollup_problems(DAYS, replace(WELL, **changes)))  # type: ignore[arg-type]

    assert any(problem in each for each in found)
