"""A pack's own database, small enough for tests: makers, their products, and a state."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from evidentia.event.values import JsonObject
from evidentia.pack.tables import (
    Cell,
    CellType,
    Column,
    DerivedTable,
    LedgerEvent,
    PackDatabase,
    Refusal,
    Retention,
    Stamp,
    TableIndex,
    TableRow,
    View,
    down,
    up,
)
from evidentia.store.derived import DerivedStore
from evidentia.store.derived_rows import PlacedEvent

NOW_US = 1_800_000_000_000_000
ORIGIN = "demo.ledger"
CREATED = Column(name="created_at", type=CellType.TIMESTAMP, is_required=True, stamp=Stamp.CREATED)
MAKERS = DerivedTable(
    name="makers",
    columns=(
        Column(name="maker", type=CellType.TEXT, is_required=True, is_unique=True),
        Column(name="mood", type=CellType.TEXT, is_required=True, values=("good", "bad")),
        Column(name="about", type=CellType.JSON),
        Column(name="seen", type=CellType.TIME),
        CREATED,
    ),
    indexes=(TableIndex(name="idx_makers_created_at", parts=(down("created_at"), up("maker"))),),
    retention=Retention(age="created_at", stay_column="mood", stay_values=("bad",)),
)
PRODUCTS = DerivedTable(
    name="products",
    columns=(
        Column(name="maker", type=CellType.TEXT, is_required=True, refers_to=("makers", "maker")),
        Column(name="grams", type=CellType.INTEGER, default=1),
        Column(name="price", type=CellType.REAL),
        CREATED,
    ),
)
STATES = DerivedTable(
    name="states",
    columns=(
        Column(name="maker", type=CellType.TEXT, is_required=True, is_unique=True),
        Column(name="word", type=CellType.TEXT),
        Column(name="count", type=CellType.INTEGER, default=0),
        CREATED,
        Column(name="changed_at", type=CellType.TIMESTAMP, is_required=True, stamp=Stamp.CHANGED),
    ),
    state_key=("maker",),
)


def rows_of(event: LedgerEvent) -> tuple[TableRow, ...] | Refusal:
    """The rows that a payload lists as they are, each as ``{"table": {..}}``."""
    if event.event_type == "broken":
        raise ValueError("a defect")
    if event.event_type == "refused":
        return Refusal(reason="unfit", detail="the pack says so")
    if not event.event_type.startswith("demo"):
        return ()
    listed = cast("list[JsonObject]", event.payload)
    return tuple(
        TableRow(table=name, values=cast("dict[str, Cell]", values))
        for each in listed
        for name, values in each.items()
    )


DATABASE = PackDatabase(
    name="demo",
    title="makers and products",
    version=3,
    tables=(MAKERS, PRODUCTS, STATES),
    rows_of=rows_of,
    views=(
        View(
            name="weights",
            title="What each maker's products weigh",
            columns=("maker", "grams"),
            sql="SELECT maker, SUM(grams) AS grams FROM products GROUP BY maker ORDER BY maker",
        ),
    ),
)


def store_in(folder: Path) -> DerivedStore:
    """An empty database: a copy of one that was made once, for making one takes a while."""
    store = DerivedStore(path=folder / "demo.db", database=DATABASE, clock=lambda: NOW_US)
    if not _made:
        store.create()
        _made.append(store.path.read_bytes())
    store.path.write_bytes(_made[0])
    return store


_made: list[bytes] = []


def event(sequence: int, *rows: JsonObject, kind: str = "demo", day: int = 1) -> PlacedEvent:
    """An event in its place."""
    at = f"2026-01-{day:02d}T00:00:00.{sequence:06d}Z"
    made = LedgerEvent(
        sequence=sequence,
        id=f"event-{sequence}",
        event_type=kind,
        observed_at=at,
        recorded_at=at,
        payload=list(rows),
    )
    line = json.dumps({"sequence": sequence, "rows": rows}).encode()
    return PlacedEvent(
        event=made,
        line=line,
        event_hash=f"{sequence:064x}",
        segment=0,
        byte_start=sequence * 1_000,
    )


def maker(name: str, **values: Cell) -> JsonObject:
    """A row of makers."""
    return {"makers": {"maker": name, "mood": "good", **values}}


def product(name: str, **values: Cell) -> JsonObject:
    """A row of products."""
    return {"products": {"maker": name, **values}}


def state(name: str, **values: Cell) -> JsonObject:
    """A change of a state."""
    return {"states": {"maker": name, **values}}


def apply(store: DerivedStore, events: Sequence[PlacedEvent], group: int = 100) -> None:
    """Apply events, some at a time."""
    with store.writing() as writer:
        for start in range(0, len(events), group):
            writer.apply(events[start : start + group], ORIGIN)


def rows(store: DerivedStore, table: str) -> list[dict[str, object]]:
    """Every row of a table."""
    with store.reading() as reader:
        names = reader.columns(table)
        return [dict(zip(names, row, strict=True)) for row in reader.rows(table)]


def refusals(store: DerivedStore) -> dict[int, str]:
    """Why each refused event was refused."""
    with store.reading() as reader:
        return {each.sequence: each.reason for each in reader.refused_records()}
