"""What wakes a follower: somebody who rings, a change in a folder, the clock."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from evidentia.log.values import LogSource
from evidentia.service.wake import Alarm, FolderWatch

BOUND_SECONDS = 5.0


def source(pattern: object) -> LogSource:
    """A source of a pattern."""
    return LogSource(pattern=str(pattern), pack="plain")


def test_a_ring_before_the_wait_ends_it_at_once() -> None:
    """A wish that comes while the follower is at work is not forgotten."""
    alarm = Alarm()
    alarm.ring()

    has_rung = alarm.wait(BOUND_SECONDS)

    assert has_rung


def test_a_ring_wakes_whoever_waits() -> None:
    """From another thread."""
    alarm = Alarm()
    heard: list[bool] = []
    waiter = threading.Thread(target=lambda: heard.append(alarm.wait(60)))
    waiter.start()

    alarm.ring()
    waiter.join(BOUND_SECONDS)

    assert heard == [True]


def test_a_wait_without_a_ring_ends_by_itself() -> None:
    """The clock wakes in any case."""
    assert not Alarm().wait(0.0)


def test_each_ring_is_heard_once() -> None:
    """Two rings before a wait are one, and the next wait starts anew."""
    alarm = Alarm()
    alarm.ring()
    alarm.ring()

    heard = [alarm.wait(0.0), alarm.wait(0.0)]

    assert heard == [True, False]


def rings_after(alarm: Alarm, path: Path) -> bool:
    """Whether the alarm rings within some seconds of a file's growth.

    A watcher that has only just begun may miss the first growth; hence more than one.
    """
    for number in range(50):
        with path.open("a") as file:
            file.write(f"{number}\n")
        if alarm.wait(BOUND_SECONDS / 50):
            return True
    return False


def test_a_change_in_the_folder_rings(tmp_path: Path) -> None:
    """A line that is appended, and a file that is new."""
    pytest.importorskip("watchfiles")
    alarm = Alarm()
    (tmp_path / "a.jsonl").touch()

    with FolderWatch([source(tmp_path / "*.jsonl")], alarm) as folders:
        is_watching = folders.is_watching
        has_rung = [rings_after(alarm, tmp_path / name) for name in ("a.jsonl", "new.jsonl")]

    assert is_watching
    assert has_rung == [True, True]


def test_leaving_ends_the_watcher(tmp_path: Path) -> None:
    """No thread is left, and nothing rings any more."""
    pytest.importorskip("watchfiles")
    before = set(threading.enumerate())
    with FolderWatch([source(tmp_path / "a.jsonl")], Alarm()) as folders:
        during = set(threading.enumerate()) - before

    after = set(threading.enumerate()) - before

    assert [thread.name for thread in during] == ["evidentia-watch"]
    assert after == set()
    assert not folders.is_watching


def test_without_the_watcher_only_the_clock_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is not installed: nothing fails, and it says that no events come."""
    monkeypatch.setitem(sys.modules, "watchfiles", None)

    with FolderWatch([source(tmp_path / "a.jsonl")], Alarm()) as folders:
        is_watching = folders.is_watching

    assert not is_watching


@pytest.mark.parametrize("pattern", ["*/a.jsonl", "absent/a.jsonl"])
def test_folders_that_are_no_folder_are_left_out(tmp_path: Path, pattern: str) -> None:
    """Magic in the folder, or no folder there: nothing to watch, and nothing fails."""
    (tmp_path / "one").mkdir()

    with FolderWatch([source(tmp_path / pattern)], Alarm()) as folders:
        is_watching = folders.is_watching

    assert not is_watching


def test_one_folder_without_magic_is_watched_beside_others(tmp_path: Path) -> None:
    """What can be watched is watched."""
    pytest.importorskip("watchfiles")
    alarm = Alarm()
    sources = [source(tmp_path / "*" / "a"), source(tmp_path / "a.jsonl")]

    with FolderWatch(sources, alarm) as folders:
        is_watching = folders.is_watching
        has_rung = rings_after(alarm, tmp_path / "a.jsonl")

    assert (is_watching, has_rung) == (True, True)


def test_a_watcher_that_fails_leaves_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are no watches left: it says that no events come, and raises nothing."""
    watchfiles = pytest.importorskip("watchfiles")

    def fail(*_folders: object, **_options: object) -> object:
        raise OSError(28, "no space left on device")
        yield

    monkeypatch.setattr(watchfiles, "watch", fail)

    with FolderWatch([source(tmp_path / "a.jsonl")], Alarm()) as folders:
        pass

    assert not folders.is_watching


def test_a_folder_that_may_not_be_looked_at_is_left_out(tmp_path: Path) -> None:
    """A name too long, or a folder closed to this user: the others are watched on."""
    pytest.importorskip("watchfiles")
    sources = [source(tmp_path / ("x" * 5_000) / "a.jsonl"), source(tmp_path / "a.jsonl")]

    with FolderWatch(sources, Alarm()) as folders:
        is_watching = folders.is_watching

    assert is_watching
