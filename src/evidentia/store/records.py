"""Between values and table rows: one small function for each direction."""

from __future__ import annotations

import dataclasses

from sqlalchemy import RowMapping, Select, select

from evidentia.log.values import Compression, Fingerprint
from evidentia.proof.chain import BatchFacts
from evidentia.store.schema import LOGS, SEGMENTS
from evidentia.store.values import (
    Batch,
    DeadLetter,
    DeadLetterRow,
    Filler,
    Gap,
    SchemaFinding,
    Segment,
    SegmentState,
    SqlValue,
)

_SIGN_BIT = 1 << 63


def signed_64(number: int) -> int:
    """A 64-bit number of the file system as the signed integer that SQL can hold."""
    return number - (1 << 64) if number >= _SIGN_BIT else number


def unsigned_64(number: int) -> int:
    """The number of the file system that ``signed_64`` made fit."""
    return number % (1 << 64)


def segments_query() -> Select[tuple[object, ...]]:
    """Segments with the pack and strictness of their log, in order."""
    return (
        select(*SEGMENTS.c, LOGS.c.pack, LOGS.c.is_lenient, LOGS.c.source)
        .join_from(SEGMENTS, LOGS, LOGS.c.id == SEGMENTS.c.log_id)
        .order_by(SEGMENTS.c.id)
    )


def segment_from(row: RowMapping) -> Segment:
    """A segment from a row of ``segments_query``."""
    return Segment(
        id=row["id"],
        log_id=row["log_id"],
        path=row["path"],
        pack=row["pack"],
        is_lenient=bool(row["is_lenient"]),
        compression=Compression(row["compression"]),
        device=row["device"],
        inode=row["inode"],
        fingerprint=Fingerprint(
            head_bytes=row["head_bytes"],
            head_hash=row["head_hash"],
            anchor_bytes=row["anchor_bytes"],
            anchor_hash=row["anchor_hash"],
        ),
        checkpoint=row["checkpoint"],
        next_line=row["next_line"],
        state=SegmentState(row["state"]),
        tail_bytes=row["tail_bytes"],
        last_size=row["last_size"],
        last_mtime_us=row["last_mtime_us"],
        generation=row["generation"],
        first_path=row["first_path"],
        source=row["source"],
    )


def fingerprint_values(fingerprint: Fingerprint) -> dict[str, int | bytes]:
    """A fingerprint as columns of ``segments``."""
    return {
        "head_bytes": fingerprint.head_bytes,
        "head_hash": fingerprint.head_hash,
        "anchor_bytes": fingerprint.anchor_bytes,
        "anchor_hash": fingerprint.anchor_hash,
    }


def batch_from_facts(facts: BatchFacts, chain: bytes) -> Batch:
    """A batch from what its link covers, and the link."""
    values = {field.name: getattr(facts, field.name) for field in dataclasses.fields(facts)}
    return Batch(id=values.pop("batch_id"), chain=chain, **values)


def facts_of(batch: Batch) -> BatchFacts:
    """What a batch's link covers."""
    names = {field.name for field in dataclasses.fields(BatchFacts)} - {"batch_id"}
    return BatchFacts(batch_id=batch.id, **{name: getattr(batch, name) for name in names})


def batch_values(batch: Batch) -> dict[str, int | bytes]:
    """A batch as columns of ``batches``."""
    return {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}


def batch_from(row: RowMapping) -> Batch:
    """A batch from a row of ``batches``."""
    return Batch(**{field.name: row[field.name] for field in dataclasses.fields(Batch)})


def dead_letter_values(row: DeadLetterRow, batch_id: int) -> dict[str, SqlValue]:
    """A dead letter as columns of ``dead_letter_rows``."""
    return {
        "id": row.position,
        "batch_id": batch_id,
        "line_no": row.line_no,
        "reason": row.reason,
        "column_no": row.column_no,
        "detail": row.detail,
        "raw": row.raw,
        "length": row.length,
        "has_newline": row.has_newline,
        "sha256": row.sha256,
    }


def dead_letter_from(row: RowMapping) -> DeadLetter:
    """A dead letter from a row of ``dead_letter_rows``."""
    return DeadLetter(
        row=DeadLetterRow(
            position=row["id"],
            line_no=row["line_no"],
            reason=row["reason"],
            column_no=row["column_no"],
            detail=row["detail"],
            raw=row["raw"],
            length=row["length"],
            sha256=row["sha256"],
            has_newline=bool(row["has_newline"]),
        ),
        batch_id=row["batch_id"],
        attempts=row["attempts"],
        state=row["state"],
        resolution=row["resolution"],
        resolved_by=row["resolved_by"],
        resolved_us=row["resolved_us"],
    )


def filler_values(row: Filler, batch_id: int) -> dict[str, SqlValue]:
    """A filler as columns of ``fillers``."""
    return {
        "id": row.position,
        "batch_id": batch_id,
        "kind": row.kind.value,
        "length": row.length,
        "raw": row.raw,
    }


def finding_values(row: SchemaFinding) -> dict[str, SqlValue]:
    """A schema finding as columns of ``schema_findings``."""
    return {"id": row.position, "schema": row.schema, "message": row.message}


def gap_values(gap: Gap) -> dict[str, SqlValue]:
    """A gap as columns of ``gap_rows``, without the time it was found."""
    return {
        "segment_id": gap.segment_id,
        "byte_offset": gap.byte_offset,
        "kind": gap.kind,
        "detail": gap.detail,
        "evidence": gap.evidence,
    }
