"""Events of a ledger as a pack's command reads them: in order, whole, and acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import msgspec

from evidentia.errors import LedgerDamagedError
from evidentia.event.envelope import DECODER, UNREADABLE, Envelope
from evidentia.event.values import JsonValue
from evidentia.ledger.layout import SegmentFile, segment_files
from evidentia.ledger.lines import Line, lines_of
from evidentia.log.acknowledged import acknowledged_bytes
from evidentia.pack.workspace import LedgerEvent

_SEE: Final = "see everything that is wrong: evidentia ledger verify"


def events_of(folder: Path, since: int = 0) -> Iterator[LedgerEvent]:
    """The events of a ledger from a sequence on; those of a batch only when all of it is there.

    Seals are not checked here, only that each line is an event in its place.

    Raises:
        LedgerMissingError: There is no ledger in the folder.
        LedgerDamagedError: A line is no event, or not the one that belongs there.
        LedgerError: A file cannot be read.
    """
    files = segment_files(folder)
    later = (*(each.first_sequence for each in files[1:]), None)
    waiting: list[LedgerEvent] = []
    for file, end in zip(files, later, strict=True):
        if end is not None and end <= since:
            continue
        for event, is_last_of_batch in _events_in(file, since):
            waiting.append(event)
            if is_last_of_batch:
                yield from waiting
                waiting = []


def _events_in(file: SegmentFile, since: int) -> Iterator[tuple[LedgerEvent, bool]]:
    limit = acknowledged_bytes(file.path)
    for sequence, line in enumerate(lines_of(file), start=file.first_sequence):
        if not line.is_whole or (limit is not None and line.byte_end > limit):
            return
        if sequence < since:
            continue
        envelope = _envelope(line, sequence)
        batch = envelope.batch
        is_last = batch is msgspec.UNSET or batch.index == batch.size - 1
        yield _event(line, sequence, envelope), is_last


def _envelope(line: Line, sequence: int) -> Envelope:
    try:
        envelope = DECODER.decode(line.raw)
    except UNREADABLE as error:
        raise _damaged(line, sequence, error) from error
    if envelope.sequence != sequence:
        raise LedgerDamagedError(
            f"here belongs event {sequence}, and the line says {envelope.sequence}",
            where=_place(line),
            fix=_SEE,
        )
    return envelope


def _event(line: Line, sequence: int, envelope: Envelope) -> LedgerEvent:
    try:
        payload = cast("JsonValue", msgspec.json.decode(envelope.payload))
        source = msgspec.json.decode(envelope.source, type=dict[str, object])
        tags = msgspec.json.decode(envelope.domain_tags, type=list[str])
    except UNREADABLE as error:
        raise _damaged(line, sequence, error) from error
    return LedgerEvent(
        sequence=envelope.sequence,
        id=envelope.id,
        event_type=envelope.event_type,
        payload=payload,
        source=cast("dict[str, JsonValue]", source),
        observed_at=envelope.observed_at,
        recorded_at=envelope.recorded_at,
        session_id=envelope.session_id,
        trace_id=envelope.trace_id,
        domain_tags=tuple(tags),
        event_hash=envelope.event_hash or "",
        path=str(line.path),
        byte_offset=line.byte_offset,
        raw=line.raw,
    )


def _damaged(line: Line, sequence: int, error: Exception) -> LedgerDamagedError:
    return LedgerDamagedError(
        f"event {sequence} cannot be read: {error}", where=_place(line), fix=_SEE
    )


def _place(line: Line) -> str:
    return f"{line.path}, byte {line.byte_offset}"
