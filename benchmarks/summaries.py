"""What summaries cost while a log is loaded, and what they save when a report is read.

    python benchmarks/summaries.py [--events N] [--rounds N]

The same generated Cowrie log is loaded with the pack's summaries and without, taking turns, in
processes of their own. Then sessions are looked up by their id, and what a monthly report needs is
read from the summaries and from the events. Run by hand, not in CI.
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
from pathlib import Path

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
SINCE, UNTIL = 1_769_904_000_000_000, 1_772_323_200_000_000
"""February 2026 in UTC microseconds."""
MONTH = {
    "from summaries": (
        "SELECT kind, sum(events) FROM daily WHERE day >= ? AND day < ? GROUP BY kind",
        (
            "SELECT count(*), avg(command_count), max(command_count), sum(login_attempts),"
            " sum(file_downloads), count(DISTINCT src_ip) FROM sessions"
            " WHERE first_ts >= ? AND first_ts < ?"
        ),
    ),
    "from events": (
        "SELECT kind, count(*) FROM events WHERE ts >= ? AND ts < ? GROUP BY kind",
        (
            "SELECT count(DISTINCT session_id), count(DISTINCT actor), count(input),"
            " count(username), count(url) FROM events WHERE ts >= ? AND ts < ?"
        ),
    ),
}


def load(folder: Path, log: Path, way: str) -> float:
    """Seconds that one load takes."""
    for path in folder.glob(f"{way}.db*"):
        path.unlink()
    os.sync()
    command = [sys.executable, "-c", LOAD, way, "--quiet", "--db", str(folder / f"{way}.db")]
    began = time.perf_counter()
    subprocess.run([*command, "ingest", "--pack", "cowrie", "--log", str(log)], check=True)
    return time.perf_counter() - began


def seconds(connection: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> float:
    """Seconds until all rows of a query are read."""
    began = time.perf_counter()
    connection.execute(sql, values).fetchall()
    return time.perf_counter() - began


def read(store: Path) -> None:
    """Print how long look-ups and a month take."""
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    ids = [row[0] for row in connection.execute("SELECT session_id FROM sessions")]
    chosen = random.Random(1).sample(ids, min(2_000, len(ids)))
    sql = "SELECT * FROM sessions WHERE session_id = ?"
    times = sorted(seconds(connection, sql, (each,)) for each in chosen)
    print(f"one of {len(ids):,} sessions by id: p99 {times[len(times) * 99 // 100] * 1e3:.2f} ms")
    for name, queries in MONTH.items():
        spent = sum(seconds(connection, sql, (SINCE, UNTIL)) for sql in queries)
        print(f"a month {name}: {spent * 1e3:,.0f} ms")
    connection.close()


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--log", type=Path, help="a log that was generated before")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="evidentia-summaries-"))
    try:
        log = options.log or folder / "cowrie.json"
        if options.log is None:
            made = [sys.executable, str(GENERATOR), "cowrie", "--events", str(options.events)]
            subprocess.run([*made, "--days", "180", "--out", str(log)], check=True)
        print(f"{platform.platform()}, {os.cpu_count()} cores, SQLite {sqlite3.sqlite_version}")
        best: dict[str, float] = {}
        for number in range(1, options.rounds + 1):
            for way in ("without", "with"):
                spent = load(folder, log, way)
                best[way] = min(spent, best.get(way, spent))
                print(f"round {number}  {way:<8} {spent:6.1f} s")
        print(f"best rounds: {best['with'] / best['without']:.2f} x the load without summaries")
        read(folder / "with.db")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
