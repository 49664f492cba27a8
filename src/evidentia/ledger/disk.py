"""Everything that a ledger does to a disk, in one place, so that tests can make each step fail.

What surprised: after an fsync that failed, the next one succeeds, and the page cache shows bytes
that the disk does not have. So no step here is ever tried again, and ``from_disk`` drops the
cached pages before anything is read that a decision rests on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CREATED = 0o644


class Disk:
    """The operations, as the operating system does them. Errors are ``OSError``."""

    def open_for_append(self, path: Path, *, is_new: bool = False) -> int:
        """A descriptor that only appends; ``is_new`` refuses a file that exists."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        return os.open(path, flags | (os.O_CREAT | os.O_EXCL if is_new else 0), _CREATED)

    def write_all(self, descriptor: int, data: bytes) -> None:
        """Write everything; a write may be short, and the rest follows."""
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, memoryview(data)[written:])

    def sync(self, descriptor: int) -> None:
        """Return once what was written to the file is on the disk."""
        os.fdatasync(descriptor)

    def cut(self, descriptor: int, size: int) -> None:
        """Cut a file, durably."""
        os.ftruncate(descriptor, size)
        os.fsync(descriptor)

    def sync_folder(self, path: Path) -> None:
        """Return once the names in a folder are on the disk."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def replace(self, path: Path, data: bytes | Iterable[bytes]) -> None:
        """Put a whole file in the place of another, or of none, durably."""
        pieces = (data,) if isinstance(data, bytes) else data
        fresh = path.with_name(f".{path.name}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _CREATED)
        try:
            for piece in pieces:
                self.write_all(descriptor, piece)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.rename(path)
        self.sync_folder(path.parent)

    def free_bytes(self, descriptor: int) -> int:
        """How many bytes this process may still write where the file lives."""
        found = os.fstatvfs(descriptor)
        return found.f_frsize * (found.f_bfree if os.geteuid() == 0 else found.f_bavail)

    def forget_cached(self, descriptor: int) -> None:
        """Make the next read of the file come from the disk, where the system can do that."""
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


class Guard:
    """Tells of what ends a block early. Made once, for each append passes through two of them."""

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, failure: BaseException | None, __: object) -> None:
        """Tell, and let the failure go on unless another is raised."""
        if failure is not None:
            self._on_failure(failure)


@contextmanager
def opened_for_reading(path: Path) -> Iterator[int]:
    """A descriptor to read from."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
