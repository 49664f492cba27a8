"""A pack's database brought to the end of its ledger, or made anew from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from evidentia.audit.derived_events import events_after, origin_of
from evidentia.store.derived import DerivedStore
from evidentia.store.derived_rows import PlacedEvent, RowWriter

_GROUP_EVENTS: Final = 1_000
"""Events that are written by table. More is hardly faster, and one that is refused costs more."""
_COMMIT_EVENTS: Final = 50_000
"""Events of one transaction while catching up: some seconds, in which others wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What was read from the ledger into the database.

    Attributes:
        events: Events that were applied, those that give no rows included.
        rows: Rows that were written or changed.
        refused: Events that a rule refused; they stand in ``refused_records``.
    """

    events: int = 0
    rows: int = 0
    refused: int = 0

    def plus(self, other: Replayed) -> Replayed:
        """Both together."""
        return Replayed(
            events=self.events + other.events,
            rows=self.rows + other.rows,
            refused=self.refused + other.refused,
        )


def catch_up(store: DerivedStore, folder: Path) -> Replayed:
    """Apply what a ledger holds and its database lacks, in ledger order.

    Whoever comes first applies what all others appended; those who waited find nothing left.

    Raises:
        DivergenceError: The database holds what the ledger does not.
        LedgerError: The ledger cannot be read.
        StoreError: The database refuses or fails; what was committed before stays.
    """
    done = Replayed()
    while True:
        with store.writing() as writer:
            found = _apply(writer, folder, _COMMIT_EVENTS)
        done = done.plus(found)
        if found.events < _COMMIT_EVENTS:
            return done


def rebuild(store: DerivedStore, folder: Path, *, forgotten: Sequence[int] | None = ()) -> Replayed:
    """Drop all that was derived and apply the ledger from its beginning, in one transaction.

    Until it is committed everyone else sees the database as it was.

    Args:
        store: The database, of any version of the pack.
        folder: The ledger.
        forgotten: Archives whose rows come back into the tables; None for all of them.

    Raises:
        LedgerError: The ledger cannot be read.
        StoreError: The database refuses or fails; nothing was changed.
    """
    with store.remaking(forgotten) as writer:
        return _apply(writer, folder, None)


def apply_rest(writer: RowWriter, folder: Path) -> Replayed:
    """Apply what a ledger holds and its database lacks, in the writer's transaction.

    Raises:
        EvidentiaError: As for ``catch_up``.
    """
    return _apply(writer, folder, None)


def replay_to(writer: RowWriter, folder: Path, size: int) -> Replayed:
    """Apply a ledger up to a number of its events."""
    return _apply(writer, folder, max(0, size - writer.checkpoint.size))


def _apply(writer: RowWriter, folder: Path, events_max: int | None) -> Replayed:
    origin = origin_of(folder)
    events = islice(events_after(folder, writer.checkpoint), events_max)
    done = Replayed()
    for group in _groups(events, writer):
        applied = writer.apply(group, origin)
        done = done.plus(Replayed(events=len(group), rows=applied.rows, refused=applied.refused))
    return done


def _groups(events: Iterator[PlacedEvent], writer: RowWriter) -> Iterator[list[PlacedEvent]]:
    """Events some at a time, cut where an archive took rows out."""
    while True:
        stop = writer.next_archive()
        room = _GROUP_EVENTS
        if stop is not None:
            room = max(1, min(room, stop - writer.checkpoint.size))
        group = list(islice(events, room))
        if not group:
            return
        yield group
