"""Segments as rows: added with their first batch, moved and ended by what looks find."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from evidentia.errors import StoreError
from evidentia.log.identity import FingerprintBuilder
from evidentia.store import sightings
from evidentia.store.records import fingerprint_values, signed_64
from evidentia.store.schema import LOGS, SEGMENTS
from evidentia.store.values import NewSegment, Segment, SegmentChange, SegmentState

_NO_FINGERPRINT: Final = FingerprintBuilder().fingerprint()


def next_id(connection: Connection, unstored_ids: Iterable[int]) -> int:
    """The id that the next segment gets; nobody else adds one while the lease is held."""
    stored = connection.execute(select(func.max(SEGMENTS.c.id))).scalar_one()
    return max(stored or 0, *unstored_ids, 0) + 1


def unstored(connection: Connection, segment_id: int, new: NewSegment) -> Segment:
    """A segment with nothing read yet, which is in no table yet.

    Raises:
        StoreError: Its log is not in the store.
    """
    log = connection.execute(select(LOGS).where(LOGS.c.id == new.log_id)).mappings().first()
    if log is None:
        raise StoreError(
            "a segment needs its log",
            where=f"log {new.log_id}",
            fix="this is a defect of the program: please report it",
        )
    return Segment(
        id=segment_id,
        log_id=new.log_id,
        path=new.path,
        pack=log["pack"],
        is_lenient=bool(log["is_lenient"]),
        compression=new.compression,
        device=signed_64(new.device),
        inode=signed_64(new.inode),
        fingerprint=_NO_FINGERPRINT,
        checkpoint=0,
        next_line=1,
        state=SegmentState.LIVE,
        tail_bytes=0,
        last_size=0,
        last_mtime_us=0,
        generation=new.generation,
        first_path=new.path,
        source=log["source"],
    )


def insert_segment(
    connection: Connection, segment_id: int, new: NewSegment, run_id: int, now_us: int
) -> None:
    """Store a segment, its name and why it is one; a no-op where it is stored already."""
    known = select(SEGMENTS.c.id).where(SEGMENTS.c.id == segment_id)
    if connection.execute(known).first() is not None:
        return
    connection.execute(
        insert(SEGMENTS).values(
            id=segment_id,
            log_id=new.log_id,
            path=new.path,
            compression=new.compression.value,
            device=signed_64(new.device),
            inode=signed_64(new.inode),
            generation=new.generation,
            first_path=new.path,
            checkpoint=0,
            next_line=1,
            state=SegmentState.LIVE.value,
            tail_bytes=0,
            last_size=0,
            last_mtime_us=0,
            created_us=now_us,
            **fingerprint_values(_NO_FINGERPRINT),
        )
    )
    sightings.add_name(connection, segment_id, new.path, now_us)
    kind = sightings.DecisionKind.DIVERGED if new.is_diverged else sightings.DecisionKind.NEW
    decision = sightings.Decision(
        path=new.path, segment_id=segment_id, kind=kind, evidence=new.evidence
    )
    sightings.insert_decision(connection, decision, run_id, now_us)


def change_segment(
    connection: Connection, segment_id: int, change: SegmentChange, now_us: int
) -> None:
    """Record where a segment's file is and how it stands; a no-op for one that is not stored."""
    changed = connection.execute(
        update(SEGMENTS)
        .where(SEGMENTS.c.id == segment_id)
        .values(
            state=change.state.value,
            tail_bytes=change.tail_bytes,
            last_size=change.last_size,
            last_mtime_us=change.last_mtime_us,
            path=change.path,
            device=signed_64(change.device),
            inode=signed_64(change.inode),
            compression=change.compression.value,
            generation=change.generation,
        )
    )
    if changed.rowcount:
        sightings.add_name(connection, segment_id, change.path, now_us)
