"""Which events are meant: the positions of batches, of a pack's logs, up to a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select

from evidentia.event.values import SEGMENT_BYTES_MAX, position_of
from evidentia.store.schema import BATCHES, EVENT_ROWS, LOGS, SEGMENTS

_BATCHES_ASKED: Final = 1_000
"""Batch records read at once while catching up."""
_MERGED_EVENTS: Final = 500_000
"""Events merged in one transaction while catching up: seconds, and a bounded sorter."""
_SPANS_MAX: Final = 200
"""Spans of one statement, each of which is a condition of it."""
Reading = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Positions that follow each other, of one pack's segment, up to a batch."""

    pack: str
    first: int
    last: int


def of_pack(pack: str, batch_id: int) -> ColumnElement[bool]:
    """The events of a pack's logs up to a batch."""
    segments = select(SEGMENTS.c.id).join_from(SEGMENTS, LOGS, LOGS.c.id == SEGMENTS.c.log_id)
    segment = EVENT_ROWS.c.id // SEGMENT_BYTES_MAX
    return segment.in_(segments.where(LOGS.c.pack == pack)) & (EVENT_ROWS.c.batch_id <= batch_id)


def inside(spans: Sequence[Span]) -> ColumnElement[bool]:
    """The events of some spans."""
    return or_(*(EVENT_ROWS.c.id.between(each.first, each.last) for each in spans))


def newest_batch(connection: Connection) -> int:
    """The id of the newest batch; 0 where there is none."""
    return int(connection.execute(select(func.max(BATCHES.c.id))).scalar() or 0)


def batch_span(connection: Connection, batch_id: int) -> tuple[int, Span]:
    """How many events a batch has, and its span."""
    row = connection.execute(_batches_query().where(BATCHES.c.id == batch_id)).one()
    return int(row.event_count), _span_of(row)


def missing_spans(
    connection: Connection, reading: Reading, after: int
) -> Iterator[tuple[int, list[Span]]]:
    """Batches after one as a few spans each time, with the last batch that these hold."""
    waiting: list[tuple[int, int, Span]] = []
    events = 0
    for batch_id, count, span in _batch_spans(connection, reading, after):
        waiting.append((batch_id, count, span))
        events += count
        if events >= _MERGED_EVENTS or len(waiting) >= _SPANS_MAX:
            yield batch_id, _joined(each for _, _, each in waiting)
            waiting, events = [], 0
    if waiting:
        yield waiting[-1][0], _joined(each for _, _, each in waiting)


def _batch_spans(
    connection: Connection, reading: Reading, after: int
) -> Iterator[tuple[int, int, Span]]:
    while True:
        query = _batches_query().where(BATCHES.c.id > after).limit(_BATCHES_ASKED)
        with reading():
            rows = connection.execute(query).all()
        for row in rows:
            yield row.id, row.event_count, _span_of(row)
        if len(rows) < _BATCHES_ASKED:
            return
        after = rows[-1].id


def _span_of(row: Row[Any]) -> Span:
    return Span(
        pack=row.pack,
        first=position_of(row.segment_id, row.byte_start),
        last=position_of(row.segment_id, row.byte_end - 1),
    )


def _batches_query() -> Select[Any]:
    return (
        select(
            BATCHES.c.id,
            BATCHES.c.segment_id,
            BATCHES.c.byte_start,
            BATCHES.c.byte_end,
            BATCHES.c.event_count,
            LOGS.c.pack,
        )
        .join_from(BATCHES, SEGMENTS, SEGMENTS.c.id == BATCHES.c.segment_id)
        .join(LOGS, LOGS.c.id == SEGMENTS.c.log_id)
        .order_by(BATCHES.c.id)
    )


def _joined(spans: Iterable[Span]) -> list[Span]:
    """The same positions in fewer spans."""
    joined: list[Span] = []
    for span in spans:
        before = joined[-1] if joined else None
        if before and before.last + 1 == span.first and before.pack == span.pack:
            joined[-1] = Span(pack=span.pack, first=before.first, last=span.last)
        else:
            joined.append(span)
    return joined
