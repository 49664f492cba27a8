"""A folder with a store of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.ingest.kit import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder."""
    return Place(folder=tmp_path)
