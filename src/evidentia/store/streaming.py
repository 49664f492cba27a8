"""Rows of a query one after the other, so that memory does not grow with the result."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Row, Select

_FETCHED_ROWS: Final = 200
"""Rows fetched at once; each may hold a whole line."""
AnySelect: TypeAlias = Select[*tuple[Any, ...]]
AnyRow: TypeAlias = Row[*tuple[Any, ...]]
Rows: TypeAlias = Callable[[AnySelect], Generator[AnyRow]]
"""Runs a query; its result is closed with the generator."""


def streamed(connection: Connection) -> Rows:
    """What runs queries on a connection, some rows at a time."""

    def rows(query: AnySelect) -> Generator[AnyRow]:
        result = connection.execute(query, execution_options={"stream_results": True})
        try:
            while found := result.fetchmany(_FETCHED_ROWS):
                yield from found
        finally:
            result.close()

    return rows
