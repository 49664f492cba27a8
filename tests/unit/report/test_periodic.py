"""Reports over a day, a week or a month: the same rows for the same store, whoever asks when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ingest.kit import PLAIN, Place, good

from evidentia.errors import UsageError
from evidentia.pack.contract import (
    NamedQuery,
    Pack,
    ParameterType,
    QueryParameter,
    ReportSection,
    ResultColumn,
    ResultType,
)
from evidentia.report.periodic import Period, make_report, read_span
from evidentia.store.reader import StoreReader

DAY_US = 86_400_000_000
COUNTS = NamedQuery(
    name="counts",
    title="Events by kind",
    description="x",
    parameters=(
        QueryParameter(name="since", type=ParameterType.TIME, default="-1d", description="x"),
        QueryParameter(name="until", type=ParameterType.TIME, default="now", description="x"),
        QueryParameter(name="limit", type=ParameterType.INTEGER, default="2", description="x"),
    ),
    columns=(
        ResultColumn(name="kind", type=ResultType.TEXT, title="kind"),
        ResultColumn(name="events", type=ResultType.INTEGER, title="events"),
    ),
    sql="SELECT kind, count(*) AS events FROM events WHERE ts >= :since AND ts < :until "
    "GROUP BY kind ORDER BY kind LIMIT :limit",
)
REPORTING = replace(
    PLAIN, queries=(COUNTS,), report=(ReportSection(title="Kinds", query="counts"),)
)


def us(year: int, month: int, day: int) -> int:
    """UTC microseconds of a midnight."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[StoreReader]:
    """A store with events of three days, a dead letter and an event without a time."""
    packs: dict[str, Pack] = {"plain": REPORTING}
    place = Place(folder=tmp_path, packs=packs)
    place.write(
        "a.jsonl",
        b"".join(
            good(n, kind=f"k{n % 3}", ts=f"2026-01-0{1 + n % 3}T23:59:59.999999Z") for n in range(9)
        )
        + good(9, ts="2026-01-02T00:00:00Z", kind="k0")
        + good(10, ts="yesterday")
        + b"[1]\n",
    )
    place.ingest("a.jsonl")
    with place.store.reader() as opened:
        yield opened


@pytest.mark.parametrize(
    ("period", "text", "label", "since", "until"),
    [
        (Period.DAILY, "2026-01-31", "2026-01-31", us(2026, 1, 31), us(2026, 2, 1)),
        (Period.DAILY, "2024-02-29", "2024-02-29", us(2024, 2, 29), us(2024, 3, 1)),
        (Period.WEEKLY, "2026-W05", "2026-W05", us(2026, 1, 26), us(2026, 2, 2)),
        (Period.WEEKLY, "2026-01-01", "2026-W01", us(2025, 12, 29), us(2026, 1, 5)),
        (Period.WEEKLY, "2021-01-03", "2020-W53", us(2020, 12, 28), us(2021, 1, 4)),
        (Period.MONTHLY, "2026-02", "2026-02", us(2026, 2, 1), us(2026, 3, 1)),
        (Period.MONTHLY, "2026-12-31", "2026-12", us(2026, 12, 1), us(2027, 1, 1)),
        (Period.MONTHLY, "0033-05", "0033-05", us(33, 5, 1), us(33, 6, 1)),
        (Period.WEEKLY, "0001-01-01", "0001-W01", us(1, 1, 1), us(1, 1, 8)),
    ],
)
def test_a_period_is_named_by_a_day_a_week_or_a_month(
    period: Period, text: str, label: str, since: int, until: int
) -> None:
    """ISO 8601 dates, weeks and months; a day names the period it lies in."""
    span = read_span(period, text, None)

    assert (span.label, span.since_us, span.until_us) == (label, since, until)


@pytest.mark.parametrize("period", list(Period))
def test_the_last_days_there_are_can_be_reported(period: Period) -> None:
    """A hostile log may date its events to the end of the calendar."""
    span = read_span(period, None, us(9999, 12, 31) + DAY_US - 1)

    assert span.since_us < us(9999, 12, 31) + DAY_US - 1 < span.until_us


@given(day=st.dates(), period=st.sampled_from(list(Period)))
def test_periods_tile_the_calendar(day: date, period: Period) -> None:
    """VR-06: every day lies in exactly one period, which begins where the last one ended."""
    span = read_span(period, day.isoformat(), None)

    assert span.since_us <= us(day.year, day.month, day.day) < span.until_us
    assert read_span(period, None, span.since_us) == span
    assert read_span(period, None, span.until_us - 1) == span


def test_without_a_date_the_newest_event_decides(reader: StoreReader) -> None:
    """The report of a log that stopped months ago is not empty."""
    span = read_span(Period.DAILY, None, reader.latest_us("plain"))

    assert span.label == "2026-01-03"


def test_a_store_without_times_has_no_newest_day() -> None:
    """There is nothing to report on, and the message says what to do."""
    with pytest.raises(UsageError, match="no event with a time"):
        read_span(Period.DAILY, None, None)


@pytest.mark.parametrize("text", ["", "today", "2026-13", "2026-02-30", "2026-W54", "31.1.2026"])
def test_what_is_no_period_is_wrong_usage(text: str) -> None:
    """The message shows how to write one."""
    with pytest.raises(UsageError, match="is not a day, week or month"):
        read_span(Period.MONTHLY, text, None)


def test_a_report_counts_the_events_of_its_period_alone(reader: StoreReader) -> None:
    """VR-01: computed by hand; midnight belongs to the day it begins."""
    span = read_span(Period.DAILY, "2026-01-02", None)

    report = make_report(reader, REPORTING, Period.DAILY, span)

    (section,) = report.sections
    assert section.answer.rows == (("k0", 1), ("k1", 3))
    assert (report.counts.events, report.counts.untimed_events) == (4, 1)
    assert (report.counts.open_dead_letters, report.counts.gaps) == (1, 0)
    assert report.title == "a pack for tests: daily report"


def test_days_add_up_to_their_week(reader: StoreReader) -> None:
    """VR-06: seven daily reports count what the weekly one counts."""
    week = make_report(
        reader, REPORTING, Period.WEEKLY, read_span(Period.WEEKLY, "2026-01-01", None)
    )
    days = [
        make_report(reader, REPORTING, Period.DAILY, read_span(Period.DAILY, text, None))
        for text in ("2025-12-29", "2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04")
    ]

    assert sum(day.counts.events for day in days) == week.counts.events == 10


def test_a_report_of_the_same_store_is_the_same(reader: StoreReader) -> None:
    """VR-05: nothing in a report depends on when it was made."""
    span = read_span(Period.MONTHLY, "2026-01", None)

    first, second = (make_report(reader, REPORTING, Period.MONTHLY, span) for _ in range(2))

    assert first == second
    assert first.sections[0].answer.values["limit"] == 2
