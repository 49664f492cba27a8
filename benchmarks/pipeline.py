"""What the pipeline's database costs beside bare sqlite3, and how large it becomes.

    python benchmarks/pipeline.py [--receipts N] [--rounds N] [--folder PATH]

A ledger of N receipts is written and projected. Then, in turns:

- one receipt, and a batch of 100: recorded (ledger synced, rows written), the same while ledger and
  database are held open, and by bare sqlite3: the same rows by INSERT into upstream's tables, in
  WAL, each commit synced (FULL) or not (NORMAL, as upstream's guide has it);
- the last 24 hours, agents, stages, and 10,000 rows: the named query, and the same statement by
  bare sqlite3 on the same file.

Printed: medians in milliseconds, and the median of the ratios of one round. Then every named query
is explained over the full database, before and after ANALYZE: a table that is read from end to end
ends the run with status 1. With ``--receipts 1000000`` this takes some ten minutes and 3 GB. Run by
hand, not in CI: the figures belong to the machine they were taken on.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from evidentia.app.pack_database import SEGMENT_BYTES_MAX
from evidentia.app.recording import DeskRecorder, open_recorder
from evidentia.event.envelope import Draft
from evidentia.event.timestamp import format_time
from evidentia.event.values import JsonObject
from evidentia.pack.contract import NamedQuery, ParameterType
from evidentia.pack.recorder import Recorder
from evidentia.packs.pipeline import PACK
from evidentia.packs.pipeline.execution import Pipeline
from evidentia.packs.pipeline.records import rows_of
from evidentia.report.database import DatabaseReader
from evidentia.report.queries import bind

START_US: Final = 1_767_225_600_000_000
STEP_US: Final = 8_640_000
"""A receipt each 8.64 seconds: 10,000 a day."""
BATCH: Final = 100
SCAN_ROWS: Final = 10_000
APPENDED_AT_ONCE: Final = 1_000
STAGES: Final = ("μ₁_normalize", "μ₂_extract", "μ₃_emit", "μ₄_canonicalize", "μ₅_receipt")
QUERIES: Final = {query.name: query for query in PACK.database_queries}
UPSTREAM: Final = """
CREATE TABLE receipts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, execution_id TEXT UNIQUE NOT NULL, agent_id TEXT NOT NULL,
  operation TEXT NOT NULL, status TEXT NOT NULL, timestamp TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, manifest_hash TEXT, ontology_hash TEXT,
  files_generated INTEGER DEFAULT 0, files_modified INTEGER DEFAULT 0,
  duration_ms INTEGER NOT NULL, receipt_json TEXT, error_message TEXT, environment TEXT,
  CHECK (operation IN ('validation', 'generation', 'normalization', 'extraction', 'emission',
    'canonicalization', 'receipt', 'dry_run', 'watch')),
  CHECK (status IN ('passed', 'failed', 'partial', 'cancelled')));
CREATE INDEX idx_receipts_agent_timestamp ON receipts (agent_id, timestamp DESC);
CREATE INDEX idx_receipts_execution_id ON receipts (execution_id);
CREATE INDEX idx_receipts_status ON receipts (status, created_at DESC);
CREATE INDEX idx_receipts_created_at ON receipts (created_at DESC);
"""
COLUMNS: Final = (
    *("execution_id", "agent_id", "operation", "status", "timestamp", "manifest_hash"),
    *("ontology_hash", "files_generated", "files_modified", "duration_ms", "receipt_json"),
    *("error_message", "environment"),
)
INSERT: Final = (
    f"INSERT INTO receipts ({', '.join(COLUMNS)})"
    f" VALUES ({', '.join(f':{name}' for name in COLUMNS)})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One way to do a job; called with a number that no call before had."""

    name: str
    run: Callable[[int], object]


def receipt(number: int) -> JsonObject:
    """A receipt; every hundredth has its stages and a missed service level."""
    payload: JsonObject = {
        "execution_id": f"exec-{number:012}",
        "agent_id": f"agent-{number % 25}",
        "operation": ("generation", "validation", "test", "dry-run")[number % 4],
        "status": "failed" if number % 20 == 0 else "passed",
        "timestamp": format_time(START_US + number * STEP_US),
        "duration_ms": 200 + number * 7_919 % 18_000,
        "manifest_hash": f"{number % 977:064x}",
        "ontology_hash": f"{number % 13:064x}",
        "files_generated": number % 60,
        "files_modified": number % 12,
    }
    if number % 100 == 0:
        payload["build"] = "incremental"
        payload["stages"] = [
            {"stage": name, "status": "completed", "duration_ms": 40 * place + number % 97}
            for place, name in enumerate(STAGES, start=1)
        ]
    return payload


def drafts(pipeline: Pipeline, numbers: Sequence[int]) -> list[Draft]:
    """The events of some receipts."""
    return [pipeline.draft("receipt", receipt(number)) for number in numbers]


def fill(recorder: DeskRecorder, pipeline: Pipeline, count: int) -> tuple[float, float]:
    """Append receipts to the ledger and project them; the seconds that each took."""
    desk = recorder.desk
    began = time.perf_counter()
    entry = replace(desk.entry, segment_bytes_max=SEGMENT_BYTES_MAX)
    with desk.ledgers.opened(entry, "benchmark") as opened:
        policy = desk.policy(opened)
        for first in range(0, count, APPENDED_AT_ONCE):
            numbers = range(first, min(count, first + APPENDED_AT_ONCE))
            opened.append(drafts(pipeline, numbers), policy)
    appended = time.perf_counter()
    desk.project()
    return appended - began, time.perf_counter() - appended


def bare_database(path: Path, synchronous: str) -> sqlite3.Connection:
    """Upstream's table of receipts, in WAL. Its guide asks for NORMAL, which syncs no commit."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        f"PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON;"
    )
    connection.executescript(UPSTREAM)
    return connection


def bare_rows(pipeline: Pipeline, numbers: Sequence[int]) -> list[dict[str, object]]:
    """The rows of receipts as the pack makes them; its words are made before the clock runs."""
    rows = []
    for draft in drafts(pipeline, numbers):
        made = rows_of(_event(draft))
        rows += [dict(row.values) for row in (made if isinstance(made, tuple) else ())][:1]
    return rows


def _event(draft: Draft) -> object:
    from evidentia.pack.tables import LedgerEvent  # noqa: PLC0415 - beside its only use

    now = format_time(START_US)
    return LedgerEvent(
        sequence=0,
        id="e",
        event_type=draft.event_type,
        observed_at=now,
        recorded_at=now,
        payload=draft.payload,
    )


def insert(connection: sqlite3.Connection, rows: Sequence[dict[str, object]]) -> None:
    """The rows in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(INSERT, rows)
    connection.execute("COMMIT")


def timed(run: Callable[[int], object], number: int) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    run(number)
    return (time.perf_counter() - began) * 1_000


def compare(title: str, sides: Sequence[Side], rounds: int, first: int) -> None:
    """Time the sides in turns; the last is what the others are held against."""
    taken: dict[str, list[float]] = {side.name: [] for side in sides}
    for number in range(rounds + 1):
        for side in sides:
            spent = timed(side.run, first + number)
            # The first round warms up caches, of the sides and of the system.
            if number:
                taken[side.name].append(spent)
    bare = taken[sides[-1].name]
    for side in sides:
        median = statistics.median(taken[side.name])
        ratio = statistics.median(
            mine / theirs for mine, theirs in zip(taken[side.name], bare, strict=True)
        )
        print(f"| {title} | {side.name} | {median:,.3f} | {ratio:,.2f} |")


def writing(recorder: DeskRecorder, pipeline: Pipeline, folder: Path, args: Options) -> None:
    """One receipt and a batch."""
    bare = {each: bare_database(folder / f"{each}.db", each) for each in ("FULL", "NORMAL")}
    with recorder.held() as held:
        against(held, pipeline, bare, args, "held open")
    against(recorder, pipeline, bare, args, "recorded")
    for connection in bare.values():
        connection.close()


def against(
    recorder: Recorder,
    pipeline: Pipeline,
    bare: dict[str, sqlite3.Connection],
    args: Options,
    how: str,
) -> None:
    """Both jobs by one way to record, and by bare sqlite3."""
    for title, size in (("single insert", 1), (f"batch of {BATCH}", BATCH)):
        base = args.receipts * (1 if how == "recorded" else 2) + (0 if size == 1 else 3_000_000)
        rows: dict[int, list[dict[str, object]]] = {}
        events: dict[int, list[Draft]] = {}
        for number in range(base, base + args.rounds + 1):
            numbers = range(number * size, number * size + size)
            rows[number] = bare_rows(pipeline, numbers)
            events[number] = drafts(pipeline, numbers)
        sides = [
            Side(
                name=f"{how}: ledger and rows",
                run=lambda number, events=events: recorder.record(events[number]),
            ),
            *(
                Side(
                    name=f"bare sqlite3, {level}",
                    run=lambda number, rows=rows, level=level: insert(bare[level], rows[number]),
                )
                for level in ("FULL", "NORMAL")
            ),
        ]
        compare(title, sides, args.rounds, base)


def asking(recorder: DeskRecorder, args: Options) -> None:
    """The named queries and the same statements."""
    end_us = START_US + args.receipts * STEP_US
    day = {"since": format_time(end_us - 86_400_000_000), "until": format_time(end_us)}
    everything = {"since": format_time(START_US), "until": format_time(end_us)}
    jobs = (
        ("range, 24 hours", "receipts_range", {**day, "limit": str(SCAN_ROWS)}),
        ("aggregate, agents, 24 hours", "agent_performance", day),
        ("aggregate, agents, everything", "agent_performance", everything),
        ("aggregate, stages, everything", "stage_bottlenecks", everything),
        ("recent failures", "recent_failures", {}),
        (f"scan, {SCAN_ROWS:,} rows", "receipts_range", {**everything, "limit": str(SCAN_ROWS)}),
    )
    bare = sqlite3.connect(recorder.desk.path)
    with recorder.desk.store.reading() as snapshot:
        reader = DatabaseReader(database=snapshot)
        for title, name, given in jobs:
            query = QUERIES[name]
            bound = bind(query, given, end_us)
            texts = as_texts(query, bound)
            sides = [
                Side(
                    name="named query",
                    run=lambda _, query=query, bound=bound: reader.run_query(query, bound),
                ),
                Side(
                    name="bare sqlite3",
                    run=lambda _, query=query, texts=texts: bare.execute(
                        query.sql, texts
                    ).fetchall(),
                ),
            ]
            compare(title, sides, args.rounds, 0)
    bare.close()


def as_texts(query: NamedQuery, bound: dict[str, object]) -> dict[str, object]:
    """Parameters as the tables hold them."""
    times = {each.name for each in query.parameters if each.type is ParameterType.TIME}
    return {
        name: format_time(value) if name in times and isinstance(value, int) else value
        for name, value in bound.items()
    }


def unindexed(path: Path) -> Iterator[str]:
    """The steps of named queries that read a table from end to end."""
    connection = sqlite3.connect(path)
    for query in QUERIES.values():
        values = {
            each.name: 10 if each.type is ParameterType.INTEGER else "2026"
            for each in query.parameters
        }
        for row in connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", values):
            step = str(row[3])
            is_of_table = step not in {"SCAN CONSTANT ROW", "SCAN classed"}
            if step.startswith(("SCAN", "SEARCH")) and is_of_table and " USING " not in step:
                yield f"{query.name}: {step}"
    connection.close()


def each_query(recorder: DeskRecorder, receipts: int) -> None:
    """How long every named query takes with its defaults, as of the last receipt."""
    now_us = START_US + receipts * STEP_US
    with recorder.desk.store.reading() as snapshot:
        reader = DatabaseReader(database=snapshot)
        for query in QUERIES.values():
            bound = bind(query, {}, now_us)
            spent = timed(lambda _, query=query, bound=bound: reader.run_query(query, bound), 0)
            print(f"| {query.name} | {spent:,.1f} |")


def sizes(recorder: DeskRecorder, receipts: int) -> None:
    """Bytes of the ledger and the database."""
    desk = recorder.desk
    for what, paths in (
        ("ledger", sorted(desk.entry.folder.glob("*.jsonl"))),
        ("database", [desk.path]),
    ):
        total = sum(path.stat().st_size for path in paths)
        print(f"{what}: {total / 1e6:,.1f} MB, {total / receipts:,.0f} bytes a receipt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for."""

    receipts: int
    rounds: int


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--receipts", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    args = Options(receipts=given.receipts, rounds=given.rounds)
    folder = Path(tempfile.mkdtemp(prefix="pipeline-", dir=given.folder))
    try:
        return run(folder, args)
    finally:
        shutil.rmtree(folder)


def run(folder: Path, args: Options) -> int:
    """All of it, in a folder."""
    recorder = open_recorder("pipeline", folder / "pipeline.db")
    pipeline = Pipeline(recorder)
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    appended, projected = fill(recorder, pipeline, args.receipts)
    print(
        f"{args.receipts:,} receipts: appended in {appended:,.1f} s "
        f"({args.receipts / appended:,.0f}/s), projected in {projected:,.1f} s "
        f"({args.receipts / projected:,.0f}/s)"
    )
    recorder.desk.maintain()
    sizes(recorder, args.receipts)
    wrong = [*unindexed(recorder.desk.path)]
    print("| job | side | median, ms | ratio |\n|---|---|---|---|")
    asking(recorder, args)
    writing(recorder, pipeline, folder, args)
    print("| named query | ms |\n|---|---|")
    each_query(recorder, args.receipts)
    for step in wrong:
        print(f"without an index: {step}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
