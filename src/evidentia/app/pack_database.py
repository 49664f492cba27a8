"""A pack's own database with its ledger: recorded into, checked, made anew, looked after."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from evidentia.app.ledgers import Ledgers, OpenLedger
from evidentia.app.references import LedgerEntry
from evidentia.app.workspace import utc_microseconds
from evidentia.audit.derived_check import DerivedCheck, check
from evidentia.audit.derived_events import events_after, origin_of
from evidentia.audit.derived_replay import Replayed, apply_rest, catch_up, rebuild
from evidentia.errors import LedgerMissingError
from evidentia.event.envelope import Draft
from evidentia.event.timestamp import format_time
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import Acknowledgement
from evidentia.pack.recorder import Recorded
from evidentia.pack.tables import PackDatabase, Refusal
from evidentia.proof.policy import PolicyDecision
from evidentia.store.derived import DerivedSession, DerivedStore, refuse_existing
from evidentia.store.derived_archive import Restored, archive, restore
from evidentia.store.derived_reading import ArchiveRecord, RefusedRecord
from evidentia.store.derived_rows import Checkpoint
from evidentia.store.derived_upkeep import (
    Backup,
    Finding,
    Maintenance,
    backup,
    maintain,
    validate,
)

SEGMENT_BYTES_MAX: Final = 1024 * 1024
"""Each record opens the ledger, which reads its last segment: so that is kept small."""
WAIT_SECONDS: Final = 30.0
"""How long recording waits for those who record at the same time."""
_RANDOM_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDesk:
    """A ledger and a database that this process holds open. For one thread."""

    session: DerivedSession
    opened: OpenLedger
    policy: Callable[[OpenLedger], PolicyDecision]
    folder: Path

    def record(self, drafts: Sequence[Draft]) -> tuple[Recorded, ...]:
        """Append events, all or none, and bring the database to the end of the ledger.

        Raises:
            EvidentiaError: As for ``PackDesk.record``.
        """
        done = self.opened.append(drafts, self.policy(self.opened))
        with self.session.writing() as (writer, reader):
            apply_rest(writer, self.folder)
            refused = {each.sequence: each for each in reader.refused_among(_sequences(done))}
        return tuple(_recorded(each, refused.get(each.sequence)) for each in done)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatus:
    """How a pack's database stands.

    Attributes:
        ledger_size: Events that the ledger has; None where there is no ledger.
        refused: Events that no rows came of, by reason.
        settings: Of the database engine, as they are in effect.
    """

    path: str
    ledger: str
    checkpoint: Checkpoint
    ledger_size: int | None
    rows: dict[str, int]
    refused: dict[str, int]
    archives: tuple[ArchiveRecord, ...]
    settings: dict[str, str]
    file_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackDesk:
    """All that can be done with a pack's own database.

    Attributes:
        ledgers: Opens the ledger, with its key, and its mirror if it has one.
        entry: The ledger.
        policy: Decides an append, once the ledger is open.
        wait_seconds: How long recording waits for the ledger.
    """

    database: PackDatabase
    path: Path
    ledgers: Ledgers
    entry: LedgerEntry
    policy: Callable[[OpenLedger], PolicyDecision]
    wait_seconds: float = WAIT_SECONDS
    clock: Callable[[], int] = utc_microseconds

    @property
    def store(self) -> DerivedStore:
        """The database."""
        return DerivedStore(path=self.path, database=self.database, clock=self.clock)

    def init(self) -> tuple[Finding, ...]:
        """Make the database, empty, and a ledger where there is none; then look at what was made.

        Raises:
            StoreError: There is a file already, which stays as it is.
            LedgerError: The ledger cannot be made.
        """
        refuse_existing(self.path)
        if not self._has_ledger():
            self.entry.folder.parent.mkdir(parents=True, exist_ok=True)
            origin = f"{self.database.name}.{secrets.token_hex(_RANDOM_BYTES)}"
            self.ledgers.create(self.entry, origin, Signing.NONE)
        self.store.create()
        return validate(self.store)

    def _has_ledger(self) -> bool:
        try:
            origin_of(self.entry.folder)
        except LedgerMissingError:
            return False
        return True

    def record(self, drafts: Sequence[Draft]) -> tuple[Recorded, ...]:
        """Append events, all or none, and bring the database to the end of the ledger.

        On return the events are on the disk, and in the database or among its refused ones. Others
        who record at the same time are waited for.

        Raises:
            RejectionError: The ledger refuses; nothing was written.
            LedgerError: The ledger fails, or was held for longer than ``wait_seconds``.
            StoreError: The events are in the ledger, and not in the database; whatever is recorded
                next, or ``project``, completes it. Or there is no such database; nothing was
                written.
        """
        # A database that cannot take the rows is found out before anything is appended.
        with self.store.reading():
            pass
        with self._opened() as opened:
            done = opened.append(drafts, self.policy(opened))
        self.project()
        with self.store.reading() as reader:
            refused = {each.sequence: each for each in reader.refused_among(_sequences(done))}
        return tuple(_recorded(each, refused.get(each.sequence)) for each in done)

    @contextmanager
    def _opened(self) -> Iterator[OpenLedger]:
        """The ledger, once nobody else appends; the rest of ``wait_seconds`` is the lock's own."""
        entry = replace(
            self.entry, wait_seconds=self.wait_seconds, segment_bytes_max=SEGMENT_BYTES_MAX
        )
        with self.ledgers.opened(entry, f"{self.database.name} record") as opened:
            yield opened

    @contextmanager
    def held(self) -> Iterator[HeldDesk]:
        """Ledger and database held open, for a program that records much.

        Nobody else can record meanwhile: they wait, and give up after their ``wait_seconds``.

        Raises:
            EvidentiaError: As for ``record``.
        """
        with self.store.session() as session, self._opened() as opened:
            yield HeldDesk(
                session=session,
                opened=opened,
                policy=self.policy,
                folder=self.entry.folder,
            )

    def project(self) -> Replayed:
        """Apply what the ledger has and the database lacks.

        Raises:
            DivergenceError: The database holds what the ledger does not.
            LedgerError: The ledger cannot be read.
            StoreError: The database refuses or fails.
        """
        return catch_up(self.store, self.entry.folder)

    def check(self) -> DerivedCheck:
        """Replay the ledger aside, as far as the database has come, and compare.

        Raises:
            EvidentiaError: As for ``audit.derived_check.check``.
        """
        return check(self.store, self.entry.folder)

    def rebuild(self, *, with_archived: bool = False) -> Replayed:
        """Drop all that was derived and apply the ledger from its beginning.

        Args:
            with_archived: Forget every archive, so that what they hold is in the tables again.

        Raises:
            LedgerError: The ledger cannot be read.
            StoreError: The database refuses or fails; nothing was changed.
        """
        if not self.store.exists():
            self.store.create()
        return rebuild(self.store, self.entry.folder, forgotten=None if with_archived else ())

    def archive(self, age_us: int, path: Path | None = None) -> ArchiveRecord | None:
        """Move rows that are older than an age into a file; None where there are none.

        Raises:
            StoreError: The file is there already, or the disk refuses; nothing was deleted.
        """
        self.project()
        at = format_time(self.clock() - age_us)
        return archive(self.store, at.rstrip("Z").replace("T", " "), path)

    def restore(self, path: Path) -> Restored:
        """Put the rows of an archive back.

        Raises:
            StoreError: It is no archive of this database, or was changed; nothing was changed.
        """
        found = restore(self.store, path)
        if found.must_rebuild:
            rebuild(self.store, self.entry.folder, forgotten=(found.number,))
        return found

    def backup(self, path: Path) -> Backup:
        """Copy the database while others use it, and compare the copy.

        Raises:
            StoreError: The file is there already, the disk refuses, or the copy is not equal.
        """
        return backup(self.store, path)

    def maintain(self, *, is_vacuuming: bool = False) -> Maintenance:
        """Check the file, and tell the query planner what is in it.

        Raises:
            StoreError: Others use it for longer than is waited, or it fails.
        """
        return maintain(self.store, is_vacuuming=is_vacuuming)

    def status(self) -> DatabaseStatus:
        """How the database stands. Reads only.

        Raises:
            StoreError: There is none, or it is not the pack's.
        """
        with self.store.reading() as reader:
            checkpoint = reader.checkpoint()
            return DatabaseStatus(
                path=str(self.path),
                ledger=str(self.entry.folder),
                checkpoint=checkpoint,
                ledger_size=self._ledger_size(checkpoint),
                rows=reader.row_counts(),
                refused=reader.refused_counts(),
                archives=reader.archives(),
                settings=reader.settings(),
                file_bytes=self.path.stat().st_size,
            )

    def _ledger_size(self, checkpoint: Checkpoint) -> int | None:
        if not self._has_ledger():
            return None
        return checkpoint.size + sum(1 for _ in events_after(self.entry.folder, checkpoint))


def _sequences(done: Sequence[Acknowledgement]) -> list[int]:
    return [each.sequence for each in done]


def _recorded(done: Acknowledgement, refused: RefusedRecord | None) -> Recorded:
    return Recorded(
        id=done.id,
        sequence=done.sequence,
        is_repeat=done.is_repeat,
        refusal=None if refused is None else Refusal(reason=refused.reason, detail=refused.detail),
    )
