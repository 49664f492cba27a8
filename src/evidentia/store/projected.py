"""A projection's table as it is stored, and as the events give it. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, TypeAlias

from sqlalchemy import func, select

from evidentia.event.values import position_of
from evidentia.store.schema import BATCHES, EVENT_ROWS, LOGS, SEGMENTS
from evidentia.store.streaming import AnySelect, Rows
from evidentia.store.tables import ProjectionTable
from evidentia.store.values import SqlValue

_NEIGHBOURS: Final = 100
"""Events looked at in each place for one that has a key of the projection."""
Keys: TypeAlias = Sequence[tuple[SqlValue, ...]]
"""Rows of a projection, by the values of their keys."""


class Projected:
    """Both sides of one version of a projection.

    Args:
        rows: Runs queries on one snapshot.
        table: The version.
    """

    def __init__(self, rows: Rows, table: ProjectionTable) -> None:
        self.table = table
        self._rows = rows

    def stored(self, keys: Keys | None = None) -> Iterator[tuple[SqlValue, ...]]:
        """The rows as they are stored, in key order, or those of some keys."""
        return map(tuple, self._rows(self.table.stored(keys)))

    def fresh(self, batch_id: int, keys: Keys | None = None) -> Iterator[tuple[SqlValue, ...]]:
        """What the events of every batch up to one give, computed now, in key order.

        Raises:
            PackError: A state cannot be computed: its pack's functions do not take these events.
        """
        return self.table.fresh(self._rows, batch_id, keys)

    def stored_keys(self, number: int) -> list[tuple[SqlValue, ...]]:
        """At most so many keys of the table, at equal distances."""
        query = select(func.count()).select_from(self.table.table)
        (count,) = (int(row[0]) for row in self._rows(query))
        step = max(1, -(-count // number))
        rows = islice(self.stored(), 0, None, step)
        return [row[: len(self.table.keys)] for row in rows]

    def event_keys(self, batch_id: int, number: int) -> list[tuple[SqlValue, ...]]:
        """At most so many keys, of events spread over the pack's logs up to a batch.

        Places are at equal distances in bytes. Where none of the next events has a key, as with a
        kind that is rare, the place gives none.
        """
        found: set[tuple[SqlValue, ...]] = set()
        for first, last in self._places(batch_id, number):
            events = EVENT_ROWS.c
            near = (
                select(events.id)
                .where(events.id.between(first, last), events.batch_id <= batch_id)
                .order_by(events.id)
                .limit(_NEIGHBOURS)
            )
            query = self.table.keys_in(self._rows, events.id.in_(near)).limit(1)
            found.update(tuple(key) for key in self._rows(query))
        return sorted(found, key=repr)

    def _places(self, batch_id: int, number: int) -> Iterator[tuple[int, int]]:
        """Where to look from and up to where: the end of the batch there."""
        query: AnySelect = (
            select(BATCHES.c.segment_id, BATCHES.c.byte_start, BATCHES.c.byte_end)
            .join_from(BATCHES, SEGMENTS, SEGMENTS.c.id == BATCHES.c.segment_id)
            .join(LOGS, LOGS.c.id == SEGMENTS.c.log_id)
            .where(
                LOGS.c.pack == self.table.pack, BATCHES.c.id <= batch_id, BATCHES.c.event_count > 0
            )
            .order_by(BATCHES.c.id)
        )
        step = sum(end - start for _, start, end in self._rows(query)) // number + 1
        left = 0
        for segment_id, start, end in self._rows(query):
            for place in range(start + left, end, step):
                yield position_of(segment_id, place), position_of(segment_id, end - 1)
            left = (left - (end - start)) % step
