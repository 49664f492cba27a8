"""Where a ledger's segments stand in a store: which file is which segment, and how far it came."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidentia.errors import DivergenceError, LedgerError, LedgerMissingError
from evidentia.event.values import byte_offset_of, segment_of
from evidentia.ledger.layout import SEGMENT_PATTERN, segment_files
from evidentia.log.names import path_of
from evidentia.log.values import LogSource
from evidentia.store.lines import EventLine
from evidentia.store.records import signed_64
from evidentia.store.values import Segment

LEDGER_PACK: Final = "cortex"
"""The pack that reads ledgers of our own."""
RECOVER: Final = "run 'evidentia recover': it puts back what the ledger gives"
DROP: Final = (
    "find out which of the two was changed; the ledger is the evidence, and a store that is moved"
    " away is made again by 'evidentia ingest'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlace:
    """A segment file of a ledger, and the segment of the store that it was read into, if any."""

    path: Path
    size: int
    segment: Segment | None

    @property
    def checkpoint(self) -> int:
        """Bytes ``[0, checkpoint)`` are in the store."""
        return self.segment.checkpoint if self.segment else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPlaces:
    """All segments of a ledger, in order.

    Attributes:
        strangers: Segments that were read from this folder and are in it no more.
    """

    folder: Path
    files: tuple[SegmentPlace, ...]
    strangers: tuple[Segment, ...]

    @property
    def segment_ids(self) -> tuple[int, ...]:
        """Every segment of the store that is the ledger's, or was."""
        paired = [each.segment.id for each in self.files if each.segment is not None]
        return tuple(sorted([*paired, *(each.id for each in self.strangers)]))

    @property
    def behind_bytes(self) -> int:
        """How many bytes of the ledger the store has not read."""
        return sum(max(0, each.size - each.checkpoint) for each in self.files)

    def require_agreeing(self, line: EventLine) -> None:
        """Pass if the ledger has a stored event's bytes where the store says that they stand.

        Raises:
            DivergenceError: It has others there, or no such segment.
        """
        for each in self.files:
            if each.segment is not None and each.segment.id == segment_of(line.position):
                byte_offset = byte_offset_of(line.position)
                if bytes_at(each.path, byte_offset, len(line.raw) + 1) == line.raw + b"\n":
                    return
                where = f"{each.path}, byte {byte_offset}"
                raise _unknown(line, where)
        raise _unknown(line, f"segment {segment_of(line.position)} of the store")


def ledger_source(folder: Path, pack: str = LEDGER_PACK) -> LogSource:
    """The entry of the allow-list that stands for a ledger."""
    pattern = f"{glob.escape(str(folder.absolute()))}/{SEGMENT_PATTERN}"
    return LogSource(pattern=pattern, pack=pack)


def places_of(folder: Path, segments: Sequence[Segment]) -> LedgerPlaces:
    """Where a ledger's files stand among a store's segments.

    A file is known by its path; where no segment has that, by its inode, as after a move. That the
    bytes are still those which were read is for the caller to find out.

    Raises:
        LedgerMissingError: There is no ledger in the folder.
        LedgerDamagedError: A file in it is no segment.
    """
    real = folder.resolve()
    files = [(real / each.path.name, _status(each.path)) for each in segment_files(folder)]
    with_file = [each for each in segments if not each.has_no_file]
    by_path = {path_of(each.path): each for each in with_file}
    by_inode = {(each.device, each.inode): each for each in with_file}
    paired = [
        SegmentPlace(
            path=path,
            size=status.st_size,
            segment=by_path.get(path)
            or by_inode.get((signed_64(status.st_dev), signed_64(status.st_ino))),
        )
        for path, status in files
    ]
    known = {each.segment.id for each in paired if each.segment is not None}
    strangers = [
        each
        for each in segments
        if each.id not in known
        and real in (path_of(each.path).parent, path_of(each.first_path).parent)
    ]
    return LedgerPlaces(folder=real, files=tuple(paired), strangers=tuple(strangers))


def bytes_at(path: Path, byte_offset: int, length: int) -> bytes:
    """Some bytes of a ledger's file; fewer where it ends before.

    Raises:
        LedgerError: It cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), length, byte_offset)
    except OSError as error:
        raise LedgerError(
            f"the ledger cannot be read: {error.strerror or error}", where=str(path)
        ) from error


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise LedgerMissingError(
            f"a segment of the ledger cannot be looked at: {error.strerror}", where=str(path)
        ) from error


def _unknown(line: EventLine, where: str) -> DivergenceError:
    return DivergenceError(
        f"the store holds the event {line.event_id}, and the ledger has other bytes in its place",
        where=where,
        fix=DROP,
    )
