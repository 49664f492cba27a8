"""Summaries and states are what a small model gives, in whatever way their events came in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from evidentia.pack import sketch
from evidentia.projection.check import check
from evidentia.store import sketches, spans, states

from .interleaving import STEPS, Interleaving
from .reducing import REDUCING, shown_states, states_by_model
from .scene import Adapter, Scene
from .summing import rows_by_model, shown_rows

NUMBERS = count()


@pytest.fixture
def small_steps() -> Iterator[None]:
    """Pages and parts of two or three events, so that their borders are met."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(states, "_PAGE_EVENTS", 2)
        patch.setattr(states, "_FILLED_EVENTS", 2)
        patch.setattr(spans, "_MERGED_EVENTS", 3)
        patch.setattr(sketch, "SKETCH_HASHES", 3)
        patch.setattr(sketches, "_ROWS_AT_ONCE", 2)
        yield


@pytest.mark.usefixtures("small_steps")
@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_any_interleaving_gives_what_the_model_gives(
    scene: Scene, adapter: Adapter, tmp_path: Path, steps: list[tuple[str, list]]
) -> None:
    """Batches, cuts, loads, crashes, rebuilds and packs that come and go, over two logs."""
    scene.store = adapter.store(tmp_path / str(next(NUMBERS)))
    running = Interleaving(scene, REDUCING)

    for way, batches in steps:
        running.step(way, batches)
    with scene.writer(REDUCING):
        pass

    with scene.store.reader() as reader:
        assert shown_rows(reader) == rows_by_model([each for _, each in running.committed])
        assert shown_states(reader) == states_by_model(running.committed)
        for each in REDUCING.projections:
            # The rows that are stored, with what they keep, are those of one replay.
            assert check(reader, {"demo": REDUCING}, each.name).is_well
