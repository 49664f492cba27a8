"""What a ledger holds and a pack's database lacks, event by event. Reads only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec

from evidentia.errors import DivergenceError, LedgerDamagedError, LedgerError
from evidentia.event.envelope import DECODER, UNREADABLE, Envelope
from evidentia.event.values import JsonObject, JsonValue
from evidentia.ledger.disk import opened_for_reading
from evidentia.ledger.layout import SegmentFile, segment_files
from evidentia.ledger.lines import Line, lines_of
from evidentia.ledger.reading import created_of
from evidentia.log.acknowledged import read_note
from evidentia.pack.tables import LedgerEvent
from evidentia.store.derived_rows import Checkpoint, PlacedEvent

_SEE = "see everything that is wrong: evidentia ledger verify"
_DIVERGED = (
    "find out which of the two was changed; the ledger is the evidence, and the pack's 'rebuild'"
    " command makes the database anew from it"
)


def origin_of(folder: Path) -> str:
    """Which ledger lies in a folder.

    Raises:
        LedgerError: None, or it does not say.
    """
    return created_of(folder).origin


def events_after(folder: Path, checkpoint: Checkpoint) -> Iterator[PlacedEvent]:
    """The events of a ledger that follow a checkpoint, as far as its writer acknowledged them.

    Raises:
        DivergenceError: The checkpoint is another ledger's, or the ledger does not hold what was
            applied last.
        LedgerError: The ledger cannot be read, or a line of it is no event.
    """
    # The note first: what it speaks of is there by then, and a segment that comes later is passed.
    note = read_note(folder)
    files = [each for each in segment_files(folder) if each.first_sequence >= checkpoint.segment]
    if checkpoint.size:
        _require_continued(folder, files, checkpoint)
    sequence, previous = checkpoint.size, checkpoint.event_hash
    waiting: list[PlacedEvent] = []
    for file in files:
        is_first = checkpoint.size and file.first_sequence == checkpoint.segment
        for line in _lines(file, checkpoint.byte_end if is_first else 0, note):
            envelope = _envelope(line, sequence, previous)
            sequence, previous = sequence + 1, envelope.event_hash or None
            waiting.append(_placed(line, envelope, file))
            if _is_whole(envelope):
                yield from waiting
                waiting = []


def _is_whole(envelope: Envelope) -> bool:
    """Whether all that was appended together with an event stands before it.

    What is acknowledged is whole; but a copy of a ledger may lack the note that says how far.
    """
    batch = envelope.batch
    return batch is msgspec.UNSET or batch.index == batch.size - 1


def _lines(file: SegmentFile, byte_start: int, note: tuple[int, int] | None) -> Iterator[Line]:
    limit = _limit(file, note)
    for line in lines_of(file, byte_start):
        if not line.is_whole or (limit is not None and line.byte_end > limit):
            return
        yield line


def _limit(file: SegmentFile, note: tuple[int, int] | None) -> int | None:
    """Up to which byte a segment is acknowledged; None where nothing limits it."""
    if note is None or file.first_sequence < note[0]:
        return None
    return note[1] if file.first_sequence == note[0] else 0


def _require_continued(folder: Path, files: list[SegmentFile], checkpoint: Checkpoint) -> None:
    origin = origin_of(folder)
    if origin != checkpoint.origin:
        raise DivergenceError(
            f"the database was filled from ledger {checkpoint.origin}, and this is {origin}",
            where=str(folder),
            fix="name the ledger that the database belongs to, or another database",
        )
    held = b""
    if files and files[0].first_sequence == checkpoint.segment:
        held = _bytes_at(files[0].path, checkpoint.byte_start, checkpoint.byte_end)
    try:
        found = DECODER.decode(held).event_hash if held else None
    except UNREADABLE:
        found = None
    if found != checkpoint.event_hash:
        raise DivergenceError(
            f"the database holds {checkpoint.size} events of the ledger, and the last of them is"
            " not in it, or is another one",
            where=str(folder),
            fix=_DIVERGED,
        )


def _bytes_at(path: Path, start: int, end: int) -> bytes:
    try:
        with opened_for_reading(path) as descriptor:
            return os.pread(descriptor, end - start, start)
    except OSError as error:
        raise LedgerError(
            f"the ledger cannot be read: {error.strerror or error}", where=str(path)
        ) from error


def _envelope(line: Line, sequence: int, previous: str | None) -> Envelope:
    where = f"{line.path}, byte {line.byte_offset}"
    try:
        envelope = DECODER.decode(line.raw)
    except UNREADABLE as error:
        raise LedgerDamagedError(
            f"event {sequence} cannot be read: {error}", where=where, fix=_SEE
        ) from error
    if envelope.sequence != sequence or envelope.prev_event_hash != previous:
        raise LedgerDamagedError(
            f"here belongs event {sequence}, and the line is another one, or follows another one",
            where=where,
            fix=_SEE,
        )
    return envelope


def _placed(line: Line, envelope: Envelope, file: SegmentFile) -> PlacedEvent:
    event = LedgerEvent(
        sequence=envelope.sequence,
        id=envelope.id,
        event_type=envelope.event_type,
        observed_at=envelope.observed_at,
        recorded_at=envelope.recorded_at,
        payload=cast("JsonValue", msgspec.json.decode(envelope.payload)),
        source=cast("JsonObject", msgspec.json.decode(envelope.source)),
        session_id=envelope.session_id,
        trace_id=envelope.trace_id,
    )
    return PlacedEvent(
        event=event,
        line=line.raw,
        event_hash=envelope.event_hash or "",
        segment=file.first_sequence,
        byte_start=line.byte_offset,
    )
