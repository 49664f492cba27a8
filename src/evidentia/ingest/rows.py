"""The rows of a batch, made from the columns of its blocks as the driver asks for them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import chain, count

from evidentia.ingest.parse import SHA256_BYTES, ParsedEvents
from evidentia.store.values import SqlValue


class EventRows(Collection[tuple[SqlValue, ...]]):
    """Events as driver-ready tuples in the order of ``schema.EVENT_ROW_COLUMNS``.

    Nothing here runs once for each event but the interpreter's own loops, and no tuple outlives
    its row.
    """

    __slots__ = ("_blocks", "_count")

    def __init__(self) -> None:
        self._blocks: list[tuple[bytes, int, ParsedEvents, list[int]]] = []
        self._count = 0

    def add(self, data: bytes, base: int, events: ParsedEvents, kinds: Mapping[str, int]) -> None:
        """Add the events of a block that begins at the position ``base``."""
        if len(events):
            numbers = [*map(kinds.__getitem__, events.kinds)]
            self._blocks.append((data, base, events, numbers))
            self._count += len(events)

    def __len__(self) -> int:
        """How many events there are."""
        return self._count

    def __contains__(self, row: object) -> bool:
        """Whether a row is among them; NULL equals nothing."""
        return any(each == row for each in self)

    def __iter__(self) -> Iterator[tuple[SqlValue, ...]]:
        """Each event's tuple, in the order they were added."""
        return chain.from_iterable(_tuples(*block) for block in self._blocks)


def _tuples(
    data: bytes, base: int, events: ParsedEvents, kinds: list[int]
) -> Iterator[tuple[SqlValue, ...]]:
    # A slice of a bytearray is one, which the driver binds without looking for an adapter.
    lines = bytearray(data)
    digests = bytearray(events.sha256)
    return zip(
        map(base.__add__, events.starts),
        events.line_nos,
        kinds,
        map(lines.__getitem__, map(slice, events.starts, events.ends)),
        map(
            digests.__getitem__,
            map(slice, count(0, SHA256_BYTES), count(SHA256_BYTES, SHA256_BYTES)),
        ),
        events.flags,
        *events.others,
        strict=False,
    )
