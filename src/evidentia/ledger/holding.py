"""The lock of a ledger: one process appends."""

from __future__ import annotations

import fcntl
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from evidentia.errors import LedgerError, LedgerHeldError
from evidentia.ledger.layout import lock_path

_PID_BYTES_MAX: Final = 32


_PAUSE_SECONDS: Final = 0.002
"""Before the second look at a lock that another process holds; each later pause is longer .."""
_PAUSE_SECONDS_MAX: Final = 0.05
""".. up to this, at which many who wait cost little and none waits long for nothing."""


@contextmanager
def held(folder: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock; the system lets go of it when the process ends, however it ends.

    Args:
        folder: The ledger's.
        wait_seconds: How long to wait for another process to let go of it.

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
        _lock(descriptor, path, wait_seconds)
        try:
            yield
        finally:
            # Closing is not enough: a child that another thread is just starting has the file
            # open too, until it runs its program. A forked child must not let go for its parent.
            if os.getpid() == owner:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path, wait_seconds: float) -> None:
    try:
        _wait_for(descriptor, wait_seconds)
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


def _wait_for(descriptor: int, wait_seconds: float) -> None:
    """Take the lock, asking again and again: a call that waits for it could not be given up."""
    until = time.monotonic() + wait_seconds
    pause = _PAUSE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise
        else:
            return
        # Uneven, so that those who wait do not all ask at once. No secret hangs on it.
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - not for cryptography
        pause = min(2 * pause, _PAUSE_SECONDS_MAX)
