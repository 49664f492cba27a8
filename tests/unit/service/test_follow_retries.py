"""A store that refuses for a while is tried again; one that is hopeless ends the follower."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from tests.unit.ingest.kit import Place, good, goods

from evidentia.errors import StoreError, StoreFullError, StoreHeldError
from evidentia.store.writer import StoreWriter

from .kit import Scene, Script, nothing

pytestmark = pytest.mark.usefixtures("watched")


def failing(scene: Scene, *failures: StoreError | None) -> Callable[[], object]:
    """A store's door at which these failures stand in turn."""
    left = list(failures)

    @contextmanager
    def opened() -> Iterator[StoreWriter]:
        failure = left.pop(0) if left else None
        if failure is not None:
            raise failure
        with scene.writer() as writer:
            yield writer

    return opened


def test_a_store_that_refuses_is_tried_again(place: Place) -> None:
    """A full disk is told once; when there is room again, nothing is missing."""
    place.write("a.jsonl", goods(2))
    full = StoreFullError("no space left")
    script = Script(lambda: place.append("a.jsonl", good(2)), nothing, nothing)
    scene = Scene(place=place, script=script, patterns=["a.jsonl"])
    scene.open_writer = failing(scene, full, full)

    scene.follow()

    assert scene.problems == [full]
    assert place.raws() == goods(3).splitlines()
    assert scene.script.waits[:2] == [0.1, 0.2]


class Refusing:
    """A writer whose next batches meet these failures."""

    def __init__(self, writer: StoreWriter, failures: list[StoreError]) -> None:
        self._writer = writer
        self._failures = failures

    def __getattr__(self, name: str) -> object:
        """The writer's own, unless it is its turn to fail."""
        if name == "commit_batch" and self._failures:
            raise self._failures.pop()
        return getattr(self._writer, name)


def refusing(scene: Scene, failures: list[StoreError]) -> Callable[[], object]:
    """A store's door behind which the next batches meet these failures."""

    @contextmanager
    def opened() -> Iterator[object]:
        with scene.writer() as writer:
            yield Refusing(writer, failures)

    return opened


def test_a_batch_that_was_refused_is_read_again(place: Place) -> None:
    """The checkpoint stands where the last batch ended, so the same bytes are read once more."""
    place.write("a.jsonl", goods(2))
    scene = Scene(place=place, script=Script(nothing, nothing), patterns=["a.jsonl"])
    failures: list[StoreError] = [StoreFullError("no space left")]

    scene.open_writer = refusing(scene, failures)

    scene.follow()

    assert [type(problem) for problem in scene.problems] == [StoreFullError]
    assert place.raws() == goods(2).splitlines()
    assert place.verify().findings == ()


def test_a_store_that_refuses_to_the_end_is_not_hidden(place: Place) -> None:
    """Whoever asked it to stop learns that not everything was stored."""
    place.write("a.jsonl", goods(2))
    full = StoreFullError("no space left")
    scene = Scene(place=place, script=Script(), patterns=["a.jsonl"])
    scene.open_writer = failing(scene, full, full)

    with pytest.raises(StoreFullError):
        scene.follow()

    assert scene.problems == [full]


def test_the_wait_for_a_store_grows_to_half_a_minute(place: Place) -> None:
    """A store that refuses for long is not asked ten times a second."""
    place.write("a.jsonl", goods(1))
    full = StoreFullError("no space left")
    scene = Scene(place=place, script=Script(*[nothing] * 12), patterns=["a.jsonl"])
    scene.open_writer = failing(scene, *[full] * 11)

    scene.follow()

    waits = scene.script.waits[:11]
    assert waits[:3] == [0.1, 0.2, 0.4]
    assert waits == sorted(waits)
    assert waits[-1] == 30.0
    assert place.raws() == goods(1).splitlines()


def test_a_store_that_is_held_is_raised_at_once(place: Place) -> None:
    """Two followers would take turns for ever; the second one ends."""
    place.write("a.jsonl", goods(1))
    scene = Scene(place=place, script=Script(nothing), patterns=["a.jsonl"])
    holder: AbstractContextManager[StoreWriter] = scene.writer()

    with holder, pytest.raises(StoreHeldError):
        scene.follow()

    assert (scene.script.waits, scene.problems) == ([], [])


def test_a_lease_that_was_taken_over_ends_it(place: Place) -> None:
    """Whoever lost the lease writes nothing any more."""
    place.write("a.jsonl", goods(1))

    def take_over() -> None:
        place.damage("UPDATE lease SET token = 'another'")
        place.append("a.jsonl", good(1))

    scene = Scene(place=place, script=Script(take_over, nothing), patterns=["a.jsonl"])

    with pytest.raises(StoreHeldError, match="taken over"):
        scene.follow()

    assert place.raws() == goods(1).splitlines()


def test_a_store_that_came_back_is_tried_as_soon_as_before(place: Place) -> None:
    """Failures of long ago do not count: the first try comes after a tenth of a second."""
    place.write("a.jsonl", goods(1))
    scene = Scene(place=place, script=Script(), patterns=["a.jsonl"])
    failures: list[StoreError] = [StoreFullError("no space left") for _ in range(5)]
    scene.open_writer = refusing(scene, failures)

    def fail_again() -> None:
        failures.append(StoreFullError("no space left"))
        place.append("a.jsonl", good(1))
        scene.script.waits.clear()

    scene.script.steps = [*[nothing] * 8, fail_again, nothing, nothing]

    scene.follow()

    assert place.raws() == goods(2).splitlines()
    assert 0.1 in scene.script.waits


def test_a_file_that_lost_its_name_outlives_a_store_that_refuses(place: Place) -> None:
    """A full disk is when logs are deleted: what was still open is read when there is room."""
    path = place.write("a.jsonl", goods(1))
    scene = Scene(place=place, script=Script(), patterns=["a.json*"])
    failures: list[StoreError] = []
    scene.open_writer = refusing(scene, failures)

    def fill_the_disk() -> None:
        with path.open("ab") as writing:
            path.unlink()
            writing.write(good(1))
        failures.append(StoreFullError("no space left"))

    scene.script.steps = [fill_the_disk, nothing, nothing]

    scene.follow()

    assert place.raws() == goods(2).splitlines()
