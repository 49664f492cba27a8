"""One event of a ledger put into its store, by itself or inside a transaction of the caller's.

Narrow on purpose: it never fills in what comes before. Rows have their places, and batches tile
their segment, so an event can only be put where the store ends; and an event between would be one
that nobody asked for. ``CatchUp`` and ``replay_ledger`` read on to the end instead (ADR 0021).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from evidentia.audit.places import (
    DROP,
    RECOVER,
    LedgerPlaces,
    SegmentPlace,
    bytes_at,
    ledger_source,
    places_of,
)
from evidentia.errors import (
    DivergenceError,
    LedgerDamagedError,
    LedgerError,
    StoreError,
    UsageError,
)
from evidentia.event.values import ByteOffset, LineNumber, segment_of
from evidentia.ingest.collect import Collector
from evidentia.ingest.parse import LineParser, ParsedBlock, ParseSettings
from evidentia.ingest.plan import Plan, plan_of
from evidentia.ingest.values import IngestOptions
from evidentia.ledger.lines import Line
from evidentia.log.discovery import look_at
from evidentia.log.identity import FingerprintBuilder
from evidentia.log.names import stored_path
from evidentia.log.values import Block, LogFile, LogSource
from evidentia.pack.contract import Pack
from evidentia.pack.registry import find_pack
from evidentia.store.values import NewSegment, Segment, SegmentChange, SegmentState
from evidentia.store.writer import StoreWriter


class MirrorOutcome(StrEnum):
    """What mirroring one event did."""

    INSERTED = "inserted"
    ALREADY_PRESENT = "already_present"
    """The store held the identical row; nothing was written."""


class EventMirror:
    """Puts single events of a ledger into its store.

    Args:
        writer: The store.
        packs: Every pack by name.
        folder: The ledger.
        source: The entry of the allow-list that leads to the ledger, if it has one of its own.
        options: How to ingest; its limits hold here too.
    """

    def __init__(
        self,
        writer: StoreWriter,
        packs: Mapping[str, Pack],
        folder: Path,
        source: LogSource | None = None,
        options: IngestOptions | None = None,
    ) -> None:
        self._writer = writer
        self._folder = folder
        self._source = source or ledger_source(folder)
        self._options = options or IngestOptions()
        pack = find_pack(self._source.pack, packs)
        self._parser = LineParser(ParseSettings.of(pack, is_lenient=self._source.is_lenient))

    def mirror_event(self, line: Line) -> MirrorOutcome:
        """Put one event into the store, in a transaction of its own; idempotent.

        Raises:
            DivergenceError: The store holds other bytes in its place or under its id, or has not
                the events before it.
            LedgerError: The line is not in the ledger, or is no event.
            StoreError: The store lacks a row of what it has read, or fails.
        """
        with self._writer.transaction():
            return self.mirror_event_in(line)

    def mirror_event_in(self, line: Line) -> MirrorOutcome:
        """The same inside a transaction that is open, to be committed or rolled back as one.

        Raises:
            UsageError: None is open.
        """
        if not self._writer.is_in_transaction:
            raise UsageError(
                "an event was to be mirrored inside a transaction, and none is open",
                fix="use 'with writer.transaction()', or mirror_event",
            )
        places = places_of(self._folder, self._writer.segments())
        place = _place_of(places, line)
        if not line.is_whole or bytes_at(place.path, line.byte_offset, len(line.raw) + 1) != (
            line.raw + b"\n"
        ):
            raise LedgerError("the ledger does not hold this line", where=_where(line))
        if line.byte_offset < place.checkpoint:
            return self._present(place, line)
        _require_next(places, place, line)
        return self._insert(places, place, line)

    def _present(self, place: SegmentPlace, line: Line) -> MirrorOutcome:
        segment_id = place.segment.id if place.segment else 0
        with self._writer.reading() as reader:
            span = (line.byte_offset, line.byte_end)
            found = [each.raw for each in reader.event_lines(segment_id, span)]
        if found == [line.raw]:
            return MirrorOutcome.ALREADY_PRESENT
        if found:
            raise DivergenceError(
                "the store holds another event in this place", where=_where(line), fix=DROP
            )
        raise StoreError("the store has no row for this event", where=_where(line), fix=RECOVER)

    def _insert(self, places: LedgerPlaces, place: SegmentPlace, line: Line) -> MirrorOutcome:
        file, plan = self._plan(place, line)
        first_line = plan.segment.next_line if plan.segment else 1
        block = Block(
            start=ByteOffset(line.byte_offset),
            first_line=LineNumber(first_line),
            data=line.raw + b"\n",
        )
        parsed = self._parser.parse(block)
        if len(parsed.events) != 1:
            raise LedgerDamagedError("a line of the ledger is no event", where=_where(line))
        self._refuse_known(places, parsed, line)
        segment = plan.segment or self._new_segment(file)
        collector = Collector(
            self._writer, segment, self._parser.promoted, self._options, plan.fingerprints
        )
        collector.add_block(block, parsed, now=0.0)
        collector.commit()
        self._writer.change_segment(segment.id, _change(file, collector.checkpoint))
        return MirrorOutcome.INSERTED

    def _plan(self, place: SegmentPlace, line: Line) -> tuple[LogFile, Plan]:
        file = look_at(place.path, self._source)
        if file is None:
            raise LedgerError("the segment of the ledger has gone", where=str(place.path))
        if place.segment is None:
            return file, Plan(file=file, segment=None, fingerprints=FingerprintBuilder())
        plan = plan_of(file, place.segment, self._options.limits)
        if plan is None:
            raise DivergenceError(
                "what the store has read before this event is not what the ledger holds there",
                where=_where(line),
                fix=DROP,
            )
        return file, plan

    def _refuse_known(self, places: LedgerPlaces, parsed: ParsedBlock, line: Line) -> None:
        """Refuse an event whose id stands elsewhere: it has its row, and must not get another."""
        event_id = parsed.events.others[0][0]
        if not isinstance(event_id, str):
            raise LedgerDamagedError("an event of the ledger has no id", where=_where(line))
        ours = set(places.segment_ids)
        with self._writer.reading() as reader:
            for each in reader.events_with_ids([event_id]):
                if segment_of(each.position) in ours:
                    raise DivergenceError(
                        f"the store holds the event {event_id} in another place",
                        where=_where(line),
                        fix=DROP,
                    )

    def _new_segment(self, file: LogFile) -> Segment:
        evidence = {"compression": file.compression.value, "inode": file.inode}
        return self._writer.add_segment(
            NewSegment(
                log_id=self._writer.log_id(self._source),
                path=stored_path(file.path),
                compression=file.compression,
                device=file.device,
                inode=file.inode,
                generation=file.generation,
                evidence=json.dumps(evidence, sort_keys=True),
            )
        )


def _place_of(places: LedgerPlaces, line: Line) -> SegmentPlace:
    path = line.path.resolve()
    for place in places.files:
        if place.path == path:
            return place
    raise LedgerError("this is not a segment of the ledger", where=str(line.path))


def _require_next(places: LedgerPlaces, place: SegmentPlace, line: Line) -> None:
    """Refuse to jump over events that the store lacks."""
    for before in places.files:
        end = line.byte_offset if before == place else before.size
        if before.checkpoint < end:
            raise DivergenceError(
                f"the store lacks events before this one: it has read {before.checkpoint} of"
                f" {end} bytes of {before.path.name}",
                where=_where(line),
                fix=RECOVER,
            )
        if before == place:
            return


def _change(file: LogFile, checkpoint: int) -> SegmentChange:
    """What the look at the file found: no more than was read, so that the next look reads on."""
    return SegmentChange(
        state=SegmentState.LIVE,
        tail_bytes=0,
        last_size=checkpoint,
        last_mtime_us=file.mtime_us,
        path=stored_path(file.path),
        device=file.device,
        inode=file.inode,
        compression=file.compression,
        generation=file.generation,
    )


def _where(line: Line) -> str:
    return f"{line.path}, byte {line.byte_offset}"
