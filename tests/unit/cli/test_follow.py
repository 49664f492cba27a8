"""``evidentia follow``: what it stores, how it is ended, what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.ingest.kit import Place, good, goods

from evidentia.cli.follow import _signals
from evidentia.service.wake import Alarm

from .conftest import Command

FOLLOW = ("--db", "s.db", "follow", "--for", "0", "--pack", "world", "--log")
BOUND_SECONDS = 30.0
"""For a process to start on a busy machine; nothing waits for it when all is well."""
CONFIGURATION = """
[store]
url = "sqlite:///s.db"
"""
ENTRY = """
[[logs]]
path = "{name}"
pack = "world"
"""


@pytest.fixture
def place(folder: Path) -> Place:
    """The current folder with the store of the command line."""
    return Place(folder=folder)


def test_what_is_there_is_stored_and_summed_up(command: Command, place: Place) -> None:
    """A follower whose time is over at once has read everything."""
    place.write("a.jsonl", goods(3) + b"[1]\n")

    result = command(*FOLLOW, "a.jsonl")

    first, letters, last = result.out.splitlines()
    assert (result.status, result.err) == (0, "")
    assert first == "following 1 entry into s.db; Ctrl-C ends it"
    assert letters == "1 dead letter: see 'evidentia dead-letters list'"
    assert last == "stopped; stored 3 events and 1 dead letter, 0 new gaps"
    assert place.raws() == goods(3).splitlines()


def test_it_goes_on_where_ingestion_ended(command: Command, place: Place) -> None:
    """One account for both: nothing is stored twice."""
    place.write("a.jsonl", goods(3))
    command("--db", "s.db", "ingest", "--pack", "world", "--log", "a.jsonl")
    place.append("a.jsonl", goods(2, 3))

    result = command(*FOLLOW, "a.jsonl")

    assert result.out.splitlines()[-1].startswith("stopped; stored 2 events")
    assert place.raws() == goods(5).splitlines()


def test_json_is_one_object(command: Command, place: Place) -> None:
    """Sums on standard output, nothing else there."""
    place.write("a.jsonl", goods(3) + b"[1]\n")

    result = command(*FOLLOW, "a.jsonl", "--json")

    assert (result.status, result.err) == (0, "")
    assert result.object == {"events": 3, "dead_letters": 1, "gaps": 0}


def test_a_gap_is_told(command: Command, place: Place) -> None:
    """What may be missing is said at once, and counted in the end."""
    path = place.write("a.jsonl", goods(3))
    command(*FOLLOW, "a.jsonl")
    path.write_bytes(goods(1, 9))

    result = command(*FOLLOW, "a.jsonl")

    assert "gap: the file was cut or written anew" in result.out
    assert result.out.splitlines()[-1].endswith("1 new gap")


def test_problems_are_told_and_are_no_failure(command: Command, place: Place) -> None:
    """A log that is not there yet may come; the others are followed."""
    place.write("a.jsonl", goods(1))

    result = command(*FOLLOW, "a.jsonl", "--log", "absent.jsonl")

    assert result.status == 0
    assert result.err.startswith("error: ")
    assert "absent.jsonl" in result.err
    assert place.raws() == goods(1).splitlines()


def test_without_a_log_there_is_help(command: Command) -> None:
    """Wrong usage, with both ways out, and no store is made."""
    result = command("follow", "--for", "0")

    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: there is no log to follow\n")
    assert "--log PATH --pack NAME" in result.err
    assert "evidentia init" in result.err
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--log", "a.jsonl"),
        ("--pack", "world"),
        ("--log", "a.jsonl", "--pack", "absent"),
        ("--log", "a.jsonl", "--pack", "world", "--interval", "0"),
        ("--log", "a.jsonl", "--pack", "world", "--rate", "0"),
        ("--log", "a.jsonl", "--pack", "world", "--for", "-1"),
    ],
    ids=" ".join,
)
def test_wrong_usage_makes_nothing(command: Command, arguments: tuple[str, ...]) -> None:
    """Status 2, the way out, and no store."""
    result = command("follow", *arguments)

    assert (result.status, result.out) == (2, "")
    assert "  fix: " in result.err
    assert list(Path.cwd().iterdir()) == []


def test_the_logs_of_the_configuration_are_followed(command: Command, place: Place) -> None:
    """Without ``--log`` the allow-list of the configuration holds."""
    place.write("a.jsonl", goods(1))
    place.write("b.jsonl", goods(1, 1))
    entries = "".join(ENTRY.format(name=name) for name in ("a.jsonl", "b.jsonl"))
    place.write("evidentia.toml", (CONFIGURATION + entries).encode())

    result = command("follow", "--for", "0")

    assert result.status == 0
    assert result.out.startswith("following 2 entries into ")
    assert place.raws() == goods(2).splitlines()


@pytest.mark.parametrize("option", [("--interval", "0.01"), ("--rate", "1000"), ("--lenient",)])
def test_options_change_the_pace_and_not_what_is_stored(
    command: Command, place: Place, option: tuple[str, ...]
) -> None:
    """Every line is stored, however it is followed."""
    place.write("a.jsonl", goods(30))

    result = command(*FOLLOW, "a.jsonl", *option)

    assert result.status == 0
    assert place.raws() == goods(30).splitlines()


def test_a_store_that_is_held_is_status_4(command: Command, place: Place) -> None:
    """A second follower ends at once and names the first."""
    place.write("a.jsonl", goods(1))

    with place.workspace.writer("follow"):
        result = command(*FOLLOW, "a.jsonl")

    assert result.status == 4
    assert f"held by process {os.getpid()} on " in result.err


def test_signals_are_wishes_and_are_given_back() -> None:
    """Each is noted, the alarm rings; afterwards they mean what they meant before."""
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in wanted]
    alarm = Alarm()

    with _signals(alarm, None) as asked:
        nothing_yet = (asked.should_stop(), asked.should_reload())
        signal.raise_signal(signal.SIGHUP)
        reloads = (asked.should_reload(), asked.should_reload(), alarm.wait(0.0))
        signal.raise_signal(signal.SIGTERM)
        stops = (asked.should_stop(), asked.should_stop(), alarm.wait(0.0))

    assert nothing_yet == (False, False)
    assert reloads == (True, False, True)
    assert stops == (True, True, True)
    assert [signal.getsignal(number) for number in wanted] == before


def test_a_second_interrupt_is_one() -> None:
    """Whoever presses Ctrl-C twice does not want to wait."""
    with _signals(Alarm(), None) as asked:
        signal.raise_signal(signal.SIGINT)
        is_asked = asked.should_stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    assert is_asked


@contextmanager
def following(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A follower in a process of its own, killed if it is still there in the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "evidentia", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def is_so_in_time(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true before long."""
    until = time.monotonic() + BOUND_SECONDS
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def has_stored(place: Place, count: int) -> bool:
    """Whether the store holds so many events."""
    return place.store.exists() and bool(
        place.rows("SELECT 1 FROM sqlite_master WHERE name = 'event_rows'")
        and len(place.raws()) == count
    )


def test_a_follower_reloads_and_ends_by_signals(place: Place) -> None:
    """SIGHUP reads the configuration again; after SIGTERM what was appended before is stored."""
    place.write("a.jsonl", goods(2))
    place.write("b.jsonl", goods(1, 10))
    config = place.write("evidentia.toml", (CONFIGURATION + ENTRY.format(name="a.jsonl")).encode())

    with following(place.folder, "follow", "--json") as process:
        assert is_so_in_time(lambda: has_stored(place, 2))
        config.write_text(config.read_text("utf-8") + ENTRY.format(name="b.jsonl"), "utf-8")
        process.send_signal(signal.SIGHUP)
        assert is_so_in_time(lambda: has_stored(place, 3))

        place.append("a.jsonl", good(2))
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=5)

    assert (process.returncode, err) == (0, "")
    assert json.loads(out) == {"events": 4, "dead_letters": 0, "gaps": 0}
    assert sorted(place.raws()) == sorted((goods(3) + goods(1, 10)).splitlines())
    assert place.rows("SELECT count(*) FROM lease") == [(0,)]


def test_a_configuration_that_became_wrong_ends_nothing(place: Place) -> None:
    """It is told on standard error, and the logs of the old one are followed on."""
    place.write("a.jsonl", goods(1))
    config = place.write("evidentia.toml", (CONFIGURATION + ENTRY.format(name="a.jsonl")).encode())

    with following(place.folder, "follow", "-q") as process:
        assert is_so_in_time(lambda: has_stored(place, 1))
        config.write_bytes(b"no toml")
        process.send_signal(signal.SIGHUP)
        place.append("a.jsonl", good(1))
        assert is_so_in_time(lambda: has_stored(place, 2))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=5)

    assert (process.returncode, out) == (0, "")
    assert err.startswith("error: the configuration cannot be read")
