"""The events of an audit bundle: copied byte for byte, and counted on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from evidentia.errors import LedgerDamagedError
from evidentia.event.actor import actor_of
from evidentia.event.envelope import DECODER
from evidentia.ledger.layout import SegmentFile, segment_files
from evidentia.ledger.lines import lines_of
from evidentia.ledger.verifying import LedgerVerdict
from evidentia.proof.tree import CompactRange, leaf_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which events go into a bundle: from one sequence to another, both of them included."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


@dataclass(slots=True)
class Tally:
    """What the copied events say of themselves.

    Attributes:
        actors: How many events come from each actor: the source's type and who it is.
        chain_head: The hash of the last event of the whole ledger.
    """

    count: int = 0
    types: Counter[str] = field(default_factory=Counter)
    actors: Counter[str] = field(default_factory=Counter)
    observed: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)
    chain_head: str = ""

    def add(self, line: bytes) -> None:
        """Count an event."""
        envelope = DECODER.decode(line)
        self.count += 1
        self.types[envelope.event_type] += 1
        self.actors[str(actor_of(msgspec.json.decode(envelope.source)))] += 1
        for times, time in (
            (self.observed, envelope.observed_at),
            (self.recorded, envelope.recorded_at),
        ):
            times[:] = (min(times[0], time), max(times[1], time)) if times else (time, time)


def copy_events(verdict: LedgerVerdict, span: Span, folder: Path) -> Tally:
    """Copy events into files named as the ledger's segments are, and say what they are.

    A segment that is copied whole is the same file. The root over all that was read is compared
    with the verdict's: what is handed on is what was verified.

    Raises:
        LedgerDamagedError: The ledger is not what it was when it was verified.
    """
    folder.mkdir()
    tally, tree = Tally(), CompactRange()
    for file in segment_files(verdict.folder):
        before = tree.size
        if before >= verdict.size:
            break
        lines = _lines(file, verdict.size - before, tree)
        try:
            _copy_segment(lines, before, span, folder, tally)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _changed(verdict) from error
    if tree.root() != verdict.root:
        raise _changed(verdict)
    return tally


def _changed(verdict: LedgerVerdict) -> LedgerDamagedError:
    return LedgerDamagedError(
        "the ledger was changed while it was exported",
        where=str(verdict.folder),
        fix="see everything that is wrong: evidentia ledger verify",
    )


def _lines(file: SegmentFile, count: int, tree: CompactRange) -> Iterator[bytes]:
    for line in lines_of(file):
        if not line.is_whole or not count:
            return
        count -= 1
        tree.append(leaf_hash(line.raw))
        yield line.raw


def _copy_segment(
    lines: Iterator[bytes], sequence: int, span: Span, folder: Path, tally: Tally
) -> None:
    """Copy what of a segment is in the span; read all of it."""
    name = folder / f"{max(sequence, span.first):020d}.jsonl"
    last = b""
    with name.open("wb") as copy:
        for place, line in enumerate(lines, start=sequence):
            last = line
            if span.first <= place <= span.last:
                copy.write(line + b"\n")
                tally.add(line)
        is_empty = not copy.tell()
    if is_empty:
        name.unlink()
    if last:
        tally.chain_head = str(DECODER.decode(last).event_hash)
