"""A ledger as it lies on the disk: its segments, their indexes, its events by sequence.

Reads only. An index that is missing or does not fit its segment is made again in memory.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import msgspec

from evidentia.errors import LedgerDamagedError, LedgerError
from evidentia.event.envelope import DECODER, Batch, Envelope
from evidentia.ledger.chain import ChainCheck, Failure
from evidentia.ledger.disk import opened_for_reading
from evidentia.ledger.index import SegmentIndex, Standing, standing_of, unpacked
from evidentia.ledger.layout import SegmentFile, segment_files
from evidentia.ledger.lines import blocks_of, lines_of
from evidentia.ledger.statements import Created
from evidentia.proof.tree import CompactRange, leaf_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What reading a segment gave.

    Attributes:
        index: Of the lines before anything that is wrong.
        check: Where the chain stands after them.
        failure: The first thing that is wrong with a whole line.
        torn: The bytes at the end that no newline ends.
        whole_size: Events up to the end of the last batch that is all there.
    """

    index: SegmentIndex
    check: ChainCheck
    failure: Failure | None
    torn: bytes
    whole_size: int


def scan(file: SegmentFile, before: Standing, size_max: int | None = None) -> Scan:
    """Read a segment up to the first line that is wrong, to a size of the ledger, or to its end."""
    failures: list[Failure] = []
    check = ChainCheck(failures.append, chain=before.chain())
    index = SegmentIndex(before=before)
    whole_size = before.size
    torn = b""
    for place, lines, is_whole in blocks_of(file):
        if not is_whole:
            torn = lines[0]
            break
        wanted = lines if size_max is None else lines[: size_max - index.size]
        for line, envelope in check.check_block(file.path, place, wanted):
            if envelope is None or failures:
                break
            index.add(envelope.id, leaf_hash(line), len(line))
            # By its own mark: the chain may stand behind the whole block already.
            if not (isinstance(envelope.batch, Batch) and envelope.batch.goes_on):
                whole_size = index.size
        if failures or len(wanted) < len(lines):
            break
    return Scan(
        index=index,
        check=check,
        failure=failures[0] if failures else None,
        torn=torn,
        whole_size=whole_size,
    )


def created_of(folder: Path) -> Created:
    """What a ledger's first event says of it; nothing is verified.

    Raises:
        LedgerMissingError: There is no ledger in the folder.
        LedgerDamagedError: The first event says no such thing.
    """
    file = segment_files(folder)[0]
    for line in lines_of(file):
        try:
            envelope = DECODER.decode(line.raw)
            return msgspec.json.decode(envelope.payload, type=Created)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            break
    raise LedgerDamagedError(
        "the first event does not say which ledger this is",
        where=str(file.path),
        fix="see everything that is wrong: evidentia ledger verify",
    )


class LedgerFiles:
    """The segments of a ledger, in order, with what is known of each.

    Raises:
        LedgerMissingError: There is no ledger in the folder.
        LedgerDamagedError: A segment is missing, or its lines do not hold.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = list(segment_files(folder))
        self._indexes: dict[int, SegmentIndex] = {}
        if self.files[0].first_sequence:
            raise _missing(self.files[0])

    @property
    def last(self) -> int:
        """The number of the last segment, the only one that grows."""
        return len(self.files) - 1

    def before(self, number: int) -> Standing:
        """Where chain and tree stand before a segment."""
        if not number:
            return Standing()
        after = self.closed_index(number - 1).after
        if after is None or after.size != self.files[number].first_sequence:
            raise _missing(self.files[number])
        return after

    def closed_index(self, number: int) -> SegmentIndex:
        """The index of a segment that another one follows."""
        if number not in self._indexes:
            self._indexes[number] = self._mapped(number) or self._read(number)
        return self._indexes[number]

    def keep(self, number: int, index: SegmentIndex) -> None:
        """Take the index of a segment that was closed just now."""
        self._indexes[number] = index

    def closed_indexes(self) -> Iterator[SegmentIndex]:
        """The indexes of all closed segments, the newest first."""
        for number in range(self.last - 1, -1, -1):
            yield self.closed_index(number)

    def _mapped(self, number: int) -> SegmentIndex | None:
        file = self.files[number]
        try:
            with opened_for_reading(file.index_path) as descriptor:
                data = memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))
            return unpacked(data, file.first_sequence, file.path.stat().st_size)
        except (OSError, ValueError):
            # Missing, empty or unreadable: it is derived, so the segment itself is read.
            return None

    def _read(self, number: int) -> SegmentIndex:
        found = scan(self.files[number], self.before(number))
        index = found.index
        if found.failure is not None or found.torn or found.check.chain.batch is not None:
            raise LedgerDamagedError(
                found.failure.detail if found.failure else "a closed segment ends inside a batch",
                where=f"{self.files[number].path}, byte {index.byte_end}",
                fix="see everything that is wrong: evidentia ledger verify",
            )
        tree = index.tree_at(index.size)
        index.after = standing_of(found.check.chain, tree)
        return index


class LedgerView:
    """Events, leaf hashes and roots of a whole ledger, as far as a last segment's index goes."""

    def __init__(self, files: LedgerFiles, last: SegmentIndex) -> None:
        self.files = files
        self.last = last

    @property
    def size(self) -> int:
        """How many events there are."""
        return self.last.size

    def _holding(self, sequence: int) -> tuple[SegmentFile, SegmentIndex]:
        """The segment that a sequence falls into; one past the end falls into the last."""
        for number in range(self.files.last, -1, -1):
            if self.files.files[number].first_sequence <= sequence:
                is_last = number == self.files.last
                index = self.last if is_last else self.files.closed_index(number)
                return self.files.files[number], index
        raise _missing(self.files.files[0])

    def line(self, sequence: int) -> bytes:
        """The line of an event, as the disk has it now."""
        file, index = self._holding(sequence)
        start, end = index.span(sequence)
        try:
            with opened_for_reading(file.path) as descriptor:
                return os.pread(descriptor, end - start, start)
        except OSError as error:
            raise LedgerError(
                f"the ledger cannot be read: {error.strerror or error}", where=str(file.path)
            ) from error

    def find(self, event_id: str) -> Envelope | None:
        """The event with an id."""
        for index in chain((self.last,), self.files.closed_indexes()):
            for sequence in index.candidates(event_id):
                envelope = self._envelope(sequence)
                if envelope.id == event_id:
                    return envelope
        return None

    def _envelope(self, sequence: int) -> Envelope:
        line = self.line(sequence)
        try:
            return DECODER.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise LedgerDamagedError(
                f"event {sequence} cannot be read any more: {error}",
                where=str(self._holding(sequence)[0].path),
                fix="see everything that is wrong: evidentia ledger verify",
            ) from error

    def tree_at(self, size: int) -> CompactRange:
        """The tree over the first ``size`` events."""
        return self._holding(max(size - 1, 0))[1].tree_at(size)

    def __len__(self) -> int:
        """How many events, and so leaf hashes, there are."""
        return self.size

    def __getitem__(self, stretch: slice) -> Iterator[bytes]:
        """Leaf hashes in order."""
        place, stop, _ = stretch.indices(self.size)
        while place < stop:
            index = self._holding(place)[1]
            start = place - index.before.size
            count = min(stop, index.size) - place
            yield from index.hashes()[start : start + count]
            place += count


def _missing(file: SegmentFile) -> LedgerDamagedError:
    return LedgerDamagedError(
        "a segment before this one is missing, or is not the one that stood there",
        where=str(file.path),
        fix="put it back from a backup",
    )
