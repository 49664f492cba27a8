"""What a pack is: data plus pure functions that teach evidentia a domain.

A pack touches no file, clock, network or database and writes no DDL and no INSERT.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from evidentia.event.fieldmap import FieldMap
from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.browsing import PackBrowser
from evidentia.pack.command import PackCommand
from evidentia.pack.seal import SealScheme
from evidentia.pack.state import State
from evidentia.pack.summary import Summary
from evidentia.pack.tables import PackDatabase

CONTRACT_VERSION: Final = 1
"""Raised when a pack written for the earlier contract would no longer load."""


class ParameterType(StrEnum):
    """What a query's parameter holds, and how its text on the command line is read."""

    TEXT = "text"
    INTEGER = "integer"
    TIME = "time"
    """UTC microseconds; written as ISO 8601 or relative to now, e.g. ``-1h``."""


class ResultType(StrEnum):
    """What a query's result column holds, and how it is shown."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"
    TIME = "time"
    """UTC microseconds; shown as ISO 8601."""
    UNSAFE = "unsafe"
    """Text that could be run or opened, such as an intruder's command or the address of a file:
    it leaves the store defanged only (``hxxp``, ``[.]``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryParameter:
    """A bound parameter of a named query. ``default`` is text as a person would write it."""

    name: str
    type: ParameterType
    default: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultColumn:
    """A column of a named query's result, with the title shown above it."""

    name: str
    type: ResultType
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedQuery:
    """One whole SELECT with bound parameters. Callers pass values, never SQL."""

    name: str
    title: str
    description: str
    parameters: tuple[QueryParameter, ...]
    columns: tuple[ResultColumn, ...]
    sql: str


class SectionStyle(StrEnum):
    """How a section of a report is drawn."""

    TABLE = "table"
    BARS = "bars"
    """The first columns the label, the series the length."""
    TIMELINE = "timeline"
    """The first column the beginning of an hour or day, the series what lies on each other there.
    Hours where the period is two days or shorter, days otherwise; those without a row are drawn
    empty."""
    HISTOGRAM = "histogram"
    """The first column a class, in its order; the series how many fall into it."""
    NUMBERS = "numbers"
    """One row, each of its columns a number with its title."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSection:
    """A part of every periodic report: a query with ``since`` and ``until`` parameters.

    A parameter ``limit`` of it takes what a reader asks for as the number of rows.

    Attributes:
        series: The columns that are drawn; without any it is the last one.
        label_columns: How many of the first columns together say what a row is about.
        note: One sentence below the title, for people.
    """

    title: str
    query: str
    style: SectionStyle = SectionStyle.TABLE
    series: tuple[str, ...] = ()
    label_columns: int = 1
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseReport:
    """The daily, weekly and monthly report of a pack's own database, by its queries.

    Attributes:
        counts: The query that counts the records of a period: ``since`` and ``until``, one row of
            integers.
        newest: The query of the newest time of a record: one row, one column.
    """

    sections: tuple[ReportSection, ...]
    counts: str
    newest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What a report document is about.

    Attributes:
        name: ``daily``, ``weekly`` or ``monthly``.
        label: ``2026-01-31``, ``2026-W05`` or ``2026-01``.
        made: When the newest batch behind it was committed, as ISO 8601.
        sensor: None for all sensors together.
    """

    name: str
    label: str
    made: str
    sensor: str | None


DocumentRows = Mapping[str, Sequence[Mapping[str, "str | int | float | None"]]]
"""Rows by the name of their query, each by the names of its columns; times as ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDocument:
    """A report in the JSON shape of another program, so that its consumers keep working.

    Attributes:
        queries: What it needs to know; each has ``since`` and ``until`` parameters.
        write: Makes the document. Pure; the order of keys is the order in which they are written.
    """

    queries: tuple[str, ...]
    write: Callable[[Period, DocumentRows], JsonObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSchema:
    """A JSON Schema (2020-12) whose verdict is recorded with each event, never enforced."""

    name: str
    version: int
    document: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A domain.

    Attributes:
        name: Lower-case identifier; equals the entry point's name.
        version: Raised whenever the field map, a schema or a query changes meaning.
        title: One phrase for people.
        fields: Where the columns of an event come from.
        schema: What a well-formed event looks like, if the pack says so.
        known_kinds: Kinds the pack knows; others are stored, counted and listed by ``doctor``.
            Empty means that every kind is expected.
        queries: Named queries, the only SQL a caller can run.
        report: The sections of the daily, weekly and monthly reports.
        document: The same reports as another program writes them in JSON, if it is asked for.
        summaries: Tables that are kept current while events come in.
        states: The same for what depends on the order of events.
        samples: A few lines the pack must read, with the columns they must give; run by the
            conformance kit.
        seals: The ways in which the writers of the pack's logs seal their rows. The first that
            recognises a line of a file is used for the file.
        commands: What ``evidentia PACK ..`` can do.
        browser: What ``evidentia PACK browse FILE`` shows, if there is such a thing.
        database: A database of the pack's own, filled from its ledger.
        database_queries: Named queries over the tables and views of the pack's own database. There
            a time is text; as a parameter or column of type ``time`` it is microseconds for whoever
            asks.
        database_report: What is reported of that database.
    """

    name: str
    version: int
    title: str
    fields: FieldMap
    schema: EventSchema | None = None
    known_kinds: frozenset[str] = frozenset()
    queries: tuple[NamedQuery, ...] = ()
    report: tuple[ReportSection, ...] = ()
    document: ReportDocument | None = None
    summaries: tuple[Summary, ...] = ()
    states: tuple[State, ...] = ()
    samples: tuple[Sample, ...] = ()
    seals: tuple[SealScheme, ...] = ()
    commands: tuple[PackCommand, ...] = ()
    browser: PackBrowser | None = None
    database: PackDatabase | None = None
    database_queries: tuple[NamedQuery, ...] = ()
    database_report: DatabaseReport | None = None
    contract_version: int = field(default=CONTRACT_VERSION)

    @property
    def projections(self) -> tuple[Summary | State, ...]:
        """Every table that is kept of its events."""
        return (*self.summaries, *self.states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One line and the columns it must give."""

    line: bytes
    columns: Mapping[str, JsonValue]
