"""A disk that is full, or a limit that is used up, costs nothing but time."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from evidentia.errors import StoreError, StoreFullError
from evidentia.store.opening import Store

from .kit import batch_of, fill, new_segment, writing

DISK_BYTES = 3 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 3 MiB, for those who may mount one."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root; the size limit below does not")
    place = tmp_path / "disk"
    place.mkdir()
    options = f"size={DISK_BYTES}"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def _fill_up(store: Store) -> int:
    """Commit batches until one is refused; the number of those that went in."""
    with writing(store) as writer:
        segment = new_segment(writer)
        writer.kind_ids(["login"])
        for number in range(1_000):
            writer.commit_batch(batch_of(segment.id, number * 102 + 1, 100))
    pytest.fail("the disk was never full")


def _batches(store: Store) -> int:
    """The number of batches, all of them whole."""
    with store.reader() as reader:
        assert reader.integrity_problems() == ()
        (segment,) = reader.segments()
        batches = list(reader.batches())
        counts = reader.counts()
    assert segment.checkpoint == batches[-1].byte_end
    assert (counts.events, counts.dead_letters) == (100 * len(batches), len(batches))
    return len(batches)


def test_a_full_disk_rolls_the_batch_back_and_the_next_run_succeeds(small_disk: Path) -> None:
    """Invariant 2: nothing of the refused batch is stored, and space is all that was lacking."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(DISK_BYTES // 2))
    store = Store(path=small_disk / "evidentia.db")

    with pytest.raises(StoreFullError, match="no space left") as caught:
        _fill_up(store)

    ballast.unlink()
    whole = _batches(store)
    with writing(store) as writer:
        (segment,) = writer.segments()
        writer.commit_batch(batch_of(segment.id, segment.next_line, 100))
    assert caught.value.where == str(store.path)
    assert whole > 0
    assert _batches(store) == whole + 1


def test_a_disk_that_is_full_from_the_start_makes_no_store(small_disk: Path) -> None:
    """What could not be made whole is missing, not broken."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(DISK_BYTES - 16 * 1024))
    store = Store(path=small_disk / "evidentia.db")

    with pytest.raises(StoreFullError):
        store.create()

    ballast.unlink()
    with writing(store) as writer:
        fill(writer)


def test_a_size_limit_rolls_the_batch_back_and_the_next_run_succeeds(store: Store) -> None:
    """The same for a limit of the process, which SQLite takes for a failing disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, hard))

        with pytest.raises(StoreError, match="a quota is used up"):
            _fill_up(store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)

    whole = _batches(store)
    with writing(store) as writer:
        (segment,) = writer.segments()
        writer.commit_batch(batch_of(segment.id, segment.next_line, 100))
    assert whole > 0
    assert _batches(store) == whole + 1


def test_a_lease_that_could_not_be_given_back_locks_nobody_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that goes on after a full disk takes its own dead lease over."""

    def fail(*_: object) -> None:
        raise StoreFullError("no space left for the store")

    monkeypatch.setattr("evidentia.store.writer.release_lease", fail)
    with pytest.raises(StoreFullError), writing(store) as writer:
        fill(writer)
    monkeypatch.undo()
    with store.reader() as reader:
        is_left = reader.lease_holder() is not None

    with writing(store), store.reader() as reader:
        assert reader.counts().events == 3

    assert is_left
