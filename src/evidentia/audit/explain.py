"""What became of one line of a log, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from evidentia.errors import UsageError
from evidentia.event.values import SEGMENT_BYTES_MAX, Flag, byte_offset_of
from evidentia.log.names import stored_path
from evidentia.store.reader import StoreReader
from evidentia.store.sightings import StoredDecision
from evidentia.store.values import EVENT_COLUMNS, Batch, Segment


class Fate(StrEnum):
    """What became of a line."""

    EVENT = "event"
    DEAD_LETTER = "dead_letter"
    BLANK = "blank"
    HELD_BACK = "held_back"
    NOT_INGESTED = "not_ingested"
    MISSING = "missing"
    """Its batch was committed, but the store has no row for it: the store is damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What became of a line.

    Attributes:
        position: The event's or dead letter's id; None for other fates.
        because: One sentence.
        columns: The derived columns of an event.
        raw: The line's bytes, where the store has them.
        decisions: What was decided on the segment, oldest first.
    """

    fate: Fate
    path: str
    line_no: int
    because: str
    segment_id: int
    byte_offset: int | None = None
    position: int | None = None
    batch_id: int | None = None
    committed_us: int | None = None
    flags: tuple[str, ...] = ()
    columns: tuple[tuple[str, object], ...] = ()
    findings: tuple[str, ...] = ()
    raw: bytes | None = None
    decisions: tuple[StoredDecision, ...] = ()


def explain(reader: StoreReader, path: Path, line_no: int) -> Explanation:
    """What became of a line of a file; of its newest segment where there were several.

    Raises:
        UsageError: The file is not in the store, or has no such line.
    """
    segment = _segment_at(reader, path)
    if line_no < 1:
        raise UsageError("lines are counted from 1", where=f"{path}:{line_no}")
    found = _explained(reader, segment, line_no)
    return replace(found, decisions=reader.decisions(segment.id))


def _explained(reader: StoreReader, segment: Segment, line_no: int) -> Explanation:
    # A batch may end inside a line: behind a run of NULs, or where a finished log has no newline.
    for batch in reader.batches(segment.id):
        if batch.first_line <= line_no <= batch.next_line:
            found = _row_in_batch(reader, segment, batch, line_no)
            if found is None and line_no < batch.next_line:
                return _without_row(reader, segment, batch, line_no)
            if found is not None:
                return found
    if line_no == segment.next_line and segment.tail_bytes:
        return Explanation(
            fate=Fate.HELD_BACK,
            path=segment.path,
            line_no=line_no,
            segment_id=segment.id,
            byte_offset=segment.checkpoint,
            because=f"its {segment.tail_bytes} bytes have no newline yet; the line is read when "
            "it is complete, or with 'ingest --final'",
        )
    return Explanation(
        fate=Fate.NOT_INGESTED,
        path=segment.path,
        line_no=line_no,
        segment_id=segment.id,
        because=f"the store holds this log up to line {segment.next_line - 1} "
        f"(byte {segment.checkpoint}); run 'evidentia ingest' to read on",
    )


def _segment_at(reader: StoreReader, path: Path) -> Segment:
    """The newest segment that a file holds, or held under that name, or is a copy of."""
    wanted = stored_path(path.resolve())
    segments = reader.segments()
    names = reader.segment_names()
    copied = {copy.segment_id for copy in reader.stale_copies() if copy.path == wanted}
    found = (
        [segment for segment in segments if segment.path == wanted]
        or [segment for segment in segments if segment.id in copied]
        or [segment for segment in segments if wanted in names.get(segment.id, ())]
    )
    current = [each for each in found if not each.has_no_file]
    if not found:
        raise UsageError(
            "this file is not in the store",
            where=wanted,
            fix="see what is with 'evidentia status'",
        )
    return (current or found)[-1]


def _row_in_batch(
    reader: StoreReader, segment: Segment, batch: Batch, line_no: int
) -> Explanation | None:
    span = (batch.byte_start, batch.byte_end)
    for letter in reader.dead_letters(segment.id, span):
        if letter.row.line_no == line_no and letter.state != "recovered":
            return Explanation(
                fate=Fate.DEAD_LETTER,
                path=segment.path,
                line_no=line_no,
                segment_id=segment.id,
                byte_offset=byte_offset_of(letter.row.position),
                position=letter.row.position,
                batch_id=batch.id,
                committed_us=batch.committed_us,
                because=f"{letter.row.reason} at column {letter.row.column_no}: "
                f"{letter.row.detail} ({letter.state})",
                raw=letter.row.raw,
            )
    promoted = reader.promoted()
    for event in reader.events(segment.id, span, promoted):
        if event.line_no == line_no:
            return Explanation(
                fate=Fate.EVENT,
                path=segment.path,
                line_no=line_no,
                segment_id=segment.id,
                byte_offset=byte_offset_of(event.position),
                position=event.position,
                batch_id=batch.id,
                committed_us=batch.committed_us,
                because=f"read by pack {segment.pack}",
                flags=tuple(str(flag.name).lower() for flag in Flag(event.flags)),
                columns=tuple(zip((*EVENT_COLUMNS, *promoted), event.columns, strict=True)),
                findings=_findings(reader, event.position),
                raw=event.raw,
            )
    return None


def _without_row(reader: StoreReader, segment: Segment, batch: Batch, line_no: int) -> Explanation:
    """A line that is neither event nor dead letter: blank, if all lines of its batch are there."""
    span = (batch.byte_start, batch.byte_end)
    lines = {event.line_no for event in reader.events(segment.id, span)}
    lines |= {letter.row.line_no for letter in reader.dead_letters(segment.id, span)}
    blank = sum((filler.raw or b"").count(b"\n") for filler in reader.fillers(segment.id, span))
    inside = sum(batch.first_line <= line < batch.next_line for line in lines)
    is_whole = inside + blank == batch.next_line - batch.first_line
    return Explanation(
        fate=Fate.BLANK if is_whole else Fate.MISSING,
        path=segment.path,
        line_no=line_no,
        segment_id=segment.id,
        batch_id=batch.id,
        committed_us=batch.committed_us,
        because="the line is blank; its bytes are accounted for in the batch"
        if is_whole
        else "rows of its batch are missing in the store; run 'evidentia verify --deep', "
        "then 'evidentia recover'",
    )


def _findings(reader: StoreReader, position: int) -> tuple[str, ...]:
    segment_id, place = divmod(position, SEGMENT_BYTES_MAX)
    return tuple(
        f"{finding.schema}: {finding.message}"
        for finding in reader.findings(segment_id, (place, place + 1))
    )
