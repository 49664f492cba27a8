r"""Anything that happens to a log, in any order: every byte that was ever readable, exactly once.

The quick form runs in the gate. The long form, by command::

    EVIDENTIA_ROTATION_EXAMPLES=50000 EVIDENTIA_ROTATION_STEPS=120 EVIDENTIA_ROTATION_SEED=7 \
        bash scripts/test tests/rotation/test_state_machine.py
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.unit.ingest.kit import Place

from evidentia.ingest.values import IngestOptions

from .oracle import Oracle
from .scene import ALL, VOLATILE, Follower
from .world import KEPT, PACKERS, PADS, Disk

EXAMPLES: Final = int(os.environ.get("EVIDENTIA_ROTATION_EXAMPLES", "100"))
STEPS: Final = int(os.environ.get("EVIDENTIA_ROTATION_STEPS", "25"))
SEED: Final = int(os.environ.get("EVIDENTIA_ROTATION_SEED", "3"))
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - folders of our own in it, made with mkdtemp
LAST_LOOKS: Final = 4
"""So many looks settle everything: a shrink wants two, a drained descriptor one more."""

pads = st.sampled_from(PADS)
shares = st.floats(0, 1)
packings = st.sampled_from(sorted(PACKERS))


def new_folder() -> Path:
    """A folder in memory where there is one: thousands of stores are made here."""
    return Path(tempfile.mkdtemp(prefix="evidentia-", dir=MEMORY if MEMORY.is_dir() else None))


@cache
def empty_store() -> bytes:
    """A store that is up to date and empty, made once."""
    folder = new_folder()
    try:
        place = Place(folder=folder)
        with place.workspace.writer("test"):
            pass
        return place.store.path.read_bytes()
    finally:
        shutil.rmtree(folder)


class Rotations(RuleBasedStateMachine):
    """A log, its writers, its operators, and a loader that looks, dies and comes back."""

    @initialize(holds_open=st.booleans())
    def begin(self, holds_open: bool) -> None:  # noqa: FBT001 - hypothesis gives it by name
        """An empty folder, and a loader that keeps descriptors open or does not."""
        self.folder = new_folder()
        options = IngestOptions(jobs=0, batch_events=3)
        self.place = Place(folder=self.folder, options=options)
        self.place.store.path.write_bytes(empty_store())
        self.disk = Disk(self.folder)
        self.oracle = Oracle(self.disk, holds_open=holds_open)
        self.follower = Follower(self.place, ALL, holds_open=holds_open)
        self.follower.__enter__()

    def _has_live(self) -> bool:
        return self.disk.live.exists()

    def _is_whole(self) -> bool:
        return not self.disk.has_partial

    def _is_idle(self) -> bool:
        return self._has_live() and not self.disk.is_copying and self.disk.packing is None

    @precondition(_is_whole)
    @rule(some=st.lists(pads, min_size=1, max_size=4))
    def write(self, some: list[int]) -> None:
        """Whole lines."""
        self.disk.write(some)

    @precondition(_is_whole)
    @rule(pad=pads, share=shares)
    def write_partial(self, pad: int, share: float) -> None:
        """The beginning of a line."""
        self.disk.write_partial(pad, share)

    @precondition(lambda self: self.disk.has_partial)
    @rule()
    def complete(self) -> None:
        """The rest of it."""
        self.disk.complete()

    @precondition(_is_whole)
    @rule()
    def write_garbage(self) -> None:
        """A line that is no event."""
        self.disk.write_garbage()

    @precondition(lambda self: self.disk.late)
    @rule(pad=pads)
    def write_late(self, pad: int) -> None:
        """A writer that missed the rotation."""
        self.disk.write_late(pad)

    def _shift_begins(self) -> None:
        for path in self.disk.oldest():
            self.oracle.removing(path)

    @precondition(_is_idle)
    @rule(lingers=st.booleans())
    def rotate(self, lingers: bool) -> None:  # noqa: FBT001 - hypothesis gives it by name
        """Rename everything; the oldest goes."""
        before = self.disk.sight()
        self._shift_begins()
        self.disk.rotate(lingers=lingers)
        self.oracle.lost(before, is_rewritten=False)

    @precondition(_is_idle)
    @rule()
    def copy(self) -> None:
        """The copy of a copytruncate."""
        before = self.disk.sight()
        self._shift_begins()
        self.disk.copy()
        self.oracle.copied(self.folder / "live.jsonl.1")
        self.oracle.lost(before, is_rewritten=False)

    @precondition(lambda self: self._has_live() and self.disk.is_copying)
    @rule(is_sparse=st.booleans())
    def truncate(self, is_sparse: bool) -> None:  # noqa: FBT001 - hypothesis gives it by name
        """The truncation of a copytruncate."""
        before = self.disk.sight()
        copy = before.contents.get("live.jsonl.1")
        self.oracle.is_forced |= self.disk.has_partial or copy != before.contents["live.jsonl"]
        self.oracle.is_truncated = True
        self.disk.truncate(is_sparse=is_sparse)
        self.oracle.lost(before, is_rewritten=True)

    @precondition(lambda self: self.disk.packing is None and self.disk.plain())
    @rule(data=st.data(), ending=packings, share=shares)
    def pack_begin(self, data: st.DataObject, ending: str, share: float) -> None:
        """A compressor begins with a rotated file."""
        number = data.draw(st.sampled_from(self.disk.plain()))
        self.disk.pack_begin(number, ending, share)

    @precondition(lambda self: self.disk.packing is not None)
    @rule()
    def pack_finish(self) -> None:
        """It ends."""
        self.oracle.is_forced |= self.disk.pack_finish()

    @precondition(lambda self: self._has_live() or self.disk.rotated())
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """Somebody deletes a file."""
        busy = self.disk.packing.archive if self.disk.packing else None
        files = [path for path in (self.disk.live, *self.disk.rotated()) if path.exists()]
        path = data.draw(st.sampled_from(files))
        if path == busy:
            return
        before = self.disk.sight()
        self.oracle.removing(path)
        self.disk.delete(path)
        self.oracle.lost(before, is_rewritten=False)

    @precondition(_has_live)
    @rule(size=st.sampled_from([0.4, 1.0, 1.7]), is_rewritten=st.booleans())
    def replace(self, size: float, is_rewritten: bool) -> None:  # noqa: FBT001 - given by name
        """Other bytes, fewer, as many or more, in the same file or in another one."""
        before = self.disk.sight()
        self.oracle.is_forced = True
        self.oracle.is_truncated |= is_rewritten
        data = self.disk.other_content(int(size * len(before.contents["live.jsonl"])))
        self.disk.put(data, is_rewritten=is_rewritten)
        self.oracle.lost(before, is_rewritten=is_rewritten)

    @precondition(_has_live)
    @rule()
    def back_up(self) -> None:
        """Somebody keeps a copy of the log outside of the list, up to its last whole line."""
        data = self.disk.live.read_bytes()
        self.disk.backup = data[: data.rfind(b"\n") + 1]

    @precondition(lambda self: self.disk.backup)
    @rule(is_rewritten=st.booleans())
    def restore(self, is_rewritten: bool) -> None:  # noqa: FBT001 - hypothesis gives it by name
        """The copy comes back, as it was."""
        before = self.disk.sight()
        self.oracle.is_forced = self.oracle.is_truncated = True
        self.oracle.may_double(self.disk.backup or b"")
        self.disk.put(self.disk.backup or b"", is_rewritten=is_rewritten)
        self.oracle.copied(self.disk.live)
        self.oracle.lost(before, is_rewritten=is_rewritten)

    @precondition(lambda self: self.disk.archives())
    @rule(data=st.data(), share=shares)
    def corrupt(self, data: st.DataObject, share: float) -> None:
        """One byte of an archive changes."""
        archive = data.draw(st.sampled_from(self.disk.archives()))
        self.oracle.is_forced = self.oracle.is_corrupted = True
        self.oracle.may_double(self.disk.sight().contents.get(archive.name, b""))
        self.disk.corrupt(archive, share)

    @rule()
    def look(self) -> None:
        """The loader looks, to the end."""
        sight = self.disk.sight()
        vanished = self.oracle.vanished(sight)
        self.follower.poll()
        self.oracle.saw(sight, vanished)

    @rule(change=st.integers(1, 9), is_after=st.booleans())
    def die(self, change: int, is_after: bool) -> None:  # noqa: FBT001 - given by name
        """The loader dies at a change to the store, if it comes to that."""
        sight = self.disk.sight()
        vanished = self.oracle.vanished(sight)
        if self.follower.dies_at(change, is_after=is_after):
            self.oracle.died()
        else:
            self.oracle.saw(sight, vanished)

    @rule()
    def restart(self) -> None:
        """The loader is stopped and started: what it had open is closed."""
        self.follower.restart()
        self.oracle.died()

    def teardown(self) -> None:
        """The end: look until nothing changes, and compare."""
        if not hasattr(self, "follower"):
            return
        try:
            if sys.exc_info()[0] is None:
                self._finish()
        finally:
            self.follower.__exit__(None, None, None)
            self.oracle.close()
            self.disk.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _finish(self) -> None:
        if self.disk.packing is not None:
            # As long as an archive may still hold a segment, nothing is said of the segment's end.
            self.look()
            self.pack_finish()
        if self._has_live() and not self.disk.live.stat().st_size:
            # Nor is anything said of a file's bytes while it is empty.
            self.disk.complete() if self.disk.has_partial else self.disk.write([0])
        for _ in range(LAST_LOOKS):
            self.look()
        before = self.place.dump(*VOLATILE)
        self.look()
        assert self.place.dump(*VOLATILE) == before, "one more look changed something"
        self.oracle.compare(self.place)


def test_every_byte_that_was_ever_readable_is_stored_exactly_once() -> None:
    """Matrix 6.1: complete, once, byte for byte, tiled, with honest gaps, and settled."""
    assert KEPT >= 3
    sys.stdout.write(f"EVIDENTIA_ROTATION_SEED={SEED}, {EXAMPLES} examples of {STEPS} steps\n")
    chosen = settings(
        settings.get_profile("ci"),
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        derandomize=False,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        verbosity=Verbosity.normal,
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(seeded(SEED)(Rotations), settings=chosen)
