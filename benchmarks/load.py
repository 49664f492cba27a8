"""How fast a large log is loaded, against a plain script that does the same work.

    python benchmarks/load.py [--events N] [--rounds N] [--bare]

All sides load the same generated Cowrie log into a new database, in processes of their own,
taking turns, so that a busy machine is unfair to none. Printed: events/s and peak memory of
all processes of each side, per round, and the ratios of the best rounds. Run by hand, not in CI:
the figures belong to the machine they were taken on. With ``--bare`` neither side makes tables of
sessions, commands and so on, so that the load alone is compared.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
GENERATOR = HERE.parent / "examples" / "generate_logs.py"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One load."""

    seconds: float
    peak_bytes: int


def family(pid: int) -> list[int]:
    """A process and all it has started."""
    found = [pid]
    for each in found:
        try:
            text = Path(f"/proc/{each}/task/{each}/children").read_text("ascii")
        except OSError:
            continue
        found += [int(child) for child in text.split()]
    return found


def resident_bytes(pids: list[int]) -> int:
    """What some processes hold in memory, shared pages counted once per process."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE_BYTES
        except (OSError, IndexError):
            continue
    return total


def measure(command: list[str]) -> Run:
    """Run a command and watch its family's memory every 20 ms."""
    os.sync()
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.02):
            peak = max(peak, resident_bytes(family(process.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = process.wait()
    seconds = time.perf_counter() - began
    ended.set()
    watcher.join()
    if status:
        raise SystemExit(f"{command[0]} ended with status {status}")
    return Run(seconds=seconds, peak_bytes=peak)


def events_in(database: Path, relation: str) -> int:
    """Rows that were really loaded."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        (count,) = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    finally:
        connection.close()
    return int(count)


def clear(folder: Path) -> None:
    """Remove databases of the round before."""
    for path in folder.glob("*.db*"):
        path.unlink()


def one_round(folder: Path, log: Path, events: int, bare: list[str]) -> dict[str, Run]:
    """Each side once."""
    clear(folder)
    runs = {}
    for mode in ("careless", "strict"):
        script = [sys.executable, str(HERE / "plain_loader.py"), mode, str(log)]
        runs[f"plain script, {mode}"] = measure([*script, str(folder / f"{mode}.db"), *bare])
        check(folder / f"{mode}.db", "events", events)
    command = [sys.executable, "-m", "evidentia", "--quiet", "--db", str(folder / "ours.db")]
    command += ["ingest", "--pack", "cowrie", "--log", str(log)]
    if bare:
        command = [sys.executable, str(HERE / "bare_loader.py"), str(log), str(folder / "ours.db")]
    runs["evidentia"] = measure(command)
    check(folder / "ours.db", "event_rows", events)
    return runs


def check(database: Path, relation: str, events: int) -> None:
    """Refuse a run that did not load everything."""
    if events_in(database, relation) != events:
        raise SystemExit(f"{database.name} does not hold {events} events")


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="evidentia-load-"))
    try:
        log = folder / "cowrie.json"
        subprocess.run(
            [
                sys.executable,
                str(GENERATOR),
                "cowrie",
                "--events",
                str(options.events),
                "--days",
                "180",
                "--out",
                str(log),
            ],
            check=True,
        )
        print(
            f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
            f"SQLite {sqlite3.sqlite_version}"
        )
        print(f"{options.events:,} events, {log.stat().st_size / 1e6:.0f} MB")
        rounds = []
        for number in range(1, options.rounds + 1):
            rounds.append(one_round(folder, log, options.events, ["--bare"] * options.bare))
            for name, run in rounds[-1].items():
                print(
                    f"round {number}  {name:<22} {run.seconds:6.1f} s  "
                    f"{options.events / run.seconds:10,.0f} events/s  "
                    f"{run.peak_bytes / 2**20:6.0f} MiB"
                )
        best = {name: min(each[name].seconds for each in rounds) for name in rounds[0]}
        ours = best.pop("evidentia")
        for name, seconds in best.items():
            print(f"best rounds: evidentia is {seconds / ours:.2f} x the {name}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
