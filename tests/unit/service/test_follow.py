"""The follower looks, reads, waits, and ends when it is asked to; every wait here is a step."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.unit.ingest.kit import Place, good, goods

from evidentia.errors import ConfigError
from evidentia.ingest.values import IngestOptions
from evidentia.log.values import Limits
from evidentia.service import follow
from evidentia.service.follow import (
    BLIND_PAUSE_SECONDS,
    DRAIN_SECONDS,
    HEARTBEAT_SECONDS,
    FollowOptions,
)

from .kit import Scene, Script, nothing

pytestmark = pytest.mark.usefixtures("watched")


def stored(place: Place) -> list[bytes]:
    """The stored lines in order of their text, each with its newline."""
    return sorted(raw + b"\n" for raw in place.raws())


def lines_of(*parts: bytes) -> list[bytes]:
    """The lines of some bytes in order of their text."""
    return sorted(b"".join(parts).splitlines(keepends=True))


def test_a_line_that_is_appended_is_stored(place: Place) -> None:
    """It is in the store one look after it was written, and told once."""
    place.write("a.jsonl", goods(3))
    seen: list[int] = []
    script = Script(
        lambda: place.append("a.jsonl", good(3)),
        lambda: seen.append(len(place.raws())),
    )
    scene = Scene(place=place, script=script, patterns=["a.jsonl"])

    scene.follow()

    assert seen == [4]
    assert place.raws() == goods(4).splitlines()
    assert [report.events for report in scene.reports] == [3, 1]
    assert scene.problems == []


def test_a_log_without_news_is_told_of_once(place: Place) -> None:
    """Looks that find nothing are not reported, and write nothing."""
    place.write("a.jsonl", goods(1))
    dumps = []
    script = Script(*[lambda: dumps.append(place.dump("lease"))] * 3)
    scene = Scene(place=place, script=script, patterns=["a.jsonl"])

    scene.follow()

    assert len(scene.reports) == 1
    assert dumps[0] == dumps[1] == dumps[2]


def test_a_log_that_cannot_be_read_stops_no_other(place: Place) -> None:
    """Its problem is told once, and again only after it had become another one."""
    place.write("a.jsonl", goods(1))
    place.write("b.jsonl", b'[\n{"a":1}\n]\n')
    (place.folder / "c.jsonl").mkdir()
    script = Script(
        lambda: place.append("a.jsonl", good(1)),
        (place.folder / "b.jsonl").unlink,
        nothing,
        lambda: place.write("b.jsonl", b'[\n{"a":1}\n]\n'),
        nothing,
    )
    scene = Scene(place=place, script=script, patterns=["a.jsonl", "b.jsonl", "c.jsonl"])

    scene.follow()

    told = [type(problem).__name__ for problem in scene.problems]
    assert place.raws() == goods(2).splitlines()
    assert sorted(told[:2]) == ["LogFormatError", "LogUnreadableError"]
    assert told[2:] == ["LogMissingError", "LogFormatError"]


def test_what_is_there_is_read_before_it_ends(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wish to stop is followed by as many turns as the logs need."""
    monkeypatch.setattr(follow, "TURN_BYTES", 4096)
    limits = Limits(block_bytes=4096)
    place.write("a.jsonl", goods(300))
    place.write("b.jsonl", goods(300, 1000))
    options = FollowOptions(ingest=IngestOptions(limits=limits))
    scene = Scene(place=place, script=Script(), patterns=["*.jsonl"], options=options)
    scene.script.is_stopping = True

    scene.follow()

    assert stored(place) == lines_of(goods(300), goods(300, 1000))
    assert len(scene.reports) > 3
    assert scene.script.waits == []


def test_draining_ends_when_its_time_is_over(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that grows faster than it is read cannot keep a follower from ending."""
    monkeypatch.setattr(follow, "TURN_BYTES", 4096)
    place.write("a.jsonl", goods(100))
    options = FollowOptions(ingest=IngestOptions(limits=Limits(block_bytes=4096)))
    scene = Scene(place=place, script=Script(), patterns=["a.jsonl"], options=options)
    ticks = iter(range(10**6))
    scene.script.is_stopping = True
    scene.script.clock = lambda: float(next(ticks))

    scene.follow()

    assert 0 < len(place.raws()) < 100
    assert next(ticks) < 20 * DRAIN_SECONDS
    assert place.raws() == goods(100).splitlines()[: len(place.raws())]


def test_a_turn_is_not_followed_by_a_wait(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as there is more to read, the follower goes on at once."""
    monkeypatch.setattr(follow, "TURN_BYTES", 4096)
    place.write("a.jsonl", goods(300))
    options = FollowOptions(ingest=IngestOptions(limits=Limits(block_bytes=4096)))
    seen: list[int] = []
    script = Script(lambda: seen.append(len(place.raws())))
    scene = Scene(place=place, script=script, patterns=["a.jsonl"], options=options)

    scene.follow()

    assert seen == [300]


def test_the_list_is_read_again_when_asked(place: Place, watched: list[list[str]]) -> None:
    """A log that joined it is followed from then on, and its folder is watched."""
    place.write("a.jsonl", goods(1))
    place.write("b.jsonl", goods(1, 5))
    scene = Scene(place=place, script=Script(), patterns=["a.jsonl"])

    def join() -> None:
        assert len(place.raws()) == 1
        scene.patterns.append("b.jsonl")
        scene.reloads = 1

    scene.script.steps = [nothing, join, nothing]

    scene.follow()

    assert stored(place) == lines_of(goods(1), goods(1, 5))
    assert watched == [["a.jsonl"], ["a.jsonl", "b.jsonl"]]


def test_a_list_that_cannot_be_read_leaves_the_old_one(place: Place) -> None:
    """It is told, and the logs of the old list are followed on."""
    place.write("a.jsonl", goods(1))
    problem = ConfigError("the configuration is not understood")
    scene = Scene(place=place, script=Script(), patterns=["a.jsonl"])

    def spoil() -> None:
        scene.list_problem = problem
        scene.reloads = 1

    scene.script.steps = [spoil, lambda: place.append("a.jsonl", good(1)), nothing]

    scene.follow()

    assert scene.problems == [problem]
    assert place.raws() == goods(2).splitlines()


@pytest.mark.parametrize("interval", [None, 60.0])
def test_an_idle_follower_shows_that_it_lives(place: Place, interval: float | None) -> None:
    """The lease's heartbeat moves, though nothing is stored."""
    place.write("a.jsonl", goods(1))
    beats: list[tuple[float, int]] = []
    script = Script(*[lambda: beats.append((script.now, scene.heartbeat_us()))] * 300)
    scene = Scene(
        place=place,
        script=script,
        patterns=["a.jsonl"],
        options=FollowOptions(interval_seconds=interval),
    )

    scene.follow()

    assert len(place.raws()) == 1
    assert len({beat for _now, beat in beats}) >= 3
    pause = HEARTBEAT_SECONDS if interval else BLIND_PAUSE_SECONDS
    assert all(now - beat / 1e6 <= 2 * HEARTBEAT_SECONDS + pause for now, beat in beats)


def test_a_rate_is_kept_by_waiting(place: Place) -> None:
    """After each turn it waits as long as its events may take."""
    place.write("a.jsonl", goods(400))
    told: list[tuple[float, int]] = []
    scene = Scene(
        place=place,
        script=Script(*[nothing] * 40),
        patterns=["a.jsonl"],
        options=FollowOptions(rate=100.0),
    )
    scene.reports = Times(scene.script, told)

    scene.follow()

    assert sum(events for _now, events in told) == 400
    assert len(told) > 2
    for (earlier, events), (later, _more) in pairwise(told):
        assert later - earlier == pytest.approx(events / 100.0)


class Times:
    """Keeps when each report came and how many events it told of."""

    def __init__(self, script: Script, told: list[tuple[float, int]]) -> None:
        self._script = script
        self._told = told

    def append(self, report: object) -> None:
        """Take notice of a report."""
        self._told.append((self._script.now, report.events))


def test_a_rate_does_not_hold_up_the_end(place: Place) -> None:
    """What is there when it is asked to stop is read as fast as can be."""
    place.write("a.jsonl", goods(400))
    scene = Scene(
        place=place, script=Script(), patterns=["a.jsonl"], options=FollowOptions(rate=100.0)
    )
    scene.script.is_stopping = True

    scene.follow()

    assert place.raws() == goods(400).splitlines()
    assert scene.script.waits == []


def test_with_an_interval_nothing_is_watched(place: Place, watched: list[list[str]]) -> None:
    """It looks this often, whatever changes."""
    place.write("a.jsonl", goods(1))
    script = Script(nothing, nothing, nothing)
    options = FollowOptions(interval_seconds=2.0)
    scene = Scene(place=place, script=script, patterns=["a.jsonl"], options=options)

    scene.follow()

    assert watched == [[]]
    assert script.waits == [2.0] * 4


def test_a_file_that_lost_its_name_is_read_to_its_end(place: Place) -> None:
    """Lines that are written through an open descriptor after the name has gone are stored."""
    path = place.write("a.jsonl", goods(1))
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)

    def delete_and_write() -> None:
        path.unlink()
        os.write(descriptor, good(1))

    scene = Scene(place=place, script=Script(delete_and_write, nothing), patterns=["a.json*"])

    scene.follow()
    os.close(descriptor)

    assert place.raws() == goods(2).splitlines()


def test_small_options_of_ingestion_are_kept(place: Place) -> None:
    """The follower changes the turn and the block, and nothing else that was asked for."""
    place.write("a.jsonl", goods(10))
    ingest = replace(IngestOptions(), batch_events=3, limits=Limits(block_bytes=200))
    options = FollowOptions(ingest=ingest, rate=1000.0)
    scene = Scene(place=place, script=Script(), patterns=["a.jsonl"], options=options)
    scene.script.is_stopping = True

    scene.follow()

    counts = [count for (count,) in place.rows("SELECT event_count FROM batches")]
    assert sum(counts) == 10
    assert len(counts) > 2


def test_a_wish_to_read_the_list_ends_a_long_wait(place: Place) -> None:
    """With an interval of an hour the list is still read again at once."""
    place.write("a.jsonl", goods(1))
    options = FollowOptions(interval_seconds=3600.0)
    scene = Scene(place=place, script=Script(), patterns=["a.jsonl"], options=options)
    read: list[float] = []
    sources = scene.sources
    scene.sources = lambda: (read.append(scene.script.now), sources())[1]

    def ask() -> bool:
        scene.reloads = 1
        return True

    scene.script.steps = [ask, *[nothing] * 1000]

    scene.follow()

    assert read[0] == 0.0
    assert read[1] <= HEARTBEAT_SECONDS
