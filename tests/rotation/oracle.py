"""What must be in the store after what happened on the disk: the other half of the model.

``Oracle`` is told what each look could see and what each step took away. It knows the store only at
the very end, when it compares.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.unit.ingest.kit import Place

from .scene import assert_tiled
from .world import LIVE, Disk, Sight, whole_lines

RESTED_LOOKS: Final = 2
"""After so many looks at the same bytes a rotated file has been read to its end and let go."""
WINDOW: Final = "copytruncate_window"
BROKEN: Final = ("corrupt_archive", "truncated_archive")


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Lines of a log that was seen before and that a step took away.

    Attributes:
        inode: The file that lost them, where it is still there with other bytes; else None.
        known: Lines that stood before them in the same file.
    """

    lines: frozenset[bytes]
    known: tuple[bytes, ...]
    inode: int | None


class Oracle:
    """Follows one world through its steps."""

    def __init__(self, disk: Disk, *, holds_open: bool) -> None:
        self._disk = disk
        self._holds_open = holds_open
        self.readable: set[bytes] = set()
        self.doubles: Counter[bytes] = Counter()
        """How often a line may be stored once more: the model wrote a copy that may diverge."""
        self.is_forced = False
        """Something was taken away that need not have been read: gaps of any kind are fair."""
        self.is_truncated = False
        self.is_corrupted = False
        self._copies: set[int] = set()
        self._seen_live: set[int] = set()
        self._held: tuple[int, int, bytes] | None = None
        self._rested: dict[int, tuple[int, int]] = {}
        self._losses: list[Loss] = []
        self._due: list[Loss] = []

    def close(self) -> None:
        """Close what is open."""
        self._forget_held()

    def _forget_held(self) -> None:
        if self._held is not None:
            os.close(self._held[1])
        self._held = None

    # What the machine tells.

    def copied(self, path: Path) -> None:
        """This file holds bytes of another one."""
        self._copies.add(path.stat().st_ino)

    def may_double(self, data: bytes) -> None:
        """Each of these lines was written once more."""
        self.doubles.update(whole_lines(data))

    def removing(self, path: Path) -> None:
        """A file is about to go: no loss only if it was certainly read to its end."""
        inode = path.stat().st_ino
        looks, _size = self._rested.get(inode, (0, 0))
        self.is_forced |= looks < RESTED_LOOKS

    def lost(self, before: Sight, *, is_rewritten: bool) -> None:
        """A step has changed the disk: remember what it took from the log that was seen."""
        after = self._disk.sight()
        left = {line for data in after.contents.values() for line in whole_lines(data)}
        last = self._held_inode()
        for inode, name in before.inodes.items():
            if name != LIVE and inode != last:
                continue
            found = whole_lines(before.contents[name])
            gone = frozenset(found) - left - self.readable
            known = tuple(line for line in found if line in self.readable)
            is_own = inode not in self._copies
            if gone and known and is_own and found[0] == known[0]:
                kept = inode if is_rewritten else None
                self._losses.append(Loss(lines=gone, known=known, inode=kept))

    def _held_inode(self) -> int | None:
        return self._held[0] if self._held else None

    # Looks.

    def vanished(self, sight: Sight) -> bytes:
        """What an open descriptor still gives of the live log of the last look."""
        if self._held is None or not self._holds_open or self._held[0] in sight.inodes:
            return b""
        inode, descriptor, known = self._held
        data = os.pread(descriptor, 1 << 26, 0)
        return data if data.startswith(known) and inode not in self._copies else b""

    def died(self) -> None:
        """The loader ended in the middle of a look: it promises nothing of that look."""
        self._forget_held()

    def saw(self, sight: Sight, vanished: bytes) -> None:
        """A look has come to its end."""
        for data in (*sight.contents.values(), vanished):
            self.readable.update(whole_lines(data))
        self._hold(sight)
        self._rest(sight)
        for loss in self._losses:
            heads = {data.lstrip(b"\0").split(b"\n")[0] for data in sight.contents.values()}
            is_evident = loss.known[0] not in heads
            # An inode under another name might have been dealt anew: it proves no truncation.
            if is_evident and (loss.inode is None or sight.inodes.get(loss.inode) == LIVE):
                self._due.append(loss)
        self._losses = []

    def _hold(self, sight: Sight) -> None:
        self._forget_held()
        for inode, name in sight.inodes.items():
            if name == LIVE:
                if sight.contents[name]:
                    self._seen_live.add(inode)
                descriptor = os.open(self._disk.live, os.O_RDONLY)
                self._held = (inode, descriptor, sight.contents[name])

    def _rest(self, sight: Sight) -> None:
        rested = {}
        has_successor = bool(sight.contents.get(LIVE))
        for path in self._disk.rotated():
            data = sight.contents.get(path.name)
            if data is None or not has_successor or not data.endswith(b"\n"):
                continue
            inode = path.stat().st_ino
            if inode not in self._seen_live:
                # First seen under its new name, it might be a log that still grows.
                continue
            looks, size = self._rested.get(inode, (0, len(data)))
            rested[inode] = (looks + 1 if size == len(data) else 1, len(data))
        self._rested = rested

    # The end.

    def compare(self, place: Place) -> None:
        """Hold the store against everything that was seen."""
        rows = place.rows("SELECT id >> 40, raw FROM event_rows")
        letters = place.rows("SELECT id >> 40, raw FROM dead_letter_rows")
        gaps = place.rows("SELECT segment_id, kind FROM gap_rows")
        broken = {segment for segment, kind in gaps if kind in BROKEN and self.is_corrupted}
        self._compare_events(rows, broken)
        self._compare_letters(letters, broken)
        self._compare_gaps(rows + letters, gaps)
        assert_tiled(place)

    def _compare_events(self, rows: list[tuple[int, bytes]], broken: set[int]) -> None:
        events = self._disk.events
        stored = Counter(raw for _segment, raw in rows)
        lost = sorted(self.readable & events.keys() - stored.keys())
        assert not lost, f"lost: {shown(lost)}"
        # What a broken archive gives may read like any other line.
        sure = Counter(raw for segment, raw in rows if segment not in broken)
        doubled = [raw for raw, times in sure.items() if times > 1 + self.doubles[raw]]
        assert not doubled, f"doubled: {shown(doubled)}"
        foreign = [raw for segment, raw in rows if raw not in events and segment not in broken]
        assert not foreign, f"nobody wrote: {shown(foreign)}"

    def _compare_letters(self, letters: list[tuple[int, bytes]], broken: set[int]) -> None:
        disk = self._disk
        stored = Counter(raw for _segment, raw in letters)
        lost = [raw for raw in self.readable & disk.garbage.keys() if raw not in stored]
        assert not lost, f"no dead letter: {shown(lost)}"
        known = Counter({raw: count + self.doubles[raw] for raw, count in disk.garbage.items()})
        for segment, raw in letters:
            is_known = known[raw] > 0 or raw in disk.tails
            assert is_known or segment in broken, f"no garbage: {shown([raw])}"
            known[raw] -= 1

    def _compare_gaps(self, rows: list[tuple[int, bytes]], gaps: list[tuple[int, str]]) -> None:
        kinds = {kind for _segment, kind in gaps}
        if not self.is_forced:
            assert kinds <= {WINDOW}, f"nothing was taken away, but there is {gaps}"
        if not self.is_truncated:
            assert WINDOW not in kinds, "nothing was truncated"
        homes = defaultdict(set)
        for segment, raw in rows:
            homes[raw].add(segment)
        missed = {segment for segment, _kind in gaps}
        for loss in self._due:
            missing = [line for line in loss.lines if not homes[line]]
            segments = {segment for line in loss.known for segment in homes[line]}
            assert not missing or segments & missed, f"no gap for: {shown(missing)}"


def shown(lines: list[bytes]) -> list[bytes]:
    """The beginnings of some lines."""
    return [line[:60] for line in lines[:8]]
