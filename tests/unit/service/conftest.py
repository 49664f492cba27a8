"""A folder for each test, and watchers that only say what they were asked to watch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pytest
from tests.unit.ingest.kit import Place

from evidentia.log.values import LogSource
from evidentia.service import follow
from evidentia.service.wake import Alarm


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder."""
    return Place(folder=tmp_path)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What each watcher of the follower was asked to watch; none of them ever rings."""
    asked: list[list[str]] = []

    class Silent:
        is_watching = False

        def __init__(self, sources: Sequence[LogSource], alarm: Alarm) -> None:
            del alarm
            asked.append([Path(each.pattern).name for each in sources])

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *failure: object) -> None:
            del failure

    monkeypatch.setattr(follow, "FolderWatch", Silent)
    return asked
