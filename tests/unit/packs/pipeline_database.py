"""A pipeline's database filled from records, without a ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from evidentia.event.timestamp import format_time
from evidentia.event.values import JsonObject
from evidentia.pack.contract import NamedQuery, ParameterType
from evidentia.pack.tables import LedgerEvent
from evidentia.packs.pipeline.database import DATABASE
from evidentia.packs.pipeline.kinds import KINDS
from evidentia.packs.pipeline.records import draft_of
from evidentia.store.derived import DerivedStore
from evidentia.store.derived_rows import PlacedEvent

START_US = 1_769_644_800_000_000
"""2026-01-29T00:00:00Z, when the first event is recorded; each later one a second after."""
ORIGIN = "example.org/pipeline"


def filled(path: Path, records: Iterable[tuple[str, JsonObject]]) -> DerivedStore:
    """A new database with the rows of some records, each a kind and a payload."""
    store = DerivedStore(path=path, database=DATABASE)
    store.create()
    with store.writing() as writer:
        writer.apply([placed(number, *record) for number, record in enumerate(records)], ORIGIN)
    return store


def placed(number: int, kind: str, payload: JsonObject) -> PlacedEvent:
    """A record as the event of that number of a ledger."""
    draft = draft_of(KINDS[kind], payload)
    at = format_time(START_US + number * 1_000_000)
    event = LedgerEvent(
        sequence=number,
        id=f"e-{number}",
        event_type=draft.event_type,
        observed_at=at,
        recorded_at=at,
        payload=draft.payload,
    )
    return PlacedEvent(event=event, line=b"{}", event_hash="", segment=0, byte_start=0)


def plan(path: Path, query: NamedQuery) -> list[str]:
    """What SQLite does to answer a query over a database, a line for each step."""
    values = {
        each.name: 10 if each.type is ParameterType.INTEGER else "" for each in query.parameters
    }
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", values).fetchall()
    return [row[3] for row in rows]


def unindexed(steps: Sequence[str]) -> list[str]:
    """The steps that read a table from end to end, or sort all of what is listed."""
    return [
        step
        for step in steps
        if (
            step.startswith(("SCAN", "SEARCH"))
            and " USING " not in step
            and step not in _OF_NO_TABLE
        )
        or step == "USE TEMP B-TREE FOR ORDER BY"
    ]


_OF_NO_TABLE = ("SCAN CONSTANT ROW", "SCAN classed")
