"""The writing side of a store. Every method is one transaction, and each renews the lease."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from evidentia.log.identity import FingerprintBuilder
from evidentia.log.values import LogSource
from evidentia.pack.contract import Pack
from evidentia.store import batches, dead_letters, indexes, registration, repair
from evidentia.store.lease import release_lease, renew_lease, take_lease
from evidentia.store.records import (
    fingerprint_values,
    segment_from,
    segments_query,
    signed_64,
)
from evidentia.store.schema import AUDIT_LOG, KINDS, RUNS, SEGMENTS
from evidentia.store.translate import translated
from evidentia.store.values import (
    Batch,
    BatchWrite,
    Gap,
    NewSegment,
    Owner,
    Segment,
    SegmentChange,
    SegmentState,
)

_NO_FINGERPRINT = FingerprintBuilder().fingerprint()


class StoreWriter:
    """Commits batches and administrative changes while it holds the store's lease.

    Rows, dead letters, gaps, the batch record and the checkpoint of ``commit_batch`` become
    visible together or not at all.
    """

    def __init__(self, connection: Connection, path: Path, clock: Callable[[], int]) -> None:
        self._connection = connection
        self._path = path
        self._clock = clock
        self._token = ""
        self._run_id = 0
        self._owner: Owner | None = None
        self._kinds: dict[str, int] = {}
        self._packs: tuple[Pack, ...] = ()

    @contextmanager
    def held(self, owner: Owner, version: str) -> Iterator[None]:
        """Hold the lease, as one recorded run."""
        now = self._clock()
        with self._connection.begin():
            self._token = take_lease(self._connection, owner, now)
            self._run_id = self._begin_run(owner, version, now)
        self._owner = owner
        outcome = "failed"
        try:
            yield
            outcome = "done"
        finally:
            self._let_go(outcome)

    def _begin_run(self, owner: Owner, version: str, now_us: int) -> int:
        made = self._connection.execute(
            insert(RUNS)
            .values(
                command=owner.command,
                actor=owner.actor,
                host=owner.host,
                pid=owner.pid,
                version=version,
                started_us=now_us,
            )
            .returning(RUNS.c.id)
        )
        return int(made.scalar_one())

    def _let_go(self, outcome: str) -> None:
        if self._connection.in_transaction():
            self._connection.rollback()
        with translated(str(self._path)), self._connection.begin():
            release_lease(self._connection, self._token)
            self._connection.execute(
                update(RUNS)
                .where(RUNS.c.id == self._run_id)
                .values(finished_us=self._clock(), outcome=outcome)
            )

    @contextmanager
    def _transaction(self) -> Iterator[int]:
        now = self._clock()
        with translated(str(self._path)), self._connection.begin():
            renew_lease(self._connection, self._token, now)
            yield now

    def register_packs(self, packs: Sequence[Pack]) -> None:
        """Make room for the packs' promoted columns and their indexes."""
        self._packs = tuple(packs)
        with self._transaction() as now:
            for pack in packs:
                registration.register_pack(self._connection, pack, now)
            indexes.create_missing(self._connection, self._packs)

    def log_id(self, source: LogSource) -> int:
        """The id of an allow-list entry, made on first sight."""
        with self._transaction() as now:
            return registration.register_log(self._connection, source, now)

    def segments(self) -> tuple[Segment, ...]:
        """Every segment, in order."""
        with translated(str(self._path)), self._connection.begin():
            rows = self._connection.execute(segments_query()).mappings()
            return tuple(segment_from(row) for row in rows)

    def add_segment(self, new: NewSegment) -> Segment:
        """A new segment with nothing read yet."""
        with self._transaction() as now:
            made = self._connection.execute(
                insert(SEGMENTS)
                .values(
                    log_id=new.log_id,
                    path=new.path,
                    compression=new.compression.value,
                    device=signed_64(new.device),
                    inode=signed_64(new.inode),
                    checkpoint=0,
                    next_line=1,
                    state=SegmentState.LIVE.value,
                    tail_bytes=0,
                    last_size=0,
                    last_mtime_us=0,
                    created_us=now,
                    **fingerprint_values(_NO_FINGERPRINT),
                )
                .returning(SEGMENTS.c.id)
            )
            query = segments_query().where(SEGMENTS.c.id == made.scalar_one())
            return segment_from(self._connection.execute(query).mappings().one())

    def change_segment(self, segment_id: int, change: SegmentChange) -> None:
        """Record what a look at a segment's file found, besides rows."""
        with self._transaction():
            self._connection.execute(
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
                )
            )

    def kind_ids(self, names: Iterable[str]) -> dict[str, int]:
        """The id of every kind named, made on first sight."""
        missing = sorted(set(names) - self._kinds.keys())
        if missing:
            with self._transaction():
                known = select(KINDS.c.name, KINDS.c.id).where(KINDS.c.name.in_(missing))
                found = {row.name: row.id for row in self._connection.execute(known)}
                for name in missing:
                    if name not in found:
                        made = self._connection.execute(
                            insert(KINDS).values(name=name).returning(KINDS.c.id)
                        )
                        found[name] = int(made.scalar_one())
            self._kinds.update(found)
        return self._kinds

    def commit_batch(self, write: BatchWrite) -> Batch:
        """Commit rows, dead letters, fillers, gaps, the batch record and the checkpoint together.

        Raises:
            StoreError: The batch does not begin at the segment's checkpoint.
            StoreHeldError: The lease was taken over; nothing was written.
            StoreFullError: No space; nothing was written, the checkpoint stays.
        """
        with self._transaction() as now:
            return batches.commit(self._connection, write, run_id=self._run_id, now_us=now)

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Record suspected losses that came without a batch; each place and kind once."""
        with self._transaction() as now:
            batches.insert_gaps(self._connection, gaps, now)

    def retry_dead_letter(self, position: int, retry: dead_letters.Retry) -> None:
        """Record an attempt on a dead letter; an event takes its place under the same position."""
        with self._transaction() as now:
            dead_letters.record_retry(self._connection, position, retry, now)
            self._note(now, "dead-letter retry", str(position), retry.outcome)

    def resolve_dead_letter(self, position: int, reason: str) -> None:
        """Mark a dead letter as dealt with, for a stated reason. It is never deleted.

        Raises:
            UsageError: There is no such dead letter, or it is not open.
        """
        with self._transaction() as now:
            actor = self._owner.actor if self._owner else ""
            dead_letters.resolve(self._connection, position, reason, actor, now)
            self._note(now, "dead-letter resolve", str(position), reason)

    def replace_rows(self, batch: Batch, write: BatchWrite) -> None:
        """Put the rows that the log gives in the place of what a batch's range holds now.

        Only ``recover`` calls this, after it has seen that the log's bytes still have the batch's
        digest. The batch record itself is not touched.
        """
        with self._transaction() as now:
            repair.replace_rows(self._connection, batch, write)
            self._note(
                now, "recover", f"batch {batch.id}", f"{len(write.events)} events from the log"
            )

    @contextmanager
    def bulk(self) -> Iterator[None]:
        """Load much at once: the indexes are built afterwards.

        A process that dies inside leaves a store that is whole but lacks indexes; the next
        writer builds them.
        """
        with self._transaction():
            indexes.drop_all(self._connection)
        try:
            yield
        finally:
            if self._connection.in_transaction():
                self._connection.rollback()
            with translated(str(self._path)), self._connection.begin():
                indexes.create_missing(self._connection, self._packs)

    def has_events(self) -> bool:
        """Whether any batch was ever committed."""
        with translated(str(self._path)), self._connection.begin():
            return batches.last_link(self._connection) is not None

    def _note(self, now_us: int, action: str, subject: str, detail: str) -> None:
        self._connection.execute(
            insert(AUDIT_LOG).values(
                at_us=now_us,
                actor=self._owner.actor if self._owner else "",
                action=action,
                subject=subject,
                detail=detail,
            )
        )
