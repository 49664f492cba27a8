"""Open files of a follower: few enough, and let go of when nobody needs them."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from evidentia.ingest import held as room
from evidentia.ingest.held import Held
from evidentia.ingest.plan import inode_of
from evidentia.log.discovery import discover
from evidentia.log.values import LogFile, LogSource

from .kit import Place, good, goods


class Clock:
    """A time that moves when told."""

    now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock at zero."""
    return Clock()


@pytest.fixture
def held(clock: Clock) -> Iterator[Held]:
    """No open file yet."""
    made = Held(clock)
    yield made
    made.close()


def found(path: Path) -> LogFile:
    """The file, as the allow-list leads to it."""
    (file,) = discover([LogSource(pattern=str(path), pack="plain")]).files
    return file


def open_count() -> int:
    """How many descriptors this process has open."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_a_file_without_a_name_is_found_through_its_descriptor(place: Place, held: Held) -> None:
    """With its size of now, and readable."""
    path = place.write("a.jsonl", goods(2))
    file = found(path)
    held.add(file)
    with path.open("ab") as writing:
        path.unlink()
        writing.write(good(2))

    (nameless,) = held.out_of_sight(())

    assert nameless.held is not None
    assert (inode_of(nameless), nameless.size) == (inode_of(file), len(goods(3)))
    assert os.pread(nameless.held, nameless.size, 0) == goods(3)


def test_a_file_that_the_list_leads_to_is_not_out_of_sight(place: Place, held: Held) -> None:
    """Whatever its name is by now."""
    file = found(place.write("a.jsonl", goods(2)))
    held.add(file)

    assert held.out_of_sight({inode_of(file)}) == ()


def test_a_file_is_opened_once(place: Place, held: Held) -> None:
    """Each look adds it again; one descriptor is held."""
    path = place.write("a.jsonl", goods(2))
    before = open_count()

    for _look in range(5):
        held.add(found(path))

    assert open_count() == before + 1


def test_an_archive_is_not_held(place: Place, held: Held) -> None:
    """It does not grow."""
    file = found(place.write("a.jsonl.gz", gzip.compress(goods(2))))

    held.add(file)

    assert held.out_of_sight(()) == ()


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_file_that_moved_on_is_not_held(place: Place, held: Held, *, is_replaced: bool) -> None:
    """What is at its path by now is not it; the next look finds it."""
    path = place.write("a.jsonl", goods(2))
    file = found(path)
    path.rename(place.folder / "gone")
    if is_replaced:
        place.write("a.jsonl", goods(9))

    held.add(file)

    assert held.out_of_sight(()) == ()


def test_only_so_many_are_held_and_those_read_last(
    place: Place, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One too many closes the one that was read longest ago."""
    monkeypatch.setattr(room, "HELD_MAX", 3)
    files = [found(place.write(f"{name}.jsonl", goods(1))) for name in "abcd"]
    before = open_count()
    for file in (*files[:3], files[0]):
        held.add(file)

    held.add(files[3])

    left = {file.path.name for file in held.out_of_sight(())}
    assert left == {"a.jsonl", "c.jsonl", "d.jsonl"}
    assert open_count() == before + 3


def test_what_is_dropped_or_closed_is_open_no_more(place: Place, held: Held) -> None:
    """A file that nobody reads any more keeps no space on the disk."""
    files = [found(place.write(f"{name}.jsonl", goods(1))) for name in "abc"]
    before = open_count()
    for file in files:
        held.add(file)

    held.drop(files[0])
    held.drop(files[0])
    dropped = open_count() - before
    held.close()

    assert (dropped, open_count() - before) == (2, 0)
    assert held.out_of_sight(()) == ()


def test_a_file_is_idle_since_it_grew_last(place: Place, held: Held, clock: Clock) -> None:
    """Seconds since the look that first saw its size; growth begins anew."""
    path = place.write("a.jsonl", goods(1))
    key = inode_of(found(path))
    held.add(found(path))
    seen = []
    for seconds, data in ((0, b""), (40, b""), (30, b""), (5, good(1)), (7, b"")):
        clock.now += seconds
        place.append("a.jsonl", data)
        seen.append(held.idle_seconds(held.out_of_sight(()))[key])

    assert seen == [0, 40, 70, 0, 7]


def test_a_dropped_file_s_idleness_is_forgotten(place: Place, held: Held, clock: Clock) -> None:
    """The inode may be another file's by then."""
    file = found(place.write("a.jsonl", goods(1)))
    held.add(file)
    held.idle_seconds([file])
    clock.now = 100.0
    held.drop(file)
    held.add(file)

    assert held.idle_seconds(held.out_of_sight(())) == {inode_of(file): 0.0}
