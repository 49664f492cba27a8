"""Named queries: parameters read from text and bound, results with their column titles.

A caller passes the name of a query and values for its parameters, never SQL.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from evidentia.errors import UsageError
from evidentia.event.timestamp import parse_time
from evidentia.pack.contract import (
    NamedQuery,
    Pack,
    ParameterType,
    QueryParameter,
    ResultColumn,
    ResultType,
)
from evidentia.report.visible import defanged
from evidentia.store.scope import EVERYTHING, Scope
from evidentia.store.values import QueryResult, SqlValue

_RELATIVE: Final = re.compile(r"-(\d{1,6})(s|m|h|d|w)")
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_INTEGER_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The result of a named query.

    Attributes:
        values: The parameters as they were bound.
        computed: Summaries that were computed from the events, because their tables could not be
            read, each with the reason. The rows are the same either way.
    """

    query: NamedQuery
    values: Mapping[str, SqlValue]
    rows: tuple[tuple[SqlValue, ...], ...]
    computed: tuple[tuple[str, str], ...] = ()

    @property
    def columns(self) -> tuple[ResultColumn, ...]:
        """What the values in each row are."""
        return self.query.columns


def query_names(packs: Mapping[str, Pack]) -> dict[str, NamedQuery]:
    """Every query by the names a person may use: ``pack.name``, and its own if that is unique."""
    found: dict[str, list[NamedQuery]] = {}
    names: dict[str, NamedQuery] = {}
    for pack in packs.values():
        for query in pack.queries:
            names[f"{pack.name}.{query.name}"] = query
            found.setdefault(query.name, []).append(query)
    return names | {name: each[0] for name, each in found.items() if len(each) == 1}


def find_query(name: str, packs: Mapping[str, Pack]) -> NamedQuery:
    """A named query.

    Raises:
        UsageError: There is none of that name; the nearest names are given.
    """
    return choose(name, query_names(packs), "evidentia query --list")


def choose(name: str, queries: Mapping[str, NamedQuery], listing: str) -> NamedQuery:
    """One of some named queries; ``listing`` is the command that lists them.

    Raises:
        UsageError: There is none of that name; the nearest names are given.
    """
    if name in queries:
        return queries[name]
    near = difflib.get_close_matches(name, queries, n=3)
    raise UsageError(
        f"there is no query {name!r}",
        fix=f"did you mean {' or '.join(near)}?" if near else f"list them: {listing}",
    )


def bind(query: NamedQuery, given: Mapping[str, str], now_us: int) -> dict[str, SqlValue]:
    """The value of every parameter: what was given, else its default.

    Raises:
        UsageError: A name that the query does not have, or text that does not fit the type. All
            problems are reported together.
    """
    problems = [
        f"{name!r} is not one of {', '.join(sorted(p.name for p in query.parameters)) or 'none'}"
        for name in sorted(given.keys() - {parameter.name for parameter in query.parameters})
    ]
    values: dict[str, SqlValue] = {}
    for parameter in query.parameters:
        try:
            text = given.get(parameter.name, parameter.default)
            values[parameter.name] = read_parameter(parameter, text, now_us)
        except UsageError as problem:
            problems.append(problem.what)
    if problems:
        raise UsageError("; ".join(problems), where=f"query {query.name}")
    return values


def read_parameter(parameter: QueryParameter, text: str, now_us: int) -> SqlValue:
    """A parameter's value from its text.

    Raises:
        UsageError: The text does not fit the type.
    """
    readers: dict[ParameterType, Callable[[str], SqlValue]] = {
        ParameterType.TEXT: lambda value: value,
        ParameterType.INTEGER: _integer,
        ParameterType.TIME: lambda value: read_time(value, now_us),
    }
    try:
        return readers[parameter.type](text)
    except UsageError as problem:
        raise UsageError(f"{parameter.name}: {problem.what}", fix=problem.fix) from problem


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,19}", text, re.ASCII) or abs(int(text)) > _INTEGER_MAX:
        raise UsageError(f"{text!r} is not an integer of at most 64 bits")
    return int(text)


def read_time(text: str, now_us: int) -> int:
    """UTC microseconds from ISO 8601 with a zone, a date, or a time relative to now (``-2h``).

    Raises:
        UsageError: It is none of these.
    """
    relative = _RELATIVE.fullmatch(text)
    if relative:
        return now_us - int(relative[1]) * _UNIT_SECONDS[relative[2]] * 1_000_000
    if text == "now":
        return now_us
    # A person who types a date or a time without a zone at a tool that speaks UTC means UTC.
    for candidate in (text, f"{text}Z", f"{text}T00:00:00Z"):
        us = parse_time(candidate).us if candidate else None
        if us is not None:
            return us
    raise UsageError(
        f"{text!r} is not a time",
        fix="write 2026-01-31, 2026-01-31T12:00:00Z, or -2h (s, m, h, d, w) before now",
    )


class Reader(Protocol):
    """What a named query is asked of: a store, or a pack's own database."""

    def run_query(
        self,
        query: NamedQuery,
        values: Mapping[str, SqlValue],
        is_over: Callable[[], bool] | None = None,
        within: Scope = EVERYTHING,
        packs: Sequence[Pack] = (),
    ) -> QueryResult:
        """The rows of a named query over what a scope shows; ``packs`` have its summaries."""
        ...


def ask(
    reader: Reader,
    query: NamedQuery,
    values: Mapping[str, SqlValue],
    is_over: Callable[[], bool] | None = None,
    within: Scope = EVERYTHING,
    packs: Sequence[Pack] = (),
) -> Answer:
    """Run a named query over what a scope shows. What is unsafe comes back defanged.

    Args:
        reader: The store.
        query: The query.
        values: Its parameters.
        is_over: Asked now and then; True stops it.
        within: What it may see.
        packs: Those whose summaries it may name.

    Raises:
        StoreError: It took longer than ``is_over`` allows.
    """
    result = reader.run_query(query, values, is_over, within, packs)
    unsafe = [column.type is ResultType.UNSAFE for column in query.columns]
    rows = result.rows
    if any(unsafe):
        rows = tuple(
            tuple(
                defanged(value) if is_unsafe and isinstance(value, str) else value
                for value, is_unsafe in zip(row, unsafe, strict=True)
            )
            for row in rows
        )
    return Answer(query=query, values=values, rows=rows, computed=result.computed)
