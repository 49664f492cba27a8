"""The queries over the pipeline's database on PostgreSQL: the answers that SQLite gives."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
from sqlalchemy import Connection, create_engine
from tests.unit.packs.pipeline_database import ORIGIN, START_US, placed
from tests.unit.packs.test_pipeline_queries import ANSWERS, HOUR_US, QUERIES, RECORDS

from evidentia.pack.contract import NamedQuery
from evidentia.packs.pipeline.database import DATABASE
from evidentia.report.database import DatabaseReader
from evidentia.report.queries import ask, bind
from evidentia.store.derived_rows import RowWriter
from evidentia.store.derived_schema import create_all, derived_schema
from evidentia.store.values import QueryResult, SqlValue

from .postgresql import program, server

pytestmark = [
    pytest.mark.skipif(
        program("initdb") is None, reason="PostgreSQL is not installed (Debian: postgresql)"
    ),
    pytest.mark.skipif(
        importlib.util.find_spec("psycopg") is None, reason="the driver psycopg is not installed"
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresDatabase:
    """Answers named queries from PostgreSQL."""

    connection: Connection

    def run_query(
        self,
        query: NamedQuery,
        values: Mapping[str, SqlValue],
        is_over: Callable[[], bool] | None = None,
    ) -> QueryResult:
        """The rows of a named query, its parameters written as this driver has them."""
        del is_over
        sql = re.sub(r":([a-z_]+)\b", r"%(\1)s", query.sql)
        result = self.connection.exec_driver_sql(sql, dict(values))
        rows = tuple(tuple(map(_plain, row)) for row in result)
        return QueryResult(columns=tuple(result.keys()), rows=rows)


def _plain(value: object) -> SqlValue:
    """A sum of integers is a decimal here; it counts the same things."""
    if value is None or isinstance(value, int | float | str):
        return value
    return int(str(value))


@pytest.fixture(scope="module")
def reader() -> Iterator[DatabaseReader]:
    """The database of the unit tests, on a server of these tests' own."""
    with server() as folder:
        engine = create_engine(f"postgresql+psycopg://evidentia@/postgres?host={folder}")
        schema = derived_schema(DATABASE, "postgresql")
        with engine.connect() as connection:
            create_all(connection, schema)
            writer = RowWriter(connection, schema, lambda: START_US)
            events = [placed(number, *record) for number, record in enumerate(RECORDS)]
            writer.apply(events, ORIGIN)
            writer.save()
            yield DatabaseReader(database=PostgresDatabase(connection=connection))
            connection.rollback()
        engine.dispose()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_query_answers_as_on_sqlite(name: str, reader: DatabaseReader) -> None:
    """Whoever outgrows a file asks the same questions and gets the same answers."""
    given, rows = ANSWERS[name]

    answer = ask(reader, QUERIES[name], bind(QUERIES[name], given, START_US + 24 * HOUR_US))

    assert [*answer.rows] == rows
