"""A follower in a program that has other things to do: it never troubles its host."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from tests.unit.ingest.kit import Place, good, goods

from evidentia.errors import EvidentiaError, StoreFullError, StoreHeldError
from evidentia.log.values import LogSource
from evidentia.service.background import Background

BOUND_SECONDS = 10.0


def is_so_in_time(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true within some seconds."""
    until = time.monotonic() + BOUND_SECONDS
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_starting_returns_at_once() -> None:
    """What it runs goes on in a thread of its own."""
    may_end = threading.Event()
    background = Background()

    background.start(lambda: assert_waited(may_end))
    was_running = background.is_running
    may_end.set()

    assert was_running
    assert background.stop(BOUND_SECONDS)
    assert background.problem is None


def assert_waited(event: threading.Event) -> None:
    """Wait for an event."""
    assert event.wait(BOUND_SECONDS)


def test_it_is_not_running_before_it_starts() -> None:
    """And stopping it then is no error."""
    background = Background()

    assert (background.is_running, background.stop(0.0)) == (False, True)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (StoreFullError("no space left"), "no space left"),
        (RuntimeError("a secret"), "the follower stopped: RuntimeError"),
        (MemoryError(), "the follower stopped: MemoryError"),
    ],
)
def test_what_fails_is_kept_and_never_raised(failure: Exception, message: str) -> None:
    """Whoever wants to know asks; the error of another kind is the cause of ours."""
    background = Background()

    def fail() -> None:
        raise failure

    background.start(fail)

    assert background.stop(BOUND_SECONDS)
    assert isinstance(background.problem, EvidentiaError)
    assert background.problem.what == message
    assert failure in (background.problem, background.problem.__cause__)


def test_a_thread_that_cannot_be_started_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is at its limit of threads: it is not troubled with that either."""

    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    background = Background()

    background.start(lambda: None)

    assert not background.is_running
    assert background.problem is not None


def test_stopping_rings_and_waits() -> None:
    """A follower that waits for its alarm is woken and seen to end."""
    background = Background()

    def run() -> None:
        while not background.is_stopping:
            background.alarm.wait(60)

    background.start(run)

    assert background.stop(BOUND_SECONDS)
    assert not background.is_running


def test_a_follower_that_does_not_end_is_told() -> None:
    """The host is not kept longer than it is willing to wait."""
    may_end = threading.Event()
    background = Background()
    background.start(lambda: assert_waited(may_end))

    has_stopped = background.stop(0.0)
    may_end.set()

    assert not has_stopped
    assert background.stop(BOUND_SECONDS)


def test_appended_lines_are_stored_and_the_logs_left_alone(place: Place) -> None:
    """Nothing but the store is written: the folder of the logs keeps its bytes and times."""
    logs = Place(folder=place.folder / "logs")
    logs.folder.mkdir()
    logs.write("a.jsonl", goods(2))
    source = LogSource(pattern=str(logs.folder / "*.jsonl"), pack="plain")
    background = place.workspace.follow_in_background([source])
    is_read = is_so_in_time(lambda: background.events == 2)

    logs.append("a.jsonl", good(2))
    before = looks_of(logs)
    is_appended_read = is_so_in_time(lambda: background.events == 3)
    has_stopped = background.stop(BOUND_SECONDS)

    assert (is_read, is_appended_read, has_stopped) == (True, True, True)
    assert looks_of(logs) == before
    assert place.raws() == goods(3).splitlines()
    assert background.problem is None
    assert {path.name for path in place.folder.iterdir()} - {"logs"} == {"s.db"}


def looks_of(logs: Place) -> dict[str, tuple[bytes, int, int]]:
    """Bytes and times of every file of a folder, and the folder's own time."""
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns, logs.folder.stat().st_mtime_ns)
        for path in logs.folder.iterdir()
    }


def test_what_was_written_before_it_stops_is_stored(place: Place) -> None:
    """The host writes its last lines, stops it, and they are in the store."""
    place.write("a.jsonl", goods(1))
    source = LogSource(pattern=str(place.folder / "a.jsonl"), pack="plain")
    background = place.workspace.follow_in_background([source])
    assert is_so_in_time(lambda: background.events == 1)

    place.append("a.jsonl", goods(50, 1))
    has_stopped = background.stop(BOUND_SECONDS)

    assert has_stopped
    assert place.raws() == goods(51).splitlines()


def test_a_store_that_is_held_is_a_problem_and_no_exception(place: Place) -> None:
    """The host goes on without its evidence, and can see why."""
    place.write("a.jsonl", goods(1))
    source = LogSource(pattern=str(place.folder / "a.jsonl"), pack="plain")

    with place.workspace.writer("ingest"):
        background = place.workspace.follow_in_background([source])
        is_over = is_so_in_time(lambda: not background.is_running)

    assert is_over
    assert isinstance(background.problem, StoreHeldError)


def test_a_log_that_cannot_be_read_is_a_problem_while_it_goes_on(place: Place) -> None:
    """It keeps running, for the log may come back."""
    source = LogSource(pattern=str(place.folder / "absent.jsonl"), pack="plain")

    background = place.workspace.follow_in_background([source])
    is_told = is_so_in_time(lambda: background.problem is not None)
    was_running = background.is_running

    assert background.stop(BOUND_SECONDS)
    assert (is_told, was_running) == (True, True)


def test_a_pack_that_is_not_installed_is_a_problem(place: Place) -> None:
    """Not even a wrong name is raised into the host."""
    place.write("a.jsonl", goods(1))
    source = LogSource(pattern=str(place.folder / "a.jsonl"), pack="absent")

    background = place.workspace.follow_in_background([source])

    assert is_so_in_time(lambda: not background.is_running)
    assert background.problem is not None
    assert "there is no pack 'absent'" in background.problem.what
