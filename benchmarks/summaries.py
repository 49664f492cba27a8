"""What summaries cost while a log is loaded, and what they save when a report is read.

    python benchmarks/summaries.py [--events N] [--rounds N] [--log FILE] [--store FILE]

The same generated Cowrie log is loaded with the pack's summaries and without, taking turns, in
processes of their own. Then, on the store with summaries: a monthly report, made in this process
and by the command line, the same as of an earlier batch, and 1,000 look-ups of a session by its
id, by the named query and by bare SQL. Without ``--rounds`` the log is loaded once, with summaries;
``--store`` reads one that was loaded before. Run by hand, not in CI.

What is counted: in this process, from opening the store to the last row, programs and pages warm
from one report before; by the command line, from starting the interpreter to its end. A look-up
counts the statement and what it takes to know that the table holds every batch.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from evidentia.pack.registry import load_packs
from evidentia.report.periodic import Period, ask_over, make_report, read_span
from evidentia.report.queries import ask
from evidentia.store.opening import Store
from evidentia.store.scope import Scope

GENERATOR = Path(__file__).resolve().parent.parent / "examples" / "generate_logs.py"
LOAD = """
import dataclasses, sys
from evidentia.cli.application import run
if sys.argv[1] == "without":
    from evidentia.app import workspace
    load = workspace.load_packs
    workspace.load_packs = lambda: {
        name: dataclasses.replace(pack, summaries=()) for name, pack in load().items()
    }
sys.exit(run(sys.argv[2:]))
"""
LOOKUPS = 1_000


def load(folder: Path, log: Path, way: str) -> float:
    """Seconds that one load takes."""
    for path in folder.glob(f"{way}.db*"):
        path.unlink()
    os.sync()
    command = [sys.executable, "-c", LOAD, way, "--quiet", "--db", str(folder / f"{way}.db")]
    began = time.perf_counter()
    subprocess.run([*command, "ingest", "--pack", "cowrie", "--log", str(log)], check=True)
    return time.perf_counter() - began


def percentiles(times: list[float]) -> str:
    """The 50th and the 99th of some times, and the longest."""
    ordered = sorted(times)
    middle, high = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return f"p50 {middle * 1e3:.2f} ms, p99 {high * 1e3:.2f} ms, most {ordered[-1] * 1e3:.2f} ms"


def timed(work: Callable[[], object]) -> float:
    """Seconds that something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def report(store: Path, as_of: int | None = None) -> object:
    """The monthly report, with the store opened for it."""
    pack = load_packs()["cowrie"]
    span = read_span(Period.MONTHLY, "2026-02", None)
    with Store(path=store).reader() as reader:
        moment = reader.as_of(batch_id=as_of)
        return make_report(reader, pack, Period.MONTHLY, span, Scope(as_of=moment))


def read_reports(store: Path) -> None:
    """Print how long a month takes, section by section too."""
    pack = load_packs()["cowrie"]
    span = read_span(Period.MONTHLY, "2026-02", None)
    print(f"month, first reading: {timed(lambda: report(store)):.2f} s")
    times = [timed(lambda: report(store)) for _ in range(5)]
    print(f"month, in this process: best {min(times):.2f} s, worst of five {max(times):.2f} s")
    command = [sys.executable, "-m", "evidentia", "--db", str(store), "report", "monthly"]
    run = partial(subprocess.run, [*command, "2026-02"], check=True, stdout=subprocess.DEVNULL)
    times = [timed(run) for _ in range(3)]
    print(f"month, by the command line: best {min(times):.2f} s, worst of three {max(times):.2f} s")
    queries = {query.name: query for query in pack.queries}
    with Store(path=store).reader() as reader:
        for section in pack.report:
            query = queries[section.query]
            asked = partial(ask_over, reader, query, span, Scope(), None, (pack,))
            print(f"  {section.query}: {timed(asked) * 1e3:.0f} ms")
        counts = partial(reader.period_counts, "cowrie", span.since_us, span.until_us)
        print(f"  what stands behind it: {timed(counts) * 1e3:.0f} ms")
        newest = reader.newest_batch()
    if newest > 1:
        spent = timed(lambda: report(store, newest - 1))
        print(f"month as of the batch before the last, from the events: {spent:.1f} s")


def read_sessions(store: Path) -> None:
    """Print how long sessions take that are looked up by their ids."""
    pack = load_packs()["cowrie"]
    query = next(each for each in pack.queries if each.name == "session")
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    ids = [row[0] for row in connection.execute("SELECT session_id FROM sessions")]
    chosen = random.Random(1).sample(ids, min(LOOKUPS, len(ids)))
    with Store(path=store).reader() as reader:
        times = [
            timed(partial(ask, reader, query, {"session_id": each}, packs=(pack,)))
            for each in chosen
        ]
    print(f"one of {len(ids):,} sessions by id, query session: {percentiles(times)}")
    sql = "SELECT * FROM sessions WHERE session_id = ?"
    times = [
        timed(lambda each=each: connection.execute(sql, (each,)).fetchall()) for each in chosen
    ]
    print(f"one of {len(ids):,} sessions by id, bare SQL: {percentiles(times)}")
    connection.close()


def compare(folder: Path, log: Path, rounds: int) -> None:
    """Load with and without summaries, taking turns, and print the ratio."""
    best: dict[str, float] = {}
    for number in range(1, rounds + 1):
        for way in ("without", "with"):
            spent = load(folder, log, way)
            best[way] = min(spent, best.get(way, spent))
            print(f"round {number}  {way:<8} {spent:6.1f} s", flush=True)
    print(f"best rounds: {best['with'] / best['without']:.2f} x the load without summaries")


def filled(folder: Path, options: argparse.Namespace) -> Path:
    """A store with the log in it."""
    if options.store is not None:
        return Path(options.store)
    log = options.log or folder / "cowrie.json"
    if options.log is None:
        made = [sys.executable, str(GENERATOR), "cowrie", "--events", str(options.events)]
        subprocess.run([*made, "--days", "180", "--out", str(log)], check=True)
    if options.rounds:
        compare(folder, log, options.rounds)
    else:
        print(f"load with summaries: {load(folder, log, 'with'):.1f} s", flush=True)
    return folder / "with.db"


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--log", type=Path, help="a log that was generated before")
    parser.add_argument("--store", type=Path, help="a store that was loaded before")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="evidentia-summaries-"))
    try:
        print(f"{platform.platform()}, {os.cpu_count()} cores, SQLite {sqlite3.sqlite_version}")
        store = filled(folder, options)
        print(f"load average {os.getloadavg()[0]:.1f}; store of {store.stat().st_size:,} bytes")
        read_reports(store)
        read_sessions(store)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
