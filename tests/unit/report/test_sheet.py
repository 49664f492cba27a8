"""A report as comma-separated values."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.errors import UsageError
from evidentia.report.sheet import write_sheet
from evidentia.report.visible import visible

from .kit import DAY_US, report, section


def rows_of(text: str) -> list[list[str]]:
    """What a reader of the format makes of it."""
    return list(csv.reader(text.splitlines(keepends=True)))


def test_each_section_is_a_table_under_its_own_names() -> None:
    """The section stands in front; times are ISO 8601, numbers plain, nothing is an empty cell."""
    made = report(
        section("when:time n:integer r:real", [(DAY_US, 1234, 0.5)], title="One"),
        section("what", [(None,), ('a,b"c',)], title="Two"),
    )

    text = "".join(write_sheet([made]))

    assert rows_of(text) == [
        ["section", "when", "n", "r"],
        ["One", "2026-01-01T00:00:00Z", "1234", "0.5"],
        ["section", "what"],
        ["Two", ""],
        ["Two", 'a,b"c'],
    ]


def test_one_section_alone_is_a_plain_table_and_sensors_have_a_column() -> None:
    """What a spreadsheet wants."""
    both = [
        report(section("n:integer", [(place,)]), sensor=name)
        for place, name in enumerate((None, "s"))
    ]

    assert "".join(write_sheet(both, "Things")).splitlines() == ["sensor,n", "all,0", "s,1"]
    with pytest.raises(UsageError, match="there is no section 'Nothing'"):
        list(write_sheet(both, "Nothing"))


@given(text=st.text(), number=st.integers())
def test_what_is_written_is_what_is_read_back(text: str, number: int) -> None:
    """Round trip: any text of a log is one cell, made visible; a number is itself."""
    sheet = "".join(write_sheet([report(section("what n:integer", [(text, number)]))], "Things"))

    (_heads, (cell, count)) = rows_of(sheet)
    assert (cell.removeprefix("'") if visible(text)[:1] in set("=+-@") else cell) == visible(text)
    assert int(count) == number


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_text_is_a_formula(text: str) -> None:
    """A spreadsheet shows it; a negative number stays a number."""
    sheet = "".join(write_sheet([report(section("what n:integer", [(text, -5)]))], "Things"))

    assert rows_of(sheet)[1] == [f"'{text}", "-5"]


def test_rows_come_one_by_one() -> None:
    """VR-08: a large report is never held as one text."""
    pieces = write_sheet([report(section("n:integer", [(n,) for n in range(5)]))])

    assert [piece.count("\n") for piece in pieces] == [1] * 6
