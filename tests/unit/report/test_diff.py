"""What changed between two reports."""

from __future__ import annotations

from typing import Any

import pytest

from evidentia.errors import UsageError
from evidentia.report.diff import Change, differences


def kept(rows: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """A report as --json prints it, reduced to what is compared."""
    return {
        "pack": "plain",
        "period": "daily",
        "date": "2026-01-01",
        "sensor": None,
        "events": 5,
        "sections": [
            {
                "section": "Things",
                "style": "bars",
                "label_columns": 1,
                "columns": [{"name": "what"}, {"name": "n"}],
                "rows": rows,
            }
        ],
        **changes,
    }


def test_rows_are_compared_by_what_they_are_about() -> None:
    """Changed, new and gone, in any order; counts come first."""
    before = kept([{"what": "a", "n": 1}, {"what": "b", "n": 2}, {"what": "c", "n": 3}])
    after = kept([{"what": "b", "n": 2}, {"what": "a", "n": 4}, {"what": "d", "n": 1}], events=7)

    assert differences(before, after) == (
        Change(
            section="Behind this report",
            label=("events",),
            before={"count": 5},
            after={"count": 7},
        ),
        Change(section="Things", label=("a",), before={"n": 1}, after={"n": 4}),
        Change(section="Things", label=("d",), before=None, after={"n": 1}),
        Change(section="Things", label=("c",), before={"n": 3}, after=None),
    )
    assert differences(after, after) == ()


def test_a_label_that_comes_twice_is_two_rows() -> None:
    """Neither hides the other."""
    before = kept([{"what": "a", "n": 1}, {"what": "a", "n": 2}])
    after = kept([{"what": "a", "n": 1}, {"what": "a", "n": 3}])

    assert [(each.before, each.after) for each in differences(before, after)] == [
        ({"n": 2}, {"n": 3})
    ]


def test_a_row_of_numbers_is_about_itself() -> None:
    """Its first number is a value like the others."""
    one, other = (kept([{"what": n, "n": n}]) for n in (1, 2))
    for each in (one, other):
        each["sections"][0]["style"] = "numbers"

    (change,) = differences(one, other)

    assert (change.before, change.after) == ({"what": 1, "n": 1}, {"what": 2, "n": 2})


@pytest.mark.parametrize("name", ["pack", "period", "date", "sensor"])
def test_reports_on_different_things_are_not_compared(name: str) -> None:
    """The message names the difference."""
    with pytest.raises(UsageError, match=f"not on the same {name}"):
        differences(kept([]), kept([], **{name: "x"}))


@pytest.mark.parametrize("sections", [None, {}, "x", [1]])
def test_what_is_no_report_is_wrong_usage(sections: object) -> None:
    """A file may hold any JSON."""
    with pytest.raises(UsageError, match="this is no report"):
        differences(kept([]), kept([], sections=sections))
