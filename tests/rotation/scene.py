"""Rotations step by step: a loader that stays up, a writer's lines by number, what must hold after.

A scenario names every step; nothing here waits for a clock. Lines are compared as sets of (running
number, bytes) with how often each stands in the store, never as mere counts: one line lost and one
doubled would cancel each other out.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final, Self

from tests.unit.ingest.kit import PACKS, Place, good, is_tiled

from evidentia.audit.values import FindingKind
from evidentia.ingest.values import BatchSink, IngestOptions, IngestReport, Watch
from evidentia.log.discovery import Discovery, discover
from evidentia.log.values import LogSource

LIVE: Final = "live.jsonl"
ALL: Final = "live.jsonl*"
VOLATILE: Final = ("runs", "lease")
"""Tables that every run writes to, even one that finds nothing."""

Numbered = tuple[int, bytes]


class Killed(Exception):  # noqa: N818 - what happens to the loader, not what it reports
    """The loader dies here."""


class DyingSink:
    """A store's writing side that ends at the n-th change, before or after it is committed.

    Once it has ended nothing reaches the store any more, whatever is still called.
    """

    def __init__(self, sink: BatchSink) -> None:
        self._sink = sink
        self._is_after = False
        self.countdown = 0
        self.is_dead = False

    def ends_at(self, change: int, *, is_after: bool) -> None:
        """End at this many changes from now on."""
        self.countdown, self._is_after = change, is_after

    def __getattr__(self, name: str) -> Any:
        """The store's own, or a change that may be the last."""
        found = getattr(self._sink, name)
        if not callable(found):
            return found
        is_change = name not in {"segments", "kind_ids"}
        return functools.partial(self._call, found, is_change)

    def _call(self, method: Any, is_change: bool, *parts: Any, **options: Any) -> Any:  # noqa: FBT001 - bound in advance
        if self.is_dead:
            raise Killed
        self.countdown -= is_change
        is_last = is_change and self.countdown == 0
        if is_last and not self._is_after:
            self.is_dead = True
            raise Killed
        found = method(*parts, **options)
        if is_last:
            self.is_dead = True
            raise Killed
        return found


class Follower:
    """A loader that is up: it keeps the descriptors of live files from one poll to the next.

    Args:
        holds_open: False for a loader that is started anew for every look.
    """

    def __init__(
        self,
        place: Place,
        *patterns: str,
        options: IngestOptions | None = None,
        holds_open: bool = True,
    ) -> None:
        self.place = place
        self.holds_open = holds_open
        self.sources: Sequence[LogSource] = [
            LogSource(pattern=str(place.folder / pattern), pack="plain") for pattern in patterns
        ]
        self._options = options or place.options
        self.now = 0.0
        self._open = ExitStack()
        self._ingester: Any = None
        self._sink: Any = None
        self.writer: Any = None

    def __enter__(self) -> Self:
        """Hold the lease and look at nothing yet."""
        self.writer = self._open.enter_context(self.place.workspace.writer("follow"))
        self._begin()
        return self

    def __exit__(self, *failure: object) -> None:
        """Give descriptors and lease back."""
        try:
            self._ingester.close()
        finally:
            self._open.close()

    def _begin(self) -> None:
        # Late: what a loader that stays up needs is asked for by the tests of one only.
        from evidentia.ingest.run import Ingester, Target  # noqa: PLC0415 - see above

        self._sink = DyingSink(self.writer)
        self._ingester = Ingester(
            Target(sink=self._sink),
            PACKS,
            self._options,
            Watch(clock=lambda: self.now),
            holds_open=self.holds_open,
        )

    def listed(self) -> Discovery:
        """What the list leads to now."""
        return discover(self.sources)

    def poll(self, listed: Discovery | None = None) -> IngestReport:
        """One look at the files; or at those that were there before, when it is held up so long."""
        report: IngestReport = self._ingester.run(listed or self.listed())
        return report

    def dies_at(self, change: int, *, is_after: bool) -> bool:
        """Look, and die at this change to the store; whether it came to that.

        What the loader had in memory is lost with it; another one has taken its place then.
        """
        self._sink.ends_at(change, is_after=is_after)
        try:
            self.poll()
        except Killed:
            with suppress(Killed):
                self._ingester.close()
            self._begin()
            return True
        self._sink.ends_at(0, is_after=False)
        return False

    def restart(self) -> None:
        """Forget everything but the store, as a loader does that is stopped and started again."""
        self._ingester.close()
        self._begin()


def lines(first: int, count: int, **members: object) -> bytes:
    """The lines with these running numbers."""
    return b"".join(good(number, **members) for number in range(first, first + count))


def numbered(data: bytes) -> list[Numbered]:
    """The events among some lines, each as its running number and its bytes."""
    return [(json.loads(line)["n"], line) for line in data.split(b"\n") if line]


def stored(place: Place) -> Counter[Numbered]:
    """How often the store holds each line."""
    return Counter((json.loads(raw)["n"], raw) for raw in place.raws())


def wanted(*parts: bytes) -> Counter[Numbered]:
    """How often each line stands in some bytes."""
    return Counter(line for part in parts for line in numbered(part))


def held_by(place: Place, segment: int) -> list[bytes]:
    """The lines of one segment, in order."""
    found = place.rows("SELECT raw FROM event_rows WHERE id >> 40 = ? ORDER BY id", segment)
    return [bytes(raw) for (raw,) in found]


def segments(place: Place) -> list[tuple[str, str, int]]:
    """Name of the file, state and checkpoint of every segment, oldest first."""
    found = place.rows("SELECT path, state, checkpoint FROM segments ORDER BY id")
    return [(Path(path).name, state, checkpoint) for path, state, checkpoint in found]


def states(place: Place) -> list[str]:
    """The state of every segment, oldest first."""
    return [state for _name, state, _checkpoint in segments(place)]


def aliases(place: Place, segment: int) -> set[str]:
    """Every name under which a segment was seen."""
    found = place.rows("SELECT path FROM segment_names WHERE segment_id = ?", segment)
    return {Path(path).name for (path,) in found}


def gaps(place: Place) -> list[tuple[int, str]]:
    """Segment and kind of every gap."""
    return place.rows("SELECT segment_id, kind FROM gap_rows ORDER BY segment_id, byte_offset")


def decisions(place: Place, name: str) -> list[str]:
    """What was decided about a file of that name, in order."""
    found = place.rows("SELECT path, decision FROM decisions ORDER BY id")
    return [decision for path, decision in found if Path(path).name == name]


def letters(place: Place) -> list[bytes]:
    """The bytes of all dead letters, in order of position."""
    return [bytes(raw) for (raw,) in place.rows("SELECT raw FROM dead_letter_rows ORDER BY id")]


def assert_tiled(place: Place) -> None:
    """The batches of every segment lie side by side from 0 to its checkpoint."""
    for number, checkpoint in place.rows("SELECT id, checkpoint FROM segments"):
        ranges = place.rows(
            "SELECT byte_start, byte_end FROM batches WHERE segment_id = ? ORDER BY 1", number
        )
        assert is_tiled(ranges, checkpoint), (number, checkpoint, ranges)


def assert_sound(place: Place, *, may_miss: Iterable[FindingKind] = ()) -> None:
    """Store and logs hold the same, as far as the logs are still there."""
    assert_tiled(place)
    findings = [each for each in place.verify().findings if each.kind not in set(may_miss)]
    assert findings == [], findings


def assert_settled(place: Place, look: Callable[[], IngestReport]) -> None:
    """One more look changes nothing."""
    before = place.dump(*VOLATILE)
    report = look()
    after = place.dump(*VOLATILE)
    changed = {
        table: (before.get(table), after[table])
        for table in after
        if after[table] != before.get(table)
    }
    assert changed == {}, f"one more look changed {changed}"
    assert (report.events, report.dead_letters, report.gaps) == (0, 0, ())


def once(place: Place, *parts: bytes) -> None:
    """Every line of these bytes is stored as often as it stands in them, and nothing else is."""
    found, expected = stored(place), wanted(*parts)
    lost = sorted(number for number, _line in (expected - found).elements())
    more = sorted(number for number, _line in (found - expected).elements())
    assert (lost, more) == ([], []), f"lost: {lost}, too many: {more}; {segments(place)}"
