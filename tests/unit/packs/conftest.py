"""Runs a pack's queries over lines, by the parser and field map that a store would use."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import pytest

from evidentia.event.extract import Extractor
from evidentia.event.line import read_line
from evidentia.event.values import Flag, JsonObject, Policy, Verdict
from evidentia.pack.contract import NamedQuery, Pack, ParameterType

SEGMENT = 2**40
FIXED_COLUMNS = ("id", "batch_id", "log_path", "line_no", "byte_offset", "raw_json", "sha256")
FAR_FUTURE_US = 4_102_444_800_000_000

Columns = dict[str, object]
Rows = list[tuple[object, ...]]


def _read(line: bytes) -> tuple[JsonObject, Flag]:
    outcome = read_line(line, Policy())
    assert not isinstance(outcome, Verdict), outcome
    return outcome


def _columns(pack: Pack, line: bytes) -> tuple[Columns, Flag]:
    extractor = Extractor(pack.fields)
    values, flags = extractor.extract(*_read(line))
    return dict(zip(extractor.column_names, values, strict=True)), flags


@pytest.fixture
def columns_of() -> Callable[[Pack, bytes], tuple[Columns, Flag]]:
    """The columns and flags that a pack's field map gives for one line."""
    return _columns


@pytest.fixture
def rows_of() -> Iterator[Callable[..., Rows]]:
    """Rows of a named query over batches of lines, each in the form its columns declare.

    Line numbers run through all batches; the position of a line is 2**40 plus its number.
    """
    with closing(sqlite3.connect(":memory:")) as connection:

        def run(
            pack: Pack, name: str, batches: Sequence[Sequence[bytes]], **arguments: int
        ) -> Rows:
            query = next(query for query in pack.queries if query.name == name)
            _fill(connection, pack, batches)
            cursor = connection.execute(query.sql, _arguments(query, arguments))
            assert [item[0] for item in cursor.description] == [item.name for item in query.columns]
            return [*cursor]

        yield run


@pytest.fixture
def empty_columns() -> Callable[[Rows], list[int]]:
    """The numbers of the columns that are zero or NULL in every row."""

    def find(rows: Rows) -> list[int]:
        return [index for index, column in enumerate(zip(*rows, strict=True)) if not any(column)]

    return find


def _arguments(query: NamedQuery, given: dict[str, int]) -> dict[str, int | str]:
    defaults: dict[str, int | str] = {}
    for parameter in query.parameters:
        if parameter.type is ParameterType.TIME:
            defaults[parameter.name] = 0 if parameter.name == "since" else FAR_FUTURE_US
        else:
            defaults[parameter.name] = int(parameter.default)
    return {**defaults, **given}


def _fill(connection: sqlite3.Connection, pack: Pack, batches: Sequence[Sequence[bytes]]) -> None:
    names = (*FIXED_COLUMNS, *Extractor(pack.fields).column_names, "flags")
    connection.execute(f"CREATE TABLE events ({', '.join(names)})")
    line_no = 0
    for batch_id, lines in enumerate(batches, start=1):
        for line in lines:
            line_no += 1
            columns, flags = _columns(pack, line)
            fixed = (SEGMENT + line_no, batch_id, "evidence/log.jsonl", line_no, line_no)
            row = (*fixed, line.decode(), "", *columns.values(), int(flags))
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO events VALUES ({marks})", row)  # noqa: S608 - marks only
