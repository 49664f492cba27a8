"""The public relations, as another engine would be told of them."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from sqlalchemy.dialects import postgresql

from evidentia.event.fieldmap import ColumnType
from evidentia.store import relations
from evidentia.store.opening import Store
from evidentia.store.schema import PROMOTED_TYPES

from .kit import fill, query, writing


@pytest.fixture
def statements() -> list[str]:
    """What the views are for PostgreSQL."""
    said: list[str] = []
    told = SimpleNamespace(dialect=postgresql.dialect(), exec_driver_sql=said.append)
    relations.create_views(told, ("role",), {})
    return said


def test_every_view_can_be_said_to_postgresql(statements: list[str]) -> None:
    """One schema for both engines: bytes are shown as text and hex by its own functions."""
    views = [said.split()[2] for said in statements if said.startswith("CREATE VIEW")]
    text = " ".join(statements)

    assert tuple(views) == relations.VIEWS
    assert "convert_from(event_rows.raw, 'UTF8') AS raw_json" in text
    assert "encode(event_rows.sha256, 'hex') AS sha256" in text
    assert 'event_rows."role" AS role' in text


def test_positions_are_divided_as_integers_on_both_engines(
    store: Store, statements: list[str]
) -> None:
    """True division finds a segment only for its first byte, and rounds large positions."""
    with writing(store) as writer:
        fill(writer)
    with store.reader() as reader:
        sql = "SELECT sql FROM sqlite_master WHERE type = 'view'"
        ours = " ".join(str(text) for (text,) in reader.run_query(query(sql), {}).rows)

    for text in (ours, " ".join(statements)):
        assert re.search(r"\.id / 1099511627776\b", text)
        assert not re.search(r"0\.0|FLOOR|CAST\([^)]*AS NUMERIC", text)


def test_a_promoted_real_has_eight_bytes_everywhere() -> None:
    """PostgreSQL's REAL has four, and would round what SQLite keeps."""
    kind = PROMOTED_TYPES[ColumnType.REAL]

    assert kind.compile(dialect=postgresql.dialect()) == "DOUBLE PRECISION"
