"""What was seen of a log's files and decided on them: decisions with evidence, names, copies.

Nothing here is an event. It explains why a file continued one segment and not another, and spares
the next run a look that this one has taken.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from evidentia.log.values import Fingerprint
from evidentia.store.records import fingerprint_values, signed_64
from evidentia.store.schema import DECISIONS, SEGMENT_NAMES, STALE_COPIES


class DecisionKind(StrEnum):
    """What was decided on a file or a segment. The words are stable: they are stored."""

    NEW = "new"
    """The file begins a segment."""
    CONTINUED = "continued"
    """The file goes on with a segment that another file or name held."""
    STALE_COPY = "stale_copy"
    """Every complete line of the file is stored already, at the same places of one segment."""
    DIVERGED = "diverged"
    """A copy holds other lines now, and begins a segment of its own."""
    REPLACED = "replaced"
    """The segment's file holds other bytes now, and no file continues it."""
    GONE = "gone"
    """No file of the list holds the segment any more."""
    FINISHED = "finished"
    """The segment was read to its end and its writer has moved on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided on a file, and why.

    Attributes:
        path: The file.
        segment_id: The segment it is about.
        evidence: What was seen, as one JSON object.
    """

    path: str
    segment_id: int
    kind: DecisionKind
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDecision:
    """A decision as it stands in the store."""

    id: int
    at_us: int
    run_id: int
    path: str
    segment_id: int
    kind: DecisionKind
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleCopy:
    """A file that held nothing new when it was last looked at.

    Attributes:
        segment_id: The segment that it is a copy of.
        size: Bytes on disk then.
        same_bytes: Bytes of its (decompressed) stream that were compared and found stored.
        fingerprint: Of its bytes on disk: up to ``same_bytes`` of a plain file, all of an archive.
    """

    path: str
    segment_id: int
    device: int
    inode: int
    size: int
    same_bytes: int
    fingerprint: Fingerprint


def insert_decision(connection: Connection, decision: Decision, run_id: int, now_us: int) -> None:
    """Record a decision."""
    connection.execute(
        insert(DECISIONS).values(
            at_us=now_us,
            run_id=run_id,
            path=decision.path,
            segment_id=decision.segment_id,
            decision=decision.kind.value,
            evidence=decision.evidence,
        )
    )


def decisions(connection: Connection, segment_id: int | None = None) -> tuple[StoredDecision, ...]:
    """Decisions in the order they were made, on one segment or on all."""
    query = select(DECISIONS).order_by(DECISIONS.c.id)
    if segment_id is not None:
        query = query.where(DECISIONS.c.segment_id == segment_id)
    return tuple(
        StoredDecision(
            id=row["id"],
            at_us=row["at_us"],
            run_id=row["run_id"],
            path=row["path"],
            segment_id=row["segment_id"],
            kind=DecisionKind(row["decision"]),
            evidence=row["evidence"],
        )
        for row in connection.execute(query).mappings()
    )


def add_name(connection: Connection, segment_id: int, path: str, now_us: int) -> None:
    """Remember a name that a segment was seen under."""
    known = select(SEGMENT_NAMES.c.path).where(
        SEGMENT_NAMES.c.segment_id == segment_id, SEGMENT_NAMES.c.path == path
    )
    if connection.execute(known).first() is None:
        values = {"segment_id": segment_id, "path": path, "first_seen_us": now_us}
        connection.execute(insert(SEGMENT_NAMES).values(values))


def names(connection: Connection) -> dict[int, tuple[str, ...]]:
    """The names that each segment was seen under, oldest first."""
    order = (SEGMENT_NAMES.c.segment_id, SEGMENT_NAMES.c.first_seen_us, SEGMENT_NAMES.c.path)
    found: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(select(SEGMENT_NAMES).order_by(*order)):
        found[row.segment_id] = (*found.get(row.segment_id, ()), row.path)
    return found


def remember_copy(connection: Connection, copy: StaleCopy) -> None:
    """Remember a file that holds nothing new."""
    forget_copy(connection, copy.path)
    values = {
        field.name: getattr(copy, field.name)
        for field in dataclasses.fields(copy)
        if field.name != "fingerprint"
    }
    values |= {"device": signed_64(copy.device), "inode": signed_64(copy.inode)}
    connection.execute(
        insert(STALE_COPIES).values(**values, **fingerprint_values(copy.fingerprint))
    )


def forget_copy(connection: Connection, path: str) -> None:
    """Forget a copy that has gone, or is one no more."""
    connection.execute(delete(STALE_COPIES).where(STALE_COPIES.c.path == path))


def stale_copies(connection: Connection) -> tuple[StaleCopy, ...]:
    """Every file that held nothing new when it was last looked at, by path."""
    query = select(STALE_COPIES).order_by(STALE_COPIES.c.path)
    return tuple(
        StaleCopy(
            path=row["path"],
            segment_id=row["segment_id"],
            device=row["device"],
            inode=row["inode"],
            size=row["size"],
            same_bytes=row["same_bytes"],
            fingerprint=Fingerprint(
                head_bytes=row["head_bytes"],
                head_hash=row["head_hash"],
                anchor_bytes=row["anchor_bytes"],
                anchor_hash=row["anchor_hash"],
            ),
        )
        for row in connection.execute(query).mappings()
    )
