"""A folder with a store of its own for each test, and a look at it with the loader down or up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit.ingest.kit import Place

from evidentia.ingest.values import IngestReport

from .scene import ALL, Follower

Look = Callable[[], IngestReport]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder."""
    return Place(folder=tmp_path)


@pytest.fixture(params=["down", "up"])
def look(place: Place, request: pytest.FixtureRequest) -> Iterator[Look]:
    """One look at the live log and what became of it; down or up is the loader in between."""
    if request.param == "down":
        yield lambda: place.ingest(ALL)
        return
    with Follower(place, ALL) as follower:
        yield follower.poll
