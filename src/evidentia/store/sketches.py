"""Sketches in the rows of a summary: no engine merges them, so they are read, merged and written.

A batch reads the different values of each key, and the sketches of those keys; a row that others
have counted brings its sketch along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Table, bindparam, select, tuple_, update

from evidentia.pack.sketch import EMPTY, merged_sketches, sketch_of
from evidentia.store.streaming import AnyRow, Rows, streamed
from evidentia.store.values import PartialRow

_ROWS_AT_ONCE: Final = 500
"""Rows read and written together; each is some bound values, and a sketch of some kilobytes."""
_Key: TypeAlias = tuple[Any, ...]


class Sketches:
    """The columns of a summary's table that are sketches.

    Args:
        table: The table.
        keys: Its keys.
        names: The columns.
    """

    def __init__(self, table: Table, keys: Sequence[str], names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._table = table
        self._keys = [table.c[name] for name in keys]
        self._places = {name: [*table.c.keys()].index(name) for name in names}

    def add(self, connection: Connection, name: str, found: Iterable[AnyRow]) -> None:
        """Add values to the sketches of rows that are there.

        Args:
            connection: A transaction of the writing side.
            name: The column.
            found: Keys with a value each, in the order of the keys.
        """
        new = ((key, sketch_of(row[-1] for row in rows)) for key, rows in groupby(found, _key_of))
        binds = [f"key_{column.name}" for column in self._keys]
        statement = update(self._table).values({name: bindparam("sketch")})
        for column, bind in zip(self._keys, binds, strict=True):
            statement = statement.where(column == bindparam(bind))
        place = self.names.index(name)
        while page := list(islice(new, _ROWS_AT_ONCE)):
            old = self._stored(streamed(connection), [key for key, _ in page])
            connection.execute(
                statement,
                [
                    dict(zip(binds, key, strict=True))
                    | {"sketch": merged_sketches(old[key][place], sketch)}
                    for key, sketch in page
                ],
            )

    def completed(
        self, connection: Connection, counted: Iterable[PartialRow]
    ) -> Iterator[PartialRow]:
        """Whole rows with their sketches merged with those that are stored."""
        rest = iter(counted)
        while page := list(islice(rest, _ROWS_AT_ONCE)):
            old = self._stored(streamed(connection), [row[: len(self._keys)] for row in page])
            for row in page:
                stored = old.get(row[: len(self._keys)])
                yield row if stored is None else self._with(row, stored)

    def _with(self, row: PartialRow, stored: Sequence[str]) -> PartialRow:
        values = [*row]
        for place, sketch in zip(self._places.values(), stored, strict=True):
            values[place] = merged_sketches(str(values[place]), sketch)
        return tuple(values)

    def _stored(self, rows: Rows, keys: Sequence[_Key]) -> dict[_Key, Sequence[str]]:
        columns = [self._table.c[name] for name in self.names]
        query = select(*self._keys, *columns).where(tuple_(*self._keys).in_(keys))
        count = len(self._keys)
        return {tuple(row[:count]): tuple(row[count:]) for row in rows(query)}

    def beside(
        self, counted: Iterable[PartialRow], values: Sequence[Iterable[AnyRow]]
    ) -> Iterator[PartialRow]:
        """Whole rows in key order, with sketches of the values of each column.

        Args:
            counted: Rows with empty sketches.
            values: For each column, keys with a value each; in the same order of keys.
        """
        groups = [groupby(each, _key_of) for each in values]
        heads = [next(each, None) for each in groups]
        for row in counted:
            whole = [*row]
            for number, place in enumerate(self._places.values()):
                head = heads[number]
                if head is None or head[0] != row[: len(self._keys)]:
                    whole[place] = EMPTY
                else:
                    whole[place] = sketch_of(each[-1] for each in head[1])
                    heads[number] = next(groups[number], None)
            yield tuple(whole)


def _key_of(row: AnyRow) -> _Key:
    return tuple(row[:-1])
