"""Every test of this folder runs on every engine in ``scene.ENGINES``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from evidentia.store import opening

from .scene import ENGINES, Adapter, Clock, Scene


@pytest.fixture(params=sorted(ENGINES))
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """The engine under test."""
    return ENGINES[request.param]()


@pytest.fixture
def scene(adapter: Adapter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A scene around an absent store."""
    with ExitStack() as stack:
        made = Scene(store=adapter.store(tmp_path), adapter=adapter, clock=Clock(), stack=stack)
        monkeypatch.setattr(
            opening,
            "this_process",
            lambda command: dataclasses.replace(made.owner, command=command),
        )
        yield made
