"""The hours, days and classes along an axis."""

from __future__ import annotations

from evidentia.pack.contract import SectionStyle
from evidentia.report.periodic import Period, read_span
from evidentia.report.timeline import classes_of, slots_of

from .kit import DAY, DAY_US, HOUR_US, section

TIMES = "when:time good:integer bad:integer"


def test_a_day_has_24_hours_whatever_happened() -> None:
    """Hours without a row are there and empty; a tick every four hours."""
    rows = [(DAY_US + 2 * HOUR_US, 3, 1), (DAY_US + 23 * HOUR_US, 0, 2)]

    slots = slots_of(section(TIMES, rows, SectionStyle.TIMELINE, series=("good", "bad")), DAY)

    assert len(slots) == 24
    assert slots[2].values == (3, 1)
    assert slots[23].values == (0, 2)
    assert sum(sum(slot.values) for slot in slots) == 6
    assert [slot.tick for slot in slots if slot.tick][:3] == ["00:00", "04:00", "08:00"]
    assert slots[2].label == "2026-01-01 02:00"


def test_a_week_and_a_month_have_days() -> None:
    """Every day of a week is named; of a month every seventh."""
    thing = section(TIMES, [(DAY_US, 1, 0)], SectionStyle.TIMELINE)

    week = slots_of(thing, read_span(Period.WEEKLY, "2026-01-01", None))
    month = slots_of(thing, read_span(Period.MONTHLY, "2026-01-01", None))

    assert [slot.tick for slot in week] == [*("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")]
    assert len(month) == 31
    assert [slot.tick for slot in month if slot.tick] == [
        *("1 Jan", "8 Jan", "15 Jan", "22 Jan", "29 Jan")
    ]


def test_rows_outside_the_period_or_without_a_time_are_not_drawn() -> None:
    """A query of somebody's own cannot break the chart."""
    rows = [(DAY_US - 1, 5, 5), (None, 5, 5), ("x", 5, 5), (DAY.until_us, 5, 5), (DAY_US, None, 1)]

    slots = slots_of(section(TIMES, rows, SectionStyle.TIMELINE, series=("good", "bad")), DAY)

    assert [slot.values for slot in slots if any(slot.values)] == [(0, 1)]


def test_classes_keep_their_order() -> None:
    """A histogram is not sorted by size."""
    slots = classes_of(section("depth n:integer", [("none", 2), ("1", 7)], SectionStyle.HISTOGRAM))

    assert [(slot.label, slot.values) for slot in slots] == [("none", (2,)), ("1", (7,))]
