"""A pack's own database: made, opened for reading, opened for writing, made anew.

The file says by its mark that it is one, and by its checkpoint whose. It is derived: what is wrong
with it is mended by making it anew from the ledger.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, inspect, select, text

from evidentia.errors import (
    StoreError,
    StoreForeignError,
    StoreMissingError,
    StoreVersionError,
)
from evidentia.pack.tables import PackDatabase
from evidentia.store import migrate, sqlite
from evidentia.store.derived_archived import forget
from evidentia.store.derived_reading import DerivedReader
from evidentia.store.derived_rows import RowWriter
from evidentia.store.derived_schema import (
    CHECKPOINT,
    SQLITE,
    DerivedSchema,
    create_all,
    derived_schema,
    drop_declared,
)

WAIT_MS: Final = 60_000
"""How long a writer waits for those before it: each applies what all others appended."""
_WITHOUT_LINKS: Final = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
"""What file systems answer that have no links."""
_CREATED: Final = 0o644
REBUILD: Final = "make it anew from its ledger: the pack's 'rebuild' command"


_COMPILED: Final[dict[Any, Any]] = {}
"""The texts of this room's few statements: compiling them takes longer than running them, and a
process that records opens the database anew each time."""


def system_clock() -> int:
    """The time now, in UTC microseconds."""
    return time.time_ns() // 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedStore:
    """A place where a pack's own database is, or will be."""

    path: Path
    database: PackDatabase
    clock: Callable[[], int] = system_clock

    @property
    def schema(self) -> DerivedSchema:
        """Its tables as this engine has them."""
        return derived_schema(self.database, SQLITE)

    def exists(self) -> bool:
        """Whether there is anything at the place."""
        return os.path.lexists(self.path)

    def create(self) -> None:
        """Make the database, empty, where nothing is yet; all of it or nothing.

        Raises:
            StoreError: Something is there already, which stays as it is; or the disk refuses.
        """
        with new_file(self.path, sqlite.PACK_APPLICATION_ID) as connection:
            migrate.upgrade(connection, migrate.DERIVED_MIGRATIONS, schema=self.schema)
            connection.exec_driver_sql(f"PRAGMA user_version = {self.database.version}")

    @contextmanager
    def reading(self) -> Iterator[DerivedReader]:
        """One snapshot, on a connection that cannot write.

        Raises:
            StoreMissingError: There is no database yet.
            StoreForeignError: The file is another program's, or another part's of evidentia.
            StoreVersionError: It was made by another version of the pack.
        """
        with self._opened(is_read_only=True) as connection, connection.begin():
            self.check(connection)
            yield DerivedReader(connection, self.schema)

    @contextmanager
    def writing(self) -> Iterator[RowWriter]:
        """A transaction that writes rows and, at its end, the checkpoint.

        Waits for other writers.

        Raises:
            StoreHeldError: Another process has been writing for a minute.
            StoreError: As for ``reading``, or the disk refuses; nothing was written.
        """
        with self.changing() as connection:
            writer = RowWriter(connection, self.schema, self.clock)
            yield writer
            writer.save()

    @contextmanager
    def session(self) -> Iterator[DerivedSession]:
        """A connection for many transactions that write rows, one after the other.

        Raises:
            StoreError: As for ``reading``.
        """
        with self._opened(is_read_only=False) as connection:
            yield DerivedSession(connection, self)

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """A transaction for whoever changes rows in another way."""
        with self._opened(is_read_only=False) as connection, connection.begin():
            self.check(connection)
            yield connection

    @contextmanager
    def remaking(self, forgotten: Sequence[int] | None = ()) -> Iterator[RowWriter]:
        """A transaction in which all that is derived is gone, and the tables are the pack's of now.

        Until it ends well everyone else sees the database as it was.

        Args:
            forgotten: Archives whose rows come back; None for all. The others stay recorded, and
                what they hold is taken out again. Where the pack was of another version all are
                forgotten, for rows may have other ids now.
        """
        with self._opened(is_read_only=False) as connection, connection.begin():
            is_same = self._check_name(connection) == self.database.version
            forget(connection, self.schema, forgotten if is_same else None)
            drop_declared(connection)
            create_all(connection, self.schema)
            connection.exec_driver_sql(f"PRAGMA user_version = {self.database.version}")
            writer = RowWriter(connection, self.schema, self.clock)
            yield writer
            writer.save()

    @contextmanager
    def upkeep(self) -> Iterator[Connection]:
        """A connection without a transaction, for what cannot stand in one."""
        with self._opened(is_read_only=False) as connection:
            with connection.begin():
                self.check(connection)
            yield connection

    @contextmanager
    def _opened(self, *, is_read_only: bool) -> Iterator[Connection]:
        require_file(self.path, sqlite.PACK_APPLICATION_ID)
        access = sqlite.Access(
            is_read_only=is_read_only, mark=sqlite.PACK_APPLICATION_ID, busy_timeout_ms=WAIT_MS
        )
        with opened(self.path, access) as connection:
            yield connection

    def check(self, connection: Connection) -> None:
        """Pass if the database is of this pack, and of its version.

        Raises:
            StoreForeignError: It is another pack's.
            StoreVersionError: It was made by another version of the pack.
        """
        version = self._check_name(connection)
        if version != self.database.version:
            raise StoreVersionError(
                f"this database has form {version} of pack {self.database.name}, which is at"
                f" {self.database.version}",
                where=str(self.path),
                fix=REBUILD,
            )

    def _check_name(self, connection: Connection) -> int:
        """The version that a database was made by; it must be of this pack."""
        if not inspect(connection).has_table(CHECKPOINT):
            raise StoreForeignError(
                "this database lacks its checkpoint",
                where=str(self.path),
                fix="move the file away, and make another one with 'init' and 'rebuild'",
            )
        own = select(text("database_name, version")).select_from(text(CHECKPOINT))
        name, version = connection.execute(own).one()
        if name != self.database.name:
            raise StoreForeignError(
                f"this database is that of pack {name}, not of {self.database.name}",
                where=str(self.path),
                fix="name another file",
            )
        return int(version)


class DerivedSession:
    """Transactions on one connection, whose statements are compiled once. For one thread."""

    def __init__(self, connection: Connection, store: DerivedStore) -> None:
        self._connection = connection
        self._store = store

    @contextmanager
    def writing(self) -> Iterator[tuple[RowWriter, DerivedReader]]:
        """A transaction that writes rows and, at its end, the checkpoint; and what reads in it.

        Raises:
            StoreError: As for ``DerivedStore.writing``.
        """
        store = self._store
        with self._connection.begin():
            store.check(self._connection)
            writer = RowWriter(self._connection, store.schema, store.clock)
            yield writer, DerivedReader(self._connection, store.schema)
            writer.save()


@contextmanager
def opened(path: Path, access: sqlite.Access) -> Iterator[Connection]:
    """A connection to a database file of ours."""
    engine = sqlite.engine_for(path, access).execution_options(compiled_cache=_COMPILED)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def require_file(path: Path, mark: int) -> None:
    """Pass if there is a database file with our mark.

    Raises:
        StoreMissingError: There is none.
        StoreForeignError: It is another program's, or another part's of evidentia.
        StoreError: It cannot be looked at.
    """
    refuse_odd_name(path)
    try:
        if not path.is_file() or sqlite.application_id_of(path) is None:
            raise StoreMissingError(
                "there is no such database",
                where=str(path),
                fix="make one with the pack's 'init' command, or name another: --database PATH",
            )
        sqlite.check_ownership(path, mark)
    except OSError as error:
        raise _unreachable(path, error) from error


def refuse_odd_name(path: Path) -> None:
    """Pass if SQLite reads the name as it stands.

    Raises:
        StoreError: It would read it up to a NUL.
    """
    if "\0" in str(path):
        raise StoreError("a file's name cannot hold a NUL", where=repr(str(path)))


def refuse_existing(path: Path) -> None:
    """Pass if nothing has a name.

    Raises:
        StoreError: Something has, which stays as it is.
    """
    refuse_odd_name(path)
    if os.path.lexists(path):
        raise _taken(path)


@contextmanager
def new_file(path: Path, mark: int) -> Iterator[Connection]:
    """A transaction in a new database file, which has its name only once it is all there.

    Raises:
        StoreError: Something has the name already, which stays as it is; or the disk refuses.
    """
    with new_place(path) as fresh:
        access = sqlite.Access(is_read_only=False, mark=mark)
        with opened(fresh, access) as connection:
            with connection.begin():
                yield connection
            driver = sqlite.driver_connection(connection)
            # The WAL goes into the file and is gone, so that the file is the database.
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if mark == sqlite.ARCHIVE_APPLICATION_ID:
                # Nobody writes to it again, and a WAL makes even readers leave files beside it.
                driver.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def new_place(path: Path) -> Iterator[Path]:
    """A name beside a file's to write it at; it gets its own name once that is done.

    Raises:
        StoreError: Something has the name already, which stays as it is; or the disk refuses.
    """
    refuse_existing(path)
    fresh = path.with_name(f".{path.name}.new-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        try:
            yield fresh
            _synced(fresh)
            _name(fresh, path)
        finally:
            for each in (fresh, *(Path(f"{fresh}{end}") for end in ("-wal", "-shm", "-journal"))):
                with suppress(OSError):
                    each.unlink(missing_ok=True)
        _synced(path.parent)
    except OSError as error:
        raise _unreachable(path, error) from error


def _name(fresh: Path, path: Path) -> None:
    try:
        # A link never takes the place of what is there, as a renaming would.
        os.link(fresh, path)
    except FileExistsError as error:
        raise _taken(path) from error
    except OSError as error:
        if error.errno not in _WITHOUT_LINKS:
            raise
        _rename(fresh, path)


def _rename(fresh: Path, path: Path) -> None:
    """The same where the file system has no links: the name is taken first, by an empty file."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _CREATED))
    except FileExistsError as error:
        raise _taken(path) from error
    fresh.replace(path)


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _taken(path: Path) -> StoreError:
    return StoreError(
        "there is a file already, which stays as it is",
        where=str(path),
        fix="name another file, or move this one away",
    )


def _unreachable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"the database file cannot be reached: {error.strerror or error}",
        where=str(path),
        fix="check that the folder is there and that you may write to it",
    )
