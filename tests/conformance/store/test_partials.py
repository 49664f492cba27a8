"""What is counted while a log is parsed gives the tables that the stored events give."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidentia.pack import sketch
from evidentia.store import pending
from evidentia.store.values import Segment
from evidentia.store.writer import StoreWriter

from .interleaving import HAPPENINGS, PARTY, CutOffError
from .scene import Adapter, Scene
from .summing import PEOPLE, SUMMING, Happening, commit, rows_by_model, shown_rows, stored_rows

NUMBERS = count()
BATCHES = st.lists(
    st.tuples(st.integers(0, 3), st.lists(HAPPENINGS, min_size=1, max_size=8)),
    min_size=1,
    max_size=5,
)
"""Into how many parts the events of a batch are cut, and the events; 0 counts nothing."""


def load(scene: Scene, batches: list[tuple[int, list[Happening]]]) -> None:
    """One large load."""
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        with writer.bulk():
            add(writer, segment, batches)


def add(writer: StoreWriter, segment: Segment, batches: list[tuple[int, list[Happening]]]) -> None:
    """The batches, one after the other."""
    line = 1
    for blocks, happenings in batches:
        line = commit(writer, segment, line, happenings, blocks=blocks)


def is_as_stored_events_say(scene: Scene, happenings: list[Happening]) -> bool:
    """Whether the tables are those of the model, and equal to tables that are made anew."""
    with scene.store.reader() as reader:
        found, shown = stored_rows(reader, PEOPLE), shown_rows(reader)
    with scene.writer(SUMMING) as writer:
        writer.rebuild_projection("people")
    with scene.store.reader() as reader:
        return shown == rows_by_model(happenings) and stored_rows(reader, PEOPLE) == found


@settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches=BATCHES)
def test_counting_while_parsing_gives_what_the_stored_events_give(
    scene: Scene,
    adapter: Adapter,
    tmp_path: Path,
    batches: list[tuple[int, list[Happening]]],
) -> None:
    """However the events are cut, and where a batch comes that nobody counted."""
    scene.store = adapter.store(tmp_path / str(next(NUMBERS)))

    load(scene, batches)

    assert is_as_stored_events_say(scene, [each for _, some in batches for each in some])


def test_what_was_counted_is_used(scene: Scene) -> None:
    """A control: figures that are wrong on purpose arrive in the table; they were not made anew."""
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        with writer.bulk():
            commit(writer, segment, 1, [Happening()] * 3, blocks=1)
            writer._projections._pending._rows["people"][("s", "")] = (
                "s",
                "",
                99,
                *[0] * 3,
                *[None] * 4,
                *[sketch.EMPTY] * 2,
            )

    with scene.store.reader() as reader:
        assert shown_rows(reader)["people"][0][2] == 99


def test_a_load_that_is_cut_off_counts_no_batch_twice(scene: Scene) -> None:
    """What was held back is forgotten; the next writer reads the stored events."""
    with scene.writer(SUMMING) as writer, suppress(CutOffError):
        segment = scene.segment(writer)
        with writer.bulk():
            add(writer, segment, [(1, [*PARTY])])
            raise CutOffError

    with scene.writer(SUMMING):
        pass

    assert is_as_stored_events_say(scene, [*PARTY])


def test_a_batch_that_was_rolled_back_is_not_counted(scene: Scene) -> None:
    """Its figures are held in memory, and memory knows no rollback by itself."""
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        with writer.bulk():
            with suppress(CutOffError), writer.transaction():
                add(writer, segment, [(2, [*PARTY])])
                raise CutOffError
            add(writer, segment, [(2, [*PARTY[:2]])])

    assert is_as_stored_events_say(scene, [*PARTY[:2]])


def test_rows_are_merged_before_they_fill_the_memory(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of many sessions is merged some at a time, with its batches' own transactions."""
    monkeypatch.setattr(pending, "_ROWS_MAX", 100)
    sessions = [Happening(session=f"s{number}") for number in range(60)]
    with scene.writer(SUMMING) as writer:
        segment = scene.segment(writer)
        with writer.bulk():
            others = [Happening(session=f"t{number}") for number in range(60)]
            add(writer, segment, [(1, sessions), (1, others), (1, sessions[:10])])
            with writer.reading() as reader:
                merged = len(stored_rows(reader, PEOPLE))

    assert merged == len(sessions) + len(others)
    assert is_as_stored_events_say(scene, [*sessions, *others, *sessions[:10]])


def test_a_number_too_large_halts_only_its_projection(scene: Scene) -> None:
    """As it does where the engine adds up."""
    huge = Happening(port=2**63 - 1)

    load(scene, [(1, [huge, huge])])

    with scene.store.reader() as reader:
        states = {each.name: each.state for each in reader.projections()}
    assert states == {"people": "halted", "days": "live"}
