"""Opening a store: the address, the checks, the migrations, the reading and the writing side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine

from evidentia.errors import StoreError, StoreHeldError, StoreMissingError, UsageError
from evidentia.pack.contract import Pack
from evidentia.store import migrate, relations, sqlite
from evidentia.store.lease import refuse_if_held
from evidentia.store.process import this_process
from evidentia.store.projections import Merging
from evidentia.store.reader import StoreReader
from evidentia.store.registration import left_out_by_pack
from evidentia.store.writer import StoreWriter

DEFAULT_PATH: Final = Path("evidence/derived/evidentia.db")
_PREFIX: Final = "sqlite:///"


def _system_clock() -> int:
    return time.time_ns() // 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A place where events are kept as SQL. Opening it for reading or writing is a separate step.

    Attributes:
        path: The database file.
        options: Further SQLite URI parameters, for unusual file systems (``&vfs=unix-dotfile``).
    """

    path: Path
    options: str = ""

    @property
    def url(self) -> str:
        """The address of this store."""
        return f"{_PREFIX}{self.path}"

    def exists(self) -> bool:
        """Whether there is anything at the store's place."""
        try:
            return self.path.exists()
        except OSError:
            # A name too long for the file system, or a folder that may not be looked into.
            return False

    @contextmanager
    def reader(self) -> Iterator[StoreReader]:
        """The reading side, on a connection that cannot write.

        Raises:
            StoreMissingError: There is no store yet.
            StoreForeignError: The file is another program's.
            StoreVersionError: The store was written by a newer evidentia.
            StoreError: The store has an older form.
        """
        with self._opened(is_read_only=True) as connection:
            if not migrate.is_current(connection):
                self._refuse_older(connection)
            reader = StoreReader(connection, self.path)
            try:
                yield reader
            finally:
                reader.close()

    def _refuse_older(self, connection: Connection) -> None:
        if migrate.current_revision(connection) is None:
            raise _missing(self.path)
        raise StoreError(
            "the store has an older form than this program reads",
            where=str(self.path),
            fix="run 'evidentia ingest' once: whatever writes brings it up to date",
        )

    @contextmanager
    def writer(
        self,
        packs: Sequence[Pack],
        *,
        command: str,
        clock: Callable[[], int],
        version: str,
        on_merge: Merging | None = None,
    ) -> Iterator[StoreWriter]:
        """The writing side, made and migrated as needed, with the lease held until it is left.

        Args:
            packs: Packs whose columns must be there.
            command: What the caller does; shown to whoever finds the store held.
            clock: The time in UTC microseconds.
            version: The program's version, recorded with the run.
            on_merge: Told how far projections have come that are made of stored events.

        Raises:
            StoreHeldError: Another process holds the lease.
            StoreForeignError: The file is another program's.
        """
        self._refuse_if_held(clock)
        self._make_folder()
        with self._opened(is_read_only=False) as connection:
            self._bring_up_to_date(connection, clock)
            writer = StoreWriter(connection, self.path, clock)
            with writer.held(this_process(command), version):
                writer.register_packs(packs, on_merge)
                yield writer

    def create(self, clock: Callable[[], int] = _system_clock) -> None:
        """Make an empty store, or bring one up to date; a no-op where nothing is left to do.

        Raises:
            StoreHeldError: The store is outdated and another process is writing to it.
        """
        self._make_folder()
        with self._opened(is_read_only=False) as connection:
            self._bring_up_to_date(connection, clock)

    def _refuse_if_held(self, clock: Callable[[], int]) -> None:
        # Asked before anything is locked: a holder in the middle of a long transaction would keep
        # this process waiting, and then could not be named.
        try:
            with self._opened(is_read_only=True) as connection:
                refuse_if_held(connection, clock())
        except StoreHeldError:
            raise
        except StoreError:
            # Missing, outdated or worse: opening it for writing finds out and says so.
            return

    def _make_folder(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the store's folder cannot be made: {error.strerror}",
                where=str(self.path.parent),
                fix="name another place with --db",
            ) from error

    @contextmanager
    def _opened(self, *, is_read_only: bool) -> Iterator[Connection]:
        _check_file(self.path, is_read_only=is_read_only)
        engine: Engine = sqlite.open_engine(
            self.path, is_read_only=is_read_only, options=self.options
        )
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    def _bring_up_to_date(self, connection: Connection, clock: Callable[[], int]) -> None:
        with connection.begin():
            if migrate.is_current(connection):
                return
        with sqlite.references_checked_at_end(connection), connection.begin():
            # Another process may have been quicker.
            if migrate.is_current(connection):
                return
            if migrate.current_revision(connection) is not None:
                # A running older program must not find its tables changed beneath it.
                refuse_if_held(connection, clock())
            # A table that views speak of cannot be made anew.
            relations.drop_views(connection)
            migrate.upgrade(connection)
            sqlite.check_references(connection)
            relations.create_triggers(connection)
            relations.create_views(
                connection,
                relations.promoted_columns(connection),
                left_out_by_pack(connection),
            )


def _missing(path: Path) -> StoreMissingError:
    return StoreMissingError(
        "there is no store here yet", where=str(path), fix="run 'evidentia ingest' first"
    )


def _check_file(path: Path, *, is_read_only: bool) -> None:
    # SQLite would read such a name up to the NUL, and open another file.
    if "\0" in str(path):
        raise StoreError("a file's name cannot hold a NUL", where=repr(str(path)))
    try:
        if path.is_dir():
            raise StoreError("this is a folder, not a store", where=str(path), fix="name a file")
        if path.exists() and not path.is_file():
            raise StoreError("this is not a regular file", where=str(path), fix="name a file")
        if is_read_only and sqlite.application_id_of(path) is None:
            raise _missing(path)
        sqlite.check_ownership(path)
    except OSError as error:
        raise StoreError(
            f"the store cannot be opened: {error.strerror}", where=str(path)
        ) from error


def store_at(address: str) -> Store:
    """The store at an address: ``sqlite:///PATH`` or a plain path.

    Raises:
        UsageError: The address names an engine that is not supported.
    """
    if "://" not in address:
        return Store(path=Path(address))
    if address.startswith(_PREFIX) and len(address) > len(_PREFIX):
        return Store(path=Path(address.removeprefix(_PREFIX)))
    raise UsageError(
        "this store address is not supported",
        where=address.split("://", 1)[0] + "://..",
        fix="use sqlite:///PATH or --db PATH",
    )
