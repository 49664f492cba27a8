"""Daily, weekly and monthly reports: a pack's sections over a period, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

from evidentia.errors import UsageError
from evidentia.pack.contract import NamedQuery, Pack, ReportSection, SectionStyle
from evidentia.report.queries import Answer, Reader, ask, bind
from evidentia.store.reader import StoreReader
from evidentia.store.scope import EVERYTHING, AsOf, Scope
from evidentia.store.values import PeriodCounts, StoredGap

_END_US: Final = 253_402_300_800_000_000
"""The end of the year 9999, before which every stored time lies."""


class Period(StrEnum):
    """How long a report's period is."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A report's period, in UTC.

    Attributes:
        label: ``2026-01-31``, ``2026-W05`` or ``2026-01``.
        until_us: The first instant after it.
    """

    label: str
    since_us: int
    until_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of a report."""

    shape: ReportSection
    answer: Answer

    @property
    def title(self) -> str:
        """What stands above it."""
        return self.shape.title

    @property
    def style(self) -> SectionStyle:
        """How it is drawn."""
        return self.shape.style

    @property
    def series(self) -> tuple[int, ...]:
        """The places of the columns that are drawn."""
        names = [column.name for column in self.answer.columns]
        return tuple(names.index(name) for name in self.shape.series) or (len(names) - 1,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report over a period.

    Attributes:
        as_of: The batch up to which events are in it.
        sensor: The only one in it; None for all.
        counts: Events of the period, and what is known of dead letters and gaps of the pack's logs.
        gaps: The gaps themselves, in the order found.
    """

    pack: str
    pack_version: int
    title: str
    period: Period
    span: Span
    as_of: AsOf
    sensor: str | None
    sections: tuple[Section, ...]
    counts: PeriodCounts
    gaps: tuple[StoredGap, ...]

    @property
    def computed(self) -> dict[str, str]:
        """Summaries that were computed from the events, because their tables could not be read."""
        return {name: reason for each in self.sections for name, reason in each.answer.computed}


def read_span(period: Period, text: str | None, latest_us: int | None) -> Span:
    """The period that a person's text names; without text, the one of the latest event.

    Raises:
        UsageError: The text is not a day, ISO week or month; or there is nothing to report on.
    """
    if text is None and latest_us is None:
        raise UsageError(
            "the store holds no event with a time, so there is no day to report on",
            fix="name a date, or ingest a log first",
        )
    if text is None:
        day = datetime.fromtimestamp((latest_us or 0) // 1_000_000, UTC).date()
    else:
        day = _day_in(text)
    begins, ends, label = _bounds(period, day)
    until_us = _END_US if ends is None else _microseconds(ends)
    return Span(label=label, since_us=_microseconds(begins), until_us=until_us)


def _day_in(text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d{2}", text):
            return date.fromisoformat(f"{text}-01")
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not a day, week or month",
            fix="write 2026-01-31, 2026-W05 or 2026-01",
        ) from error


def _bounds(period: Period, day: date) -> tuple[date, date | None, str]:
    """The first day of a period, the first day after it where the calendar has one, its label."""
    match period:
        case Period.DAILY:
            return day, _later(day, 1), day.isoformat()
        case Period.WEEKLY:
            monday = day - timedelta(days=day.weekday())
            year, week, _weekday = day.isocalendar()
            return monday, _later(monday, 7), f"{year:04d}-W{week:02d}"
        case Period.MONTHLY:
            first = day.replace(day=1)
            following = _later(first, 31)
            return first, following and following.replace(day=1), first.isoformat()[:7]


def _later(day: date, days: int) -> date | None:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        # A hostile log may date its events to the last day there is.
        return None


def _microseconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def make_report(
    reader: StoreReader,
    pack: Pack,
    period: Period,
    span: Span,
    within: Scope = EVERYTHING,
    top_n: int | None = None,
) -> Report:
    """A pack's report over a period: the same rows whenever it is asked as of the same batch.

    Args:
        reader: The store.
        pack: Whose sections.
        period: How long it is.
        span: Which one.
        within: The batches that are seen, and the sensor.
        top_n: How many rows a section has at most; None for what its query says.
    """
    as_of = within.as_of or reader.as_of() or AsOf(batch_id=0, committed_us=0)
    segment_ids = {each.id for each in reader.segments() if each.pack == pack.name}
    queries = {query.name: query for query in pack.queries}
    sections = tuple(
        Section(
            shape=section,
            answer=ask_over(reader, queries[section.query], span, within, top_n, (pack,)),
        )
        for section in pack.report
    )
    return Report(
        pack=pack.name,
        pack_version=pack.version,
        title=f"{pack.title}: {period.value} report",
        period=period,
        span=span,
        as_of=as_of,
        sensor=within.sensor,
        sections=sections,
        counts=reader.period_counts(pack.name, span.since_us, span.until_us, within),
        gaps=tuple(gap for gap in reader.gaps(within) if gap.segment_id in segment_ids),
    )


def ask_over(
    reader: Reader,
    query: NamedQuery,
    span: Span,
    within: Scope,
    top_n: int | None,
    packs: Sequence[Pack] = (),
) -> Answer:
    """Run one of a pack's queries over a period; ``packs`` have the summaries that it names."""
    values = bind(query, {}, span.until_us)
    values |= {"since": span.since_us, "until": span.until_us}
    if top_n is not None and "limit" in values:
        values["limit"] = top_n
    return ask(reader, query, values, within=within, packs=packs)
