"""Charts: well-formed, to scale, and without anything of a log in them that could act."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.report.svg import bar, chart, scale, short
from evidentia.report.timeline import Slot


def slot(label: str, *values: float, tick: str = "") -> Slot:
    """One place on the axis."""
    return Slot(label=label, tick=tick, values=values)


def parsed(text: str) -> ET.Element:
    """A chart as an XML parser sees it."""
    return ET.fromstring(text)  # noqa: S314 - of our own making, and without a declaration


def rects(text: str, kind: str) -> list[dict[str, str]]:
    """The rectangles of one series."""
    return [dict(each.attrib) for each in parsed(text).iter("rect") if each.get("class") == kind]


def test_columns_are_as_high_as_their_values_and_stand_on_each_other() -> None:
    """Twice the value is twice the height, and the second series begins where the first ends."""
    text = chart("Things", ["Good", "Bad"], [slot("a", 10, 10), slot("b", 20, 0)])

    first, second = rects(text, "s0")
    (above,) = rects(text, "s1")
    assert float(second["height"]) == pytest.approx(2 * float(first["height"]))
    assert float(above["y"]) + float(above["height"]) == pytest.approx(float(first["y"]))
    assert float(first["x"].rstrip("%")) < 50 < float(second["x"].rstrip("%"))


def test_a_chart_can_be_heard() -> None:
    """It has a role, a name with the sums, and a title for each column."""
    text = chart("Things", ["Good", "Bad"], [slot("one", 1, 2), slot("two", 0, 0)])

    plot = next(each for each in parsed(text).iter("svg") if each.get("role") == "img")
    assert plot.get("aria-label") == (
        "Things: Good 1, Bad 2 in all. The table below has the numbers."
    )
    assert [each.text for each in plot.iter("title")] == ["one: Good 1, Bad 2", "two: nothing"]


@given(
    label=st.text(max_size=30),
    values=st.lists(st.integers(0, 10**12), min_size=1, max_size=5),
)
def test_any_chart_is_well_formed(label: str, values: list[int]) -> None:
    """Whatever a log has in its texts and however large its numbers are."""
    slots = [slot(label, value, tick=label) for value in values]

    parsed(chart(label, [label], slots))


@pytest.mark.parametrize(
    ("top", "marks"),
    [(0, [0, 1]), (1, [0, 1]), (4, [0, 1, 2, 3, 4]), (5, [0, 2, 4, 6]), (97, [0, 50, 100])],
)
def test_scales_are_round_and_reach_the_top(top: float, marks: list[int]) -> None:
    """From 0, in steps of 1, 2 or 5."""
    assert scale(top) == marks


@given(top=st.integers(0, 10**15))
def test_a_scale_has_few_marks_and_covers_everything(top: int) -> None:
    """Two to five marks for any number."""
    marks = scale(top)

    assert marks[-1] >= top
    assert 2 <= len(marks) <= 5


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (1500, "1,500"), (20_000, "20k"), (3_000_000, "3M"), (2_000_000_000, "2G")],
)
def test_numbers_of_a_scale_are_short(number: int, text: str) -> None:
    """They fit into the axis."""
    assert short(number) == text


def test_bars_are_relative_to_the_longest() -> None:
    """A stacked bar's parts lie side by side; nothing is drawn for nothing."""
    text = bar([1, 0, 2], 6)

    assert [each["width"] for each in rects(text, "s0") + rects(text, "s2")] == ["16.67%", "33.33%"]
    assert rects(text, "s2")[0]["x"] == "16.67%"
    assert "rect" not in bar([0], 0)
