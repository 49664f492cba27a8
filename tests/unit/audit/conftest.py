"""A store filled from one log that holds something of everything, in several batches."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.ingest.kit import BAD_LINES, Place, good, goods

from evidentia.ingest.values import IngestOptions
from evidentia.log.values import Limits

from .mirror_kit import ALLOW, Mirror, drafts

LOG = "a.jsonl"
CONTENT = (
    b"\xef\xbb\xbf"
    + goods(12)
    + b"\n \t\n"
    + b"".join(line + b"\n" for line in BAD_LINES)
    + b"\0" * 9
    + goods(12, 12)
    + good(24, level=10)
    + b"\n\n"
    + goods(12, 25)
    + b"x" * 1_500
    + b"\n"
    + goods(3, 37)
)
"""BOM, events, blank lines, dead letters, NULs, a schema finding, a line over the limit."""
OPTIONS = IngestOptions(
    jobs=0, batch_events=10, limits=Limits(line_bytes_max=1_000, block_bytes=1_000)
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder."""
    return Place(folder=tmp_path, options=OPTIONS)


@pytest.fixture
def filled(place: Place) -> Place:
    """A folder with the log and its store."""
    place.write(LOG, CONTENT)
    place.ingest(LOG)
    return place


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    """A ledger that holds its own first event, and no store yet."""
    made = Mirror(folder=tmp_path)
    made.create()
    return made


@pytest.fixture
def both(mirror: Mirror) -> Mirror:
    """A ledger of three events and its own, and a store with all of them."""
    with mirror.mirrored() as mirrored:
        mirrored.append(drafts(0, 3), ALLOW)
    return mirror
