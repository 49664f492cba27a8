"""The lock of a ledger: one process appends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from evidentia.errors import LedgerError, LedgerHeldError
from evidentia.ledger.layout import lock_path

_PID_BYTES_MAX: Final = 32


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock; the system lets go of it when the process ends, however it ends.

    Raises:
        LedgerHeldError: Another process holds it.
        LedgerError: The folder cannot be written to.
    """
    path = lock_path(folder)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise LedgerError(
            f"the ledger cannot be opened for appending: {error.strerror or error}", where=str(path)
        ) from error
    owner = os.getpid()
    try:
        _lock(descriptor, path)
        try:
            yield
        finally:
            # Closing is not enough: a child that another thread is just starting has the file
            # open too, until it runs its program. A forked child must not let go for its parent.
            if os.getpid() == owner:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, _PID_BYTES_MAX, 0).decode("ascii", "replace").strip()
        raise LedgerHeldError(
            f"another process appends to this ledger{f' (pid {holder})' if holder else ''}",
            where=str(path.parent),
            fix="wait for it to end, or hand the events to that process",
        ) from error
    except OSError as error:
        raise LedgerError(
            f"the ledger cannot be locked: {error.strerror or error}",
            where=str(path),
            fix="keep it on a file system that has locks",
        ) from error
    try:
        # Only for the message above; a disk that has no room for it holds nobody up.
        os.pwrite(descriptor, f"{os.getpid():<{_PID_BYTES_MAX - 1}}\n".encode(), 0)
    except OSError:
        return
