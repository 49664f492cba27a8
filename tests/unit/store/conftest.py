"""A place for a store of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidentia.store.opening import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An absent store, to be made by its first writer."""
    return Store(path=tmp_path / "evidentia.db")
