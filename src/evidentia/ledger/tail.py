"""The end of a ledger, at which it grows: found on the disk, and cut where never acknowledged.

Bytes at the end count as never acknowledged when no newline ends them, when they are lines of a
batch that is not all there, or when the disk never wrote a part of them (NUL bytes). Anything else
that is wrong is damage, which nobody but a person may decide on. So is an end that lies before
what is known from elsewhere: the last head, or the place up to which a writer acknowledged.
"""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidentia.errors import LedgerBrokenError, LedgerDamagedError, LedgerError, LedgerFullError
from evidentia.ledger.chain import Chain
from evidentia.ledger.disk import Disk, opened_for_reading
from evidentia.ledger.index import SegmentIndex
from evidentia.ledger.layout import SegmentFile, acknowledged_path, broken_folder
from evidentia.ledger.reading import LedgerFiles, LedgerView, Scan, scan
from evidentia.ledger.statements import Recovered

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_HINT_DIGITS: Final = 20
_CLOSED: Final = -1


@dataclass(slots=True, kw_only=True)
class Tail:
    """The end of a ledger, at which it grows.

    Attributes:
        descriptor: The last segment, open for appending.
        cut: What was cut off by opening it.
    """

    files: LedgerFiles
    index: SegmentIndex
    chain: Chain
    descriptor: int
    cut: Recovered | None = None

    @property
    def file(self) -> SegmentFile:
        """The last segment's file."""
        return self.files.files[-1]

    @property
    def view(self) -> LedgerView:
        """All events, to be looked up."""
        return LedgerView(self.files, self.index)

    def close(self) -> None:
        """Close the segment; once is enough."""
        descriptor, self.descriptor = self.descriptor, _CLOSED
        if descriptor != _CLOSED:
            os.close(descriptor)


def open_tail(folder: Path, disk: Disk, now: str) -> Tail:
    """The end of a ledger whose lock is held, once it is on the disk and has been read from there.

    Raises:
        LedgerMissingError: There is no ledger.
        LedgerDamagedError: What is wrong is more than a tail that was never acknowledged.
        LedgerBrokenError: The disk refuses.
    """
    files = LedgerFiles(folder)
    file = files.files[-1]
    try:
        descriptor = disk.open_for_append(file.path)
        try:
            return _read_tail(files, descriptor, disk, now)
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as error:
        raise refused(error, file.path) from error


def _read_tail(files: LedgerFiles, descriptor: int, disk: Disk, now: str) -> Tail:
    # First what the system still holds back, then what the disk really has: after a write that
    # failed, the two may differ, and only the second survives.
    disk.sync(descriptor)
    disk.forget_cached(descriptor)
    file, before = files.files[-1], files.before(files.last)
    found = scan(file, before)
    index, chain = found.index, found.check.chain
    index.cut(found.whole_size)
    size = os.fstat(descriptor).st_size
    cut = None
    if size > index.byte_end:
        _require_unacknowledged(file, found, size)
        cut = _cut(file, descriptor, index.byte_end, size, disk=disk, now=now)
        found = scan(file, before)
        index, chain = found.index, found.check.chain
    _require_acknowledged(files, index)
    return Tail(files=files, index=index, chain=chain, descriptor=descriptor, cut=cut)


def _require_unacknowledged(file: SegmentFile, found: Scan, size: int) -> None:
    failure = found.failure
    if failure is None or _has_nul(file.path, failure.byte_offset, size):
        return
    raise LedgerDamagedError(
        f"a line of the ledger does not hold: {failure.detail}",
        where=f"{file.path}, byte {failure.byte_offset}",
        fix="see everything that is wrong: evidentia ledger verify",
    )


def _has_nul(path: Path, start: int, end: int) -> bool:
    with opened_for_reading(path) as descriptor:
        while start < end:
            data = os.pread(descriptor, min(end - start, 1024 * 1024), start)
            if not data or b"\0" in data:
                return bool(data)
            start += len(data)
    return False


def _cut(
    file: SegmentFile, descriptor: int, start: int, end: int, *, disk: Disk, now: str
) -> Recovered:
    """Keep the bytes of a tail in a file of their own, then cut them off."""
    with opened_for_reading(file.path) as reading:
        data = os.pread(reading, end - start, start)
    folder = broken_folder(file.path.parent)
    if not folder.is_dir():
        folder.mkdir()
        disk.sync_folder(folder.parent)
    kept = folder / f"{file.path.stem}-{start}-{now.replace(':', '')}"
    disk.replace(kept, data)
    disk.cut(descriptor, start)
    return Recovered(
        bytes=len(data),
        byte_offset=start,
        kept_as=f"{folder.name}/{kept.name}",
        segment=file.path.name,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def write_hint(descriptor: int, first_sequence: int, byte_end: int) -> None:
    """Note how far was acknowledged. Never ahead of the disk; it may stay behind."""
    os.pwrite(descriptor, b"%020d %020d\n" % (first_sequence, byte_end), 0)


def _require_acknowledged(files: LedgerFiles, index: SegmentIndex) -> None:
    hint = read_hint(files.folder)
    if hint is None:
        return
    first_sequence, byte_end = hint
    last = files.files[-1]
    is_cut = first_sequence == last.first_sequence and byte_end > index.byte_end
    if is_cut or first_sequence > last.first_sequence:
        raise LedgerDamagedError(
            f"the ledger ends at byte {index.byte_end}, but its writer acknowledged up to byte"
            f" {byte_end} of the segment that begins with event {first_sequence}",
            where=str(last.path),
            fix="put the ledger back from a backup; if what is missing is known to be lost, remove"
            f" {acknowledged_path(files.folder)}",
        )


def read_hint(folder: Path) -> tuple[int, int] | None:
    """The first sequence of a segment, and the byte of it up to which a writer acknowledged."""
    try:
        text = acknowledged_path(folder).read_bytes()
        return int(text[:_HINT_DIGITS]), int(text[_HINT_DIGITS : 2 * _HINT_DIGITS + 1])
    except (OSError, ValueError):
        # A hint that is missing or was torn by a power cut says nothing.
        return None


def refused(error: OSError, path: Path) -> LedgerError:
    """What an error of the operating system means for whoever appends."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return LedgerFullError(
            f"there is no room for the ledger: {reason}; nothing was appended",
            where=str(path),
            fix="free some space: appending goes on by itself then",
        )
    return LedgerBrokenError(
        f"the disk refuses: {reason}; what was appended last may or may not be there",
        where=str(path),
        fix="look at the disk, then open the ledger again: it is read from the disk and goes on",
    )
