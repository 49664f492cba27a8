"""The transactions of a store's writing side, which may be joined into a larger one.

A method that writes opens a transaction of its own, or takes part in the one that is open. What
fails inside a joined part dooms the whole: a caller who catches the error and goes on finds, at the
end, that nothing was committed, for half of a batch must never be.

What surprised: SQLAlchemy begins a transaction at the first statement by itself, so a read outside
``begin()`` leaves one open and the next ``begin()`` refuses. Hence every reading stands in one too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from evidentia.errors import StoreError
from evidentia.store.lease import renew_lease
from evidentia.store.translate import translated


class Transactions:
    """Begins, joins, commits and rolls back on one connection.

    Attributes:
        token: The lease that every writing transaction renews.
    """

    def __init__(self, connection: Connection, path: Path, clock: Callable[[], int]) -> None:
        self._connection = connection
        self._path = path
        self._clock = clock
        self._now_us = 0
        self._is_open = False
        self._is_doomed = False
        self.token = ""

    @property
    def is_open(self) -> bool:
        """Whether a transaction is open that the next part would join."""
        return self._is_open

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A transaction for reading, or a part of the one that is open."""
        if self._connection.in_transaction():
            yield
            return
        with translated(str(self._path)), self._connection.begin():
            yield

    @contextmanager
    def writing(self) -> Iterator[int]:
        """A transaction that renews the lease, or a part of the one that is open; gives the time.

        Errors of the caller's own go through as they are.

        Raises:
            StoreHeldError: The lease was taken over, so this process must not write any more.
            StoreError: A part failed, and its error was caught inside: nothing was committed.
        """
        if self._is_open:
            with self._part() as now:
                yield now
            return
        with self._connection.begin():
            now = self._clock()
            renew_lease(self._connection, self.token, now)
            with self._whole(now):
                yield now

    @contextmanager
    def _whole(self, now_us: int) -> Iterator[None]:
        self._is_open, self._is_doomed, self._now_us = True, False, now_us
        try:
            yield
            if self._is_doomed:
                raise StoreError(
                    "a part of this transaction failed before, so all of it is rolled back",
                    where=str(self._path),
                    fix="let the error of that part end the transaction",
                )
        finally:
            self._is_open = False

    @contextmanager
    def _part(self) -> Iterator[int]:
        try:
            yield self._now_us
        except BaseException:
            self._is_doomed = True
            raise
