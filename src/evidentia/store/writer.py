"""The writing side of a store. Every method is one transaction, and each renews the lease.

Inside ``StoreWriter.transaction`` they are all one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, insert

from evidentia.errors import StoreError
from evidentia.log.values import LogSource
from evidentia.pack.contract import Pack
from evidentia.store import (
    batches,
    dead_letters,
    indexes,
    registration,
    relations,
    repair,
    segments,
    sightings,
    sqlite,
)
from evidentia.store.evidence import StoredBytes, stored_bytes
from evidentia.store.heads import StoredHead, replace_head, stored_head
from evidentia.store.kinds import Kinds
from evidentia.store.lease import release_lease, remembered, take_lease
from evidentia.store.projections import Merging, Projections
from evidentia.store.reader import Span, StoreReader
from evidentia.store.records import (
    segment_from,
    segments_query,
)
from evidentia.store.runs import begin_run, end_run
from evidentia.store.schema import AUDIT_LOG
from evidentia.store.transacting import Transactions
from evidentia.store.translate import translated
from evidentia.store.values import (
    Batch,
    BatchWrite,
    Gap,
    NewSegment,
    Owner,
    Segment,
    SegmentChange,
)


class StoreWriter:
    """Commits batches and administrative changes while it holds the store's lease.

    Rows, dead letters, gaps, the batch record and the checkpoint of ``commit_batch`` become
    visible together or not at all.
    """

    def __init__(self, connection: Connection, path: Path, clock: Callable[[], int]) -> None:
        self._connection = connection
        self._path = path
        self._clock = clock
        self._transactions = Transactions(connection, path, clock)
        self._run_id = 0
        self._owner: Owner | None = None
        self._kinds = Kinds(connection, self._transactions)
        self._projections = Projections(connection, self._transaction, self._transactions.reading)
        self._packs: tuple[Pack, ...] = ()
        self._unstored: dict[int, NewSegment] = {}

    @contextmanager
    def held(self, owner: Owner, version: str) -> Iterator[None]:
        """Hold the lease, as one recorded run.

        What fails inside is what the caller learns of: a disk that is full is still full when the
        lease is given back, and that second failure must not stand in front of the first. A lease
        that cannot be given back holds nobody up: it is nobody's once this block is left.
        """
        now = self._clock()
        with translated(str(self._path)), self._connection.begin():
            self._transactions.token = take_lease(self._connection, owner, now)
            self._run_id = begin_run(self._connection, owner, version, now)
        self._owner = owner
        with remembered(self._transactions.token):
            try:
                yield
            except BaseException as failure:
                self._let_go_after(failure)
                raise
            self._let_go("done")

    def _let_go_after(self, failure: BaseException) -> None:
        try:
            self._let_go("failed")
        except StoreError as second:
            failure.add_note(f"the lease was not given back: {second}")

    def _let_go(self, outcome: str) -> None:
        with translated(str(self._path)):
            self._connection.rollback()
            with self._connection.begin():
                release_lease(self._connection, self._transactions.token)
                end_run(self._connection, self._run_id, outcome, self._clock())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything that this writer does inside one transaction, committed when it is left.

        Another one inside takes part in it. An exception rolls all of it back.

        Raises:
            StoreHeldError: The lease was taken over, so this process must not write any more.
            StoreError: What failed inside was caught there: all was rolled back.
        """
        with self._kept_up(), self._transactions.writing():
            yield

    @property
    def is_in_transaction(self) -> bool:
        """Whether the next method takes part in a transaction that is open."""
        return self._transactions.is_open

    @contextmanager
    def _transaction(self) -> Iterator[int]:
        with translated(str(self._path)), self._kept_up(), self._transactions.writing() as now:
            yield now

    @contextmanager
    def _kept_up(self) -> Iterator[None]:
        """Let what is remembered beside the store follow the store when it is rolled back."""
        unstored = dict(self._unstored)
        try:
            yield
        except BaseException:
            self._unstored = unstored
            self._kinds.forget()
            self._projections.forget()
            raise

    def renew(self) -> None:
        """Show that this holder lives. To be called more often than ``lease.STALE_SECONDS``.

        Raises:
            StoreHeldError: The lease was taken over, so this process must not write any more.
        """
        with self._transaction():
            pass

    def register_packs(self, packs: Sequence[Pack], on_merge: Merging | None = None) -> None:
        """Make room for the packs' promoted columns, their indexes and summaries.

        Indexes that a load left unbuilt are built. Triggers that somebody dropped are made again,
        and the audit log says so.

        Raises:
            PackError: A column is misnamed or reserved, or the store has it with another type.
        """
        self._packs = tuple(packs)
        with self._transaction() as now:
            for pack in packs:
                registration.register_pack(self._connection, pack, now)
            indexes.create_missing(self._connection, self._packs)
            for name in relations.restore_triggers(self._connection):
                self._note(now, "restore trigger", name, "it was dropped by another program")
        self._projections.on_merge = on_merge or self._projections.on_merge
        self._projections.register(self._packs)

    def log_id(self, source: LogSource) -> int:
        """The id of an allow-list entry, made on first sight."""
        with self._transaction() as now:
            return registration.register_log(self._connection, source, now)

    def segments(self) -> tuple[Segment, ...]:
        """Every segment, in order."""
        with self._transactions.reading():
            rows = self._connection.execute(segments_query()).mappings()
            return tuple(segment_from(row) for row in rows)

    def add_segment(self, new: NewSegment) -> Segment:
        """The next segment, which is stored with its first batch or gap, in one transaction.

        So no segment is ever without anything read: nothing could tell its file again.
        """
        with self._transactions.reading():
            known = next((each for each in self._unstored if self._unstored[each] == new), None)
            segment_id = known or segments.next_id(self._connection, self._unstored)
            segment = segments.unstored(self._connection, segment_id, new)
        self._unstored[segment_id] = new
        return segment

    def _store_segment(self, segment_id: int, now_us: int) -> None:
        """Store a segment that was added, if it was not yet; inside the caller's transaction."""
        if segment_id in self._unstored:
            new = self._unstored[segment_id]
            segments.insert_segment(self._connection, segment_id, new, self._run_id, now_us)

    def change_segment(
        self,
        segment_id: int,
        change: SegmentChange,
        gaps: Sequence[Gap] = (),
        decision: sightings.Decision | None = None,
    ) -> None:
        """Record what a look at a segment's file found and decided, and what may be lost by it."""
        with self._transaction() as now:
            if gaps:
                self._store_segment(segment_id, now)
            batches.insert_gaps(self._connection, gaps, now)
            if decision is not None:
                sightings.insert_decision(self._connection, decision, self._run_id, now)
            segments.change_segment(self._connection, segment_id, change, now)

    def record_decision(self, decision: sightings.Decision) -> None:
        """Record what was decided on a file, and why."""
        with self._transaction() as now:
            sightings.insert_decision(self._connection, decision, self._run_id, now)

    def add_names(self, segment_id: int, paths: Sequence[str]) -> None:
        """Remember the names that lead to a segment's file, as hard links and globs do."""
        with self._transaction() as now:
            for path in paths:
                sightings.add_name(self._connection, segment_id, path, now)

    def stale_copies(self) -> tuple[sightings.StaleCopy, ...]:
        """Every file that held nothing new when it was last looked at."""
        with self._transactions.reading():
            return sightings.stale_copies(self._connection)

    def remember_copy(
        self, copy: sightings.StaleCopy, decision: sightings.Decision | None = None
    ) -> None:
        """Remember a file that holds nothing new, and what was decided on it, at once."""
        with self._transaction() as now:
            sightings.remember_copy(self._connection, copy)
            if decision is not None:
                sightings.insert_decision(self._connection, decision, self._run_id, now)

    def forget_copy(self, path: str) -> None:
        """Forget a copy that has gone, or is one no more."""
        with self._transaction():
            sightings.forget_copy(self._connection, path)

    def stored_bytes(self, segment_id: int, span: Span) -> tuple[StoredBytes, ...]:
        """Everything the store holds of a byte range, in order of place; keep the range small."""
        with self.reading() as reader:
            return tuple(stored_bytes(reader, segment_id, span))

    def first_line_sha256(self, segment_id: int) -> bytes | None:
        """SHA-256 of a segment's first line that is not blank; None where it has none yet."""
        with self.reading() as reader:
            return reader.first_line_sha256(segment_id)

    @contextmanager
    def reading(self) -> Iterator[StoreReader]:
        """The reading side on this writer's connection, with what its open transaction holds."""
        with self._transactions.reading():
            reader = StoreReader(self._connection, self._path)
            try:
                yield reader
            finally:
                reader.close()

    def kind_ids(self, names: Iterable[str]) -> dict[str, int]:
        """The id of at least every kind named, made on first sight."""
        with translated(str(self._path)):
            return self._kinds.ids(names)

    def commit_batch(self, write: BatchWrite) -> Batch:
        """Commit rows, dead letters, fillers, gaps, the batch record and the checkpoint together.

        Raises:
            StoreError: The batch does not begin at the segment's checkpoint and next line.
            StoreHeldError: The lease was taken over; nothing was written.
            StoreFullError: No space; nothing was written, the checkpoint stays.
        """
        with self._transaction() as now:
            self._store_segment(write.segment_id, now)
            batch = batches.commit(self._connection, write, run_id=self._run_id, now_us=now)
            self._projections.batch_committed(batch.id, now, write.partials)
        self._unstored.pop(write.segment_id, None)
        return batch

    def record_gaps(self, gaps: Sequence[Gap]) -> None:
        """Record suspected losses that came without a batch; each place and kind once."""
        with self._transaction() as now:
            for gap in gaps:
                self._store_segment(gap.segment_id, now)
            batches.insert_gaps(self._connection, gaps, now)

    def retry_dead_letter(self, position: int, retry: dead_letters.Retry) -> None:
        """Record an attempt on a dead letter; an event takes its place under the same position."""
        with self._transaction() as now:
            dead_letters.record_retry(self._connection, position, retry, now)
            if retry.event:
                self._projections.event_added(position, now)
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
            self._projections.rows_replaced(batch.segment_id)
            self._note(
                now, "recover", f"batch {batch.id}", f"{len(write.events)} events from the log"
            )

    @contextmanager
    def bulk(self, loaded: Collection[str] | None = None) -> Iterator[None]:
        """Load much at once: pages are written once, and the indexes are built afterwards.

        While a batch is committed readers wait, some hundredths of a second each time; outside of
        bulk loads they never do.

        A load that dies or fails inside leaves a store that is whole but lacks indexes, and whose
        summaries are behind; the next writer builds them. After a failure nothing is built here:
        what fails a load (no space, a lost lease, an interrupt) would fail or delay that as well,
        and stand in front of it.

        Args:
            loaded: The names of the packs that the logs are of; the indexes of columns that none
                of them fills are then left alone.
        """
        with self._transaction():
            indexes.drop_filled(self._connection, self._packs, loaded)
        # After a failure they stay behind, also for what this writer may still commit.
        self._projections.put_off()
        with sqlite.pages_written_once(self._connection):
            yield
            self._projections.catch_up(has_indexes=False)
            with self._transaction():
                indexes.create_missing(self._connection, self._packs)
            self._projections.catch_up()

    def rebuild_projection(self, name: str) -> None:
        """Make a projection anew from the stored events; readers see the old one until it is whole.

        Raises:
            UsageError: No registered pack declares one of that name.
        """
        self._projections.rebuild(name)
        with self._transaction() as now:
            self._note(now, "projection rebuild", name, "from the stored events")

    def rebuild_outdated_projections(self) -> None:
        """Make those projections anew that rest on rows which ``replace_rows`` has changed."""
        for name in self._projections.outdated():
            self.rebuild_projection(name)

    def tree_head(self, origin: str) -> StoredHead | None:
        """The last tree head that is kept of a ledger."""
        with self._transactions.reading():
            return stored_head(self._connection, origin)

    def replace_tree_head(self, old: StoredHead | None, new: StoredHead) -> None:
        """Keep ``new`` in the place of ``old``, if that is what is kept.

        Raises:
            StoreError: Another head is kept, or the new one is no step forward from it.
        """
        with self._transaction() as now:
            replace_head(self._connection, old, new, now)

    def settings(self) -> dict[str, str]:
        """Effective engine settings of the writing connection, by name."""
        with self._transactions.reading():
            return sqlite.settings(self._connection)

    def has_events(self) -> bool:
        """Whether any batch was ever committed."""
        with self._transactions.reading():
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
