"""Stored events as the lines they came from: place, bytes and id, and nothing derived."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from evidentia.event.values import SEGMENT_BYTES_MAX
from evidentia.store.schema import EVENT_ROWS

_ASKED: Final = 1_000
"""Ids looked up by one statement; SQLite binds at most 32,766 values."""


@dataclass(frozen=True, slots=True)
class EventLine:
    """A stored event's own bytes, and the id that its writer gave it."""

    position: int
    raw: bytes
    event_id: str | None


def lines_query(span: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The events that a condition holds for, in order of place."""
    rows = EVENT_ROWS.c
    return select(rows.id, rows.raw, rows.event_id).where(span).order_by(rows.id)


def last_line_query(segment_id: int) -> Select[*tuple[Any, ...]]:
    """The last event of a segment."""
    rows = EVENT_ROWS.c
    return (
        select(rows.id, rows.raw, rows.event_id)
        .where(_inside(segment_id))
        .order_by(rows.id.desc())
        .limit(1)
    )


def queries_by_id(event_ids: Sequence[str]) -> Iterator[Select[*tuple[Any, ...]]]:
    """Queries that together give every event with one of some ids."""
    for start in range(0, len(event_ids), _ASKED):
        yield lines_query(EVENT_ROWS.c.event_id.in_(event_ids[start : start + _ASKED]))


def repeated_ids(connection: Connection, segment_ids: Sequence[int], limit: int) -> tuple[str, ...]:
    """Ids that more than one event of some segments has, in order, at most ``limit``.

    The index over ids is walked in its order, so nothing is sorted or held.
    """
    if not segment_ids:
        return ()
    rows = EVENT_ROWS.c
    if not segment_ids:
        return ()
    spans = [_inside(each) for each in segment_ids]
    query = (
        select(rows.event_id)
        .where(rows.event_id.is_not(None), or_(*spans))
        .group_by(rows.event_id)
        .having(func.count() > 1)
        .order_by(rows.event_id)
        .limit(limit)
    )
    return tuple(connection.execute(query).scalars())


def _inside(segment_id: int) -> ColumnElement[bool]:
    start = segment_id * SEGMENT_BYTES_MAX
    return EVENT_ROWS.c.id.between(start, start + SEGMENT_BYTES_MAX - 1)
