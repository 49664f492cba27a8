"""The one door to foreign logs: opened for reading only, regular files only.

No other module of this room opens a file, and this one has no way to write. What the operating
system says is translated here into errors that name the path, the byte and the fix.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from evidentia.errors import LogChangedError, LogError, LogMissingError, LogUnreadableError
from evidentia.log.names import printable
from evidentia.log.values import ArchiveState, FileIdentity

# O_NONBLOCK: a FIFO that takes the file's place must not hang the reader.
_READ_ONLY: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK

_LONG_BYTES: Final = struct.calcsize("l")
# Linux's FS_IOC_GETVERSION, ``_IOR('v', 1, long)``; other systems answer ENOTTY.
_GET_VERSION: Final = (2 << 30) | (_LONG_BYTES << 16) | (ord("v") << 8) | 1

_KINDS: Final = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}

_NOT_PERMITTED: Final = (
    "reading the log is not permitted",
    "let the user who runs evidentia read the file and search its folders",
)
_EXPLAINED: Final = {
    errno.EACCES: _NOT_PERMITTED,
    errno.EPERM: _NOT_PERMITTED,
    errno.ELOOP: (
        "the symbolic links form a loop",
        "let the link point to a file, or name the file itself",
    ),
    errno.ENAMETOOLONG: ("the log's name is too long for the file system", "shorten the path"),
}


class ByteStream(Protocol):
    """The (decompressed) bytes of a log, read once from front to back."""

    @property
    def state(self) -> ArchiveState | None:
        """How the archive ended; ``None`` before its end, and always for a plain file."""
        ...

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer only at the end.

        Raises:
            LogUnreadableError: An input or output error.
            LogCorruptError: The archive breaks off, or expands beyond the limits.
        """
        ...

    def salvage(self, size: int) -> bytes:
        """As ``read``, but where an archive breaks the stream just ends.

        Raises:
            LogUnreadableError: An input or output error.
            LogCorruptError: The archive expands beyond the limits.
        """
        ...

    def skip_to(self, byte_offset: int) -> bool:
        """Go forward to a byte of the stream; tell whether the stream reaches that far.

        A broken archive does not raise here; the next ``read`` does.
        """
        ...

    def close(self) -> None:
        """Give the file descriptor back."""
        ...

    def __enter__(self) -> Self:
        """Enter."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        ...


class RawLog:
    """The bytes of a file as they lie on the disk: a ``ByteStream``."""

    __slots__ = ("_byte_offset", "_descriptor", "path")

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._byte_offset = 0
        self.path = path

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer only at the end; a writer may be appending meanwhile.

        Raises:
            LogUnreadableError: An input or output error.
        """
        try:
            # Not the descriptor's own position: others may share it.
            data = os.pread(self._descriptor, size, self._byte_offset)
        except OSError as error:
            raise translated(error, self.path, byte_offset=self._byte_offset) from error
        self._byte_offset += len(data)
        return data

    salvage = read

    @property
    def state(self) -> None:
        """A plain file does not break."""

    def skip_to(self, byte_offset: int) -> bool:
        """Go to a byte; tell whether the file is that long now."""
        self._byte_offset = byte_offset
        return byte_offset <= self.size()

    def size(self) -> int:
        """Bytes in the file at this moment.

        Raises:
            LogUnreadableError: The file went away under us, as it can on a network.
        """
        try:
            return os.fstat(self._descriptor).st_size
        except OSError as error:
            raise translated(error, self.path, byte_offset=self._byte_offset) from error

    def generation(self) -> int | None:
        """What the file system counts up each time it deals the inode anew; ``None`` elsewhere."""
        return _generation_of(self._descriptor)

    @property
    def descriptor(self) -> int:
        """The open descriptor; it goes with this stream."""
        return self._descriptor

    def close(self) -> None:
        """Give the file descriptor back; once is enough."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        """The stream itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()


def open_log(
    path: Path, *, identity: FileIdentity | None = None, held: int | None = None
) -> RawLog:
    """The regular file at the path, or that of a descriptor held open, open for reading.

    Args:
        path: Comes from the allow-list; nothing here widens it.
        identity: What was found there. When a rotation has put another file in its place since,
            that file is refused instead of read at a foreign checkpoint.
        held: A descriptor to read instead of the path, which may lead elsewhere by now. It stays
            the caller's to close.

    Raises:
        LogMissingError: Nothing is there.
        LogChangedError: It is not the file that was found.
        LogUnreadableError: Not a regular file, or not permitted.
    """
    if held is not None:
        return RawLog(os.dup(held), path)
    try:
        # Before opening: merely opening some devices does something to them.
        require_regular(path.stat(), path)
        descriptor = os.open(path, _READ_ONLY)
    except OSError as error:
        raise translated(error, path) from error
    try:
        found = os.fstat(descriptor)
        require_regular(found, path)
        if identity is not None:
            _require_same(found, descriptor, path, identity)
    except BaseException:
        os.close(descriptor)
        raise
    return RawLog(descriptor, path)


def require_regular(found: os.stat_result, path: str | os.PathLike[str]) -> None:
    """Return when the status is that of a regular file.

    Raises:
        LogUnreadableError: It is anything else, which is named.
    """
    if stat.S_ISREG(found.st_mode):
        return
    kind = _KINDS.get(stat.S_IFMT(found.st_mode), "not a regular file")
    is_folder = stat.S_ISDIR(found.st_mode)
    raise LogUnreadableError(
        f"the log is {kind}",
        where=printable(path),
        fix="name its files, for example with /*.json at the end"
        if is_folder
        else "name a regular file; only those can be resumed",
    )


def _generation_of(descriptor: int) -> int | None:
    try:
        answer = fcntl.ioctl(descriptor, _GET_VERSION, bytes(_LONG_BYTES))
    except OSError:
        return None
    return int.from_bytes(answer[:4], sys.byteorder)


def _require_same(
    found: os.stat_result, descriptor: int, path: Path, identity: FileIdentity
) -> None:
    device, inode, generation = identity
    # Only who knows the generation asks for it; where the system does not say, it counts as equal.
    if (device, inode) != (found.st_dev, found.st_ino) or (
        generation is not None and _generation_of(descriptor) not in (generation, None)
    ):
        raise LogChangedError(
            "another file has taken the log's place since it was found",
            where=printable(path),
            fix="run again; the next pass tells the two files apart",
        )


def translated(
    error: OSError, path: str | os.PathLike[str], *, byte_offset: int | None = None
) -> LogError:
    """The error of this project that says what the operating system said."""
    where = printable(path)
    if byte_offset is not None:
        where = f"{where}, byte {byte_offset}"
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return LogMissingError(
            "the log is not there", where=where, fix="correct the path, or start its writer"
        )
    what, fix = _EXPLAINED.get(
        error.errno or 0,
        (
            f"the log cannot be read ({error.strerror or error})",
            "check the disk and the mount, then run again; nothing that was read is lost",
        ),
    )
    return LogUnreadableError(what, where=where, fix=fix)
