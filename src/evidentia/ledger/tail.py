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
from collections.abc import Iterable, Iterator
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
from evidentia.log.acknowledged import format_note, read_note

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED: Final = -1
_PIECE_BYTES: Final = 1024 * 1024
_SAME_TIME_MAX: Final = 1000


@dataclass(slots=True, kw_only=True)
class Tail:
    """The end of a ledger, at which it grows.

    Attributes:
        descriptor: The last segment, open for appending.
        file_bytes: How long the segment's file was when it was read; what is behind the events
            was never acknowledged, and has to be cut off before anything is appended.
    """

    files: LedgerFiles
    index: SegmentIndex
    chain: Chain
    descriptor: int
    file_bytes: int = 0

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


def open_tail(folder: Path, disk: Disk, acknowledged_size: int | None = None) -> Tail:
    """The end of a ledger whose lock is held, once it is on the disk and has been read from there.

    Nothing is changed: ``cut_off`` does that, once nothing speaks against it.

    Args:
        folder: Where the ledger is.
        disk: How its files are reached.
        acknowledged_size: How many events the ledger has, where its writer knows for sure: what is
            behind them is what it could not write, whatever that looks like.

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
            return _read_tail(files, descriptor, disk, acknowledged_size)
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as error:
        raise refused(error, file.path) from error


def _read_tail(
    files: LedgerFiles, descriptor: int, disk: Disk, acknowledged_size: int | None
) -> Tail:
    # First what the system still holds back, then what the disk really has: after a write that
    # failed, the two may differ, and only the second survives.
    disk.sync(descriptor)
    disk.forget_cached(descriptor)
    file, before = files.files[-1], files.before(files.last)
    found = scan(file, before)
    size = os.fstat(descriptor).st_size
    if acknowledged_size is not None:
        _require_size(file, found, acknowledged_size)
        found = scan(file, before, acknowledged_size)
    elif size > found.index.byte_end or found.whole_size < found.index.size:
        _require_unacknowledged(file, found, size)
        found = scan(file, before, found.whole_size)
    _require_acknowledged(files, found.index)
    return Tail(
        files=files,
        index=found.index,
        chain=found.check.chain,
        descriptor=descriptor,
        file_bytes=size,
    )


def _require_size(file: SegmentFile, found: Scan, size: int) -> None:
    if found.whole_size < size:
        raise LedgerDamagedError(
            f"the ledger ends before event {found.whole_size}, but {size} events were acknowledged",
            where=f"{file.path}, byte {found.index.byte_end}",
            fix="look at the disk, then: evidentia ledger verify",
        )


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
        return any(b"\0" in piece for piece in _pieces(descriptor, start, end))


def _pieces(descriptor: int, start: int, end: int) -> Iterator[bytes]:
    while start < end and (piece := os.pread(descriptor, min(end - start, _PIECE_BYTES), start)):
        yield piece
        start += len(piece)


def cut_off(tail: Tail, disk: Disk, now: str) -> None:
    """Keep what is behind a ledger's events in a file of its own, durably, then cut it off.

    Raises:
        LedgerFullError: There is no room to keep it.
        LedgerBrokenError: The disk refuses.
    """
    start, end = tail.index.byte_end, tail.file_bytes
    if end <= start:
        return
    path = tail.file.path
    folder = broken_folder(path.parent)
    try:
        if not folder.is_dir():
            folder.mkdir()
            disk.sync_folder(folder.parent)
        with opened_for_reading(path) as reading:
            # A crash may have come between the two halves before: once is enough.
            digest = _digest(_pieces(reading, start, end))
            if digest not in {each.sha256 for each in kept_aside(tail)}:
                disk.replace(_fresh_name(tail, now), _pieces(reading, start, end))
        disk.cut(tail.descriptor, start)
    except OSError as error:
        raise refused(error, path) from error
    tail.file_bytes = start


def _fresh_name(tail: Tail, now: str) -> Path:
    name = f"{_kept_prefix(tail)}{now.replace(':', '')}"
    folder = broken_folder(tail.files.folder)
    names = [name, *(f"{name}.{number}" for number in range(1, _SAME_TIME_MAX))]
    return next(folder / each for each in names if not (folder / each).exists())


def _kept_prefix(tail: Tail) -> str:
    return f"{tail.file.path.stem}-{tail.index.byte_end}-"


def kept_aside(tail: Tail) -> list[Recovered]:
    """What was cut off at the very end of the ledger, so that no event can tell of it yet.

    Raises:
        OSError: It cannot be read.
    """
    folder, start = broken_folder(tail.files.folder), tail.index.byte_end
    found: list[Recovered] = []
    if not folder.is_dir():
        return found
    names = (path for path in folder.iterdir() if path.name.startswith(_kept_prefix(tail)))
    for path in sorted(names):
        with opened_for_reading(path) as descriptor:
            size = os.fstat(descriptor).st_size
            digest = _digest(_pieces(descriptor, 0, size))
        found.append(
            Recovered(
                bytes=size,
                byte_offset=start,
                kept_as=f"{folder.name}/{path.name}",
                segment=tail.file.path.name,
                sha256=digest,
            )
        )
    return found


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def write_hint(descriptor: int, first_sequence: int, byte_end: int) -> None:
    """Note how far was acknowledged. Never ahead of the disk; it may stay behind."""
    os.pwrite(descriptor, format_note(first_sequence, byte_end), 0)


def _require_acknowledged(files: LedgerFiles, index: SegmentIndex) -> None:
    hint = read_note(files.folder)
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
