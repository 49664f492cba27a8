"""Runs a pack's queries over lines, by the parser and field map that a store would use."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.ingest.kit import Place

from evidentia.event.extract import Extractor
from evidentia.event.line import read_line
from evidentia.event.values import Flag, JsonObject, Policy, Verdict
from evidentia.pack.contract import NamedQuery, Pack, ParameterType

SEGMENT = 2**40
FIXED_COLUMNS = (
    *("id", "batch_id", "log_path", "pack", "line_no", "byte_offset", "raw_json", "sha256"),
)
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
def rows_of(tmp_path: Path) -> Iterator[Callable[..., Rows]]:
    """Rows of a named query over batches of lines, each in the form its columns declare.

    Line numbers run through all batches; the position of a line is 2**40 plus its number. The last
    batch may be given as ``of_another_pack``: the same store holds it, from another pack's log.
    A query over summaries is asked of a store that keeps them.
    """
    with closing(sqlite3.connect(":memory:")) as connection:

        def run(
            pack: Pack,
            name: str,
            batches: Sequence[Sequence[bytes]],
            of_another_pack: Sequence[bytes] = (),
            **arguments: int | str,
        ) -> Rows:
            query = next(query for query in pack.queries if query.name == name)
            if _has_summaries(pack, query):
                return _stored_rows(tmp_path, pack, query, batches, of_another_pack, arguments)
            _create(connection, pack)
            for batch_id, lines in enumerate((*batches, of_another_pack), start=1):
                segment_id = 2 if batch_id > len(batches) else 1
                _insert(connection, pack, (segment_id, batch_id), lines)
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


def _arguments(query: NamedQuery, given: dict[str, int | str]) -> dict[str, int | str]:
    defaults: dict[str, int | str] = {}
    for parameter in query.parameters:
        if parameter.type is ParameterType.TIME:
            defaults[parameter.name] = 0 if parameter.name == "since" else FAR_FUTURE_US
        elif parameter.type is ParameterType.INTEGER:
            defaults[parameter.name] = int(parameter.default)
        else:
            defaults[parameter.name] = parameter.default
    return {**defaults, **given}


def _has_summaries(pack: Pack, query: NamedQuery) -> bool:
    return any(f" {name}\n" in query.sql for each in pack.summaries for name in each.relations)


def _stored_rows(
    folder: Path,
    pack: Pack,
    query: NamedQuery,
    batches: Sequence[Sequence[bytes]],
    of_another_pack: Sequence[bytes],
    arguments: dict[str, int | str],
) -> Rows:
    bare = replace(pack, summaries=(), states=(), queries=(), report=(), document=None)
    other = replace(bare, name="another")
    place = Place(folder=folder, packs={pack.name: pack, "another": other})
    for number, lines in enumerate((*batches, of_another_pack)):
        place.write(f"{number}.jsonl", b"".join(line + b"\n" for line in lines))
        name = pack.name if number < len(batches) else "another"
        place.ingest(f"{number}.jsonl", pack=name, is_lenient=True)
    with place.store.reader() as reader:
        result = reader.run_query(query, _arguments(query, arguments), packs=(pack,))
    assert list(result.columns) == [item.name for item in query.columns]
    assert result.computed == ()
    return list(result.rows)


def _create(connection: sqlite3.Connection, pack: Pack) -> None:
    names = (*FIXED_COLUMNS, *Extractor(pack.fields).column_names, "flags")
    connection.execute(f"CREATE TABLE events ({', '.join(names)})")


def _insert(
    connection: sqlite3.Connection, pack: Pack, batch: tuple[int, int], lines: Sequence[bytes]
) -> None:
    segment_id, batch_id = batch
    (stored,) = connection.execute("SELECT COUNT(*) FROM events").fetchone()
    for line_no, line in enumerate(lines, start=stored + 1):
        columns, flags = _columns(pack, line)
        position = segment_id * SEGMENT + line_no
        name = pack.name if segment_id == 1 else "another"
        place = (position, batch_id, "evidence/log.jsonl", name, line_no, line_no)
        fixed = (*place, line.decode(), "")
        row = (*fixed, *columns.values(), int(flags))
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO events VALUES ({marks})", row)  # noqa: S608 - marks only
