"""Questions to a pack's own database, and reports of it, by the code that asks the store.

There a time is text, which sorts as time does. Whoever asks gives and gets microseconds, as
everywhere: they are turned into each other here, by what a query declares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from evidentia.errors import UsageError
from evidentia.event.timestamp import format_time, parse_times
from evidentia.pack.contract import DatabaseReport, NamedQuery, Pack, ParameterType, ResultType
from evidentia.report.periodic import Period, Report, Section, Span, ask_over, read_span
from evidentia.report.queries import ask
from evidentia.store.scope import EVERYTHING, AsOf, Scope
from evidentia.store.values import PeriodCounts, QueryResult, SqlValue


class Database(Protocol):
    """A snapshot of a pack's own database."""

    def run_query(
        self,
        query: NamedQuery,
        values: Mapping[str, SqlValue],
        is_over: Callable[[], bool] | None = None,
    ) -> QueryResult:
        """The rows of a named query."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseReader:
    """Asks a database as a store is asked."""

    database: Database

    def run_query(
        self,
        query: NamedQuery,
        values: Mapping[str, SqlValue],
        is_over: Callable[[], bool] | None = None,
        within: Scope = EVERYTHING,
        packs: Sequence[Pack] = (),
    ) -> QueryResult:
        """The rows of a named query. A database shows what it is now, and no summaries.

        Raises:
            UsageError: An earlier moment is asked for.
            StoreError: The query took longer than ``is_over`` allows, or the database fails.
        """
        del packs
        if within.limit is not None or within.sensor is not None:
            raise UsageError(
                "this database shows what it is now, of all that was recorded",
                fix="leave out the moment and the sensor",
            )
        times = {each.name for each in query.parameters if each.type is ParameterType.TIME}
        bound = {
            name: format_time(value) if name in times and isinstance(value, int) else value
            for name, value in values.items()
        }
        result = self.database.run_query(query, bound, is_over)
        places = [place for place, each in enumerate(query.columns) if each.type is ResultType.TIME]
        return replace(result, rows=_with_times(result.rows, places)) if places else result


_Rows = tuple[tuple[SqlValue, ...], ...]


def _with_times(rows: _Rows, places: Sequence[int]) -> _Rows:
    """Rows with the texts of some columns as microseconds; what is no time stays as it is."""
    columns: list[Sequence[SqlValue]] = [*zip(*rows, strict=True)]
    for place in places if rows else ():
        # A column by itself, for many times at once are read much faster than one by one.
        column = columns[place]
        times, _ = parse_times([_zoned(value) for value in column])
        columns[place] = [
            value if us is None else us for value, us in zip(column, times, strict=True)
        ]
    return tuple(zip(*columns, strict=True))


def _zoned(value: SqlValue) -> str | None:
    """A time with its zone: TIMESTAMP columns hold one as SQL writes it, and leave UTC unsaid."""
    if not isinstance(value, str) or not value:
        return None
    return value if value.endswith("Z") else f"{value.replace(' ', 'T')}Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How far a database has come.

    Attributes:
        size: Events of the ledger that were applied.
        changed_us: When the last of them were.
        refused: How many of them no rows came of, for a reason that is kept.
    """

    size: int
    changed_us: int
    refused: int

    @property
    def as_of(self) -> AsOf:
        """The same, as an answer and a report say what they are as of."""
        return AsOf(
            batch_id=self.size, committed_us=self.changed_us, is_newest=True, is_ledger=True
        )


def period_of(text: str | None) -> Period:
    """Whether a person's text names a day, a week or a month; a day where there is none."""
    if text is not None and re.fullmatch(r"\d{4}-?W\d{2}", text):
        return Period.WEEKLY
    return (
        Period.MONTHLY if text is not None and re.fullmatch(r"\d{4}-\d{2}", text) else Period.DAILY
    )


def read_database_span(
    reader: DatabaseReader, pack: Pack, period: Period, text: str | None
) -> Span:
    """The period that a person's text names; without text, the one of the newest record.

    Raises:
        UsageError: The text is no period, or there is no record to report on.
    """
    ((newest,),) = ask(reader, _query(pack, _report(pack).newest), {}).rows
    return read_span(period, text, newest if isinstance(newest, int) else None)


def make_database_report(
    reader: DatabaseReader, pack: Pack, period: Period, span: Span, top_n: int | None, state: State
) -> Report:
    """A report of a pack's own database over a period.

    Raises:
        UsageError: The pack reports nothing of a database.
    """
    report = _report(pack)
    (counts,) = ask_over(reader, _query(pack, report.counts), span, EVERYTHING, None).rows
    return Report(
        pack=pack.name,
        pack_version=pack.version,
        title=f"{pack.title}: {period.value} report",
        period=period,
        span=span,
        as_of=state.as_of,
        sensor=None,
        sections=tuple(
            Section(
                shape=section,
                answer=ask_over(reader, _query(pack, section.query), span, EVERYTHING, top_n),
            )
            for section in report.sections
        ),
        counts=PeriodCounts(
            events=sum(each for each in counts if isinstance(each, int)),
            untimed_events=0,
            open_dead_letters=state.refused,
            gaps=0,
        ),
        gaps=(),
    )


def _report(pack: Pack) -> DatabaseReport:
    if pack.database_report is None:
        raise UsageError(f"the pack {pack.name!r} reports nothing of a database of its own")
    return pack.database_report


def _query(pack: Pack, name: str) -> NamedQuery:
    return {query.name: query for query in pack.database_queries}[name]
