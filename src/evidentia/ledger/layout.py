"""The files of a ledger. One folder holds one ledger.

::

    00000000000000000000.jsonl   a segment, named by the sequence of its first event
    00000000000000000000.index   what a closed segment would have to be read again for; derived
    head                         the last signed tree head, if heads are signed
    acknowledged                 how far the last writer had come, as it said itself; a hint
    lock                         held by the process that appends
    broken/                      bytes that were cut off, each with the time of the cut

Only the segments are evidence. All else can be made again from them and the keys.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidentia.errors import LedgerDamagedError, LedgerError, LedgerMissingError
from evidentia.log.acknowledged import NOTE_NAME

SEGMENT_PATTERN: Final = "*.jsonl"
_NAME: Final = re.compile(r"\A([0-9]{20})\.jsonl\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFile:
    """A segment's file and the sequence of its first event."""

    path: Path
    first_sequence: int

    @property
    def index_path(self) -> Path:
        """Where the segment's index is, or would be."""
        return self.path.with_suffix(".index")


def segment_file(folder: Path, first_sequence: int) -> SegmentFile:
    """The file of the segment that begins with a sequence."""
    path = folder / f"{first_sequence:020d}.jsonl"
    return SegmentFile(path=path, first_sequence=first_sequence)


def segment_files(folder: Path) -> tuple[SegmentFile, ...]:
    """Every segment, in order.

    Raises:
        LedgerMissingError: There is no ledger in this folder.
        LedgerDamagedError: A ``.jsonl`` file has another sort of name.
        LedgerError: The folder cannot be read.
    """
    found: list[SegmentFile] = []
    for path in _ending_like_segments(folder):
        match = _NAME.match(path.name)
        if match is None:
            raise LedgerDamagedError(
                "this file is not a segment of the ledger it lies in",
                where=str(path),
                fix="move it elsewhere",
            )
        found.append(SegmentFile(path=path, first_sequence=int(match[1])))
    if not found:
        raise LedgerMissingError(
            "there is no ledger here",
            where=str(folder),
            fix="make one: evidentia ledger init",
        )
    return tuple(found)


def _ending_like_segments(folder: Path) -> list[Path]:
    # Not by glob, for which a folder that cannot be read is an empty one.
    try:
        return sorted(path for path in folder.iterdir() if path.match(SEGMENT_PATTERN))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise LedgerError(
            f"the ledger cannot be read: {error.strerror or error}", where=str(folder)
        ) from error


def segment_holding(files: Sequence[SegmentFile], sequence: int) -> SegmentFile:
    """The segment that a sequence falls into, were it the last event."""
    return next(file for file in reversed(files) if file.first_sequence <= sequence)


def head_path(folder: Path) -> Path:
    """Where the last signed tree head is."""
    return folder / "head"


def lock_path(folder: Path) -> Path:
    """The file that a writer locks."""
    return folder / "lock"


def acknowledged_path(folder: Path) -> Path:
    """Where a writer notes how far it has come."""
    return folder / NOTE_NAME


def broken_folder(folder: Path) -> Path:
    """Where bytes go that were cut off."""
    return folder / "broken"
