"""How fast a ledger appends durably and is verified, beside a bare loop and eventsourcing.

    python benchmarks/ledger.py [--rounds N] [--seconds S] [--folder PATH]

Sides, which take turns within each round, so that a busy machine is unfair to none:

- ledger, none / ledger, heads: this package, without signatures and with signed tree heads;
- bare loop: the same bytes by write and fdatasync, without anything else;
- eventsourcing: that package's SQLiteApplicationRecorder on a file, with its defaults.

Each appends 1 and 50 events a commit, from 1 and 8 threads; each commit is on the disk before the
next. Printed: medians in events/s, and the median of the ratios to the bare loop of the same
round. Then a ledger of 200,000 events is verified, on one core. Run by hand, not in CI: the
figures belong to the machine and the disk they were taken on.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shutil
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from evidentia.event.canonical import canonical_bytes
from evidentia.event.envelope import Draft
from evidentia.event.values import JsonObject
from evidentia.ledger.appending import Ledger
from evidentia.ledger.layout import segment_files
from evidentia.ledger.opening import create_ledger, open_ledger
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import LedgerOptions
from evidentia.ledger.verifying import VerifyRules, verify_ledger
from evidentia.proof.keys import Ed25519Signer
from evidentia.proof.policy import Contribution, Outcome, compose

ORIGIN = "example.org/benchmark"
VERIFIED_EVENTS = 200_000
SHAPES = [(1, 1), (50, 1), (1, 8), (50, 8)]
"""Events a commit, threads."""
POLICY = compose(
    [Contribution(rule_id="benchmark.append", outcome=Outcome.ALLOW, reason="a benchmark appends")]
)
Append = Callable[[int], None]
"""Appends that many events, durably."""
Side = Callable[[Path], AbstractContextManager[Callable[[], Append]]]
"""Opens a side in a folder; what it gives makes the ``Append`` of one thread."""


def payload(number: int) -> JsonObject:
    """What every event says: some 110 bytes."""
    return {
        "actor": "agent-7",
        "n": number,
        "tags": ["a", "b"],
        "text": "the quick brown fox jumps over the lazy dog",
    }


def draft(number: int) -> Draft:
    """One event for a ledger."""
    return Draft(event_type="benchmark.event.v1", payload=payload(number))


def options(signing: Signing) -> LedgerOptions:
    """The defaults, with a key if one is needed."""
    signer = Ed25519Signer(ORIGIN, os.urandom(32)) if signing is Signing.HEADS else None
    return LedgerOptions(clock=lambda: time.time_ns() // 1_000, signer=signer)


@contextmanager
def new_ledger(folder: Path, signing: Signing) -> Iterator[Ledger]:
    """A ledger that is open for appending."""
    chosen = options(signing)
    create_ledger(folder, ORIGIN, signing, chosen)
    with open_ledger(folder, chosen) as ledger:
        yield ledger


def ledger_side(signing: Signing) -> Side:
    """This package."""

    @contextmanager
    def opened(folder: Path) -> Iterator[Callable[[], Append]]:
        with new_ledger(folder / "ledger", signing) as ledger:

            def append(count: int) -> None:
                ledger.append([draft(number) for number in range(count)], POLICY)

            yield lambda: append

    return opened


def bare_side(line: bytes) -> Side:
    """Nothing but the bytes."""

    @contextmanager
    def opened(folder: Path) -> Iterator[Callable[[], Append]]:
        descriptor = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def append(count: int) -> None:
            os.write(descriptor, line * count)
            os.fdatasync(descriptor)

        try:
            yield lambda: append
        finally:
            os.close(descriptor)

    return opened


@contextmanager
def eventsourcing_side(folder: Path) -> Iterator[Callable[[], Append]]:
    """Events of one originator for each thread; the state is the payload's bytes."""
    datastore = SQLiteDatastore(db_name=str(folder / "events.db"))
    recorder = SQLiteApplicationRecorder(datastore)
    recorder.create_table()

    def new_append() -> Append:
        originator = uuid4()
        version = 0

        def append(count: int) -> None:
            nonlocal version
            recorder.insert_events(
                [
                    StoredEvent(originator, version + n, "benchmark", canonical_bytes(payload(n)))
                    for n in range(count)
                ]
            )
            version += count

        return append

    try:
        yield new_append
    finally:
        datastore.close()


def sample_line(folder: Path) -> bytes:
    """A line as the ledger writes it, for the bare loop."""
    with new_ledger(folder / "sample", Signing.NONE) as ledger:
        ledger.append([draft(7)], POLICY)
        ledger.append([draft(7)], POLICY)
    return segment_files(folder / "sample")[0].path.read_bytes().splitlines(keepends=True)[-1]


def rate(side: Side, root: Path, shape: tuple[int, int], seconds: float) -> float:
    """Events per second that one side appends durably."""
    count, threads = shape
    folder = Path(tempfile.mkdtemp(dir=root))
    begin = threading.Barrier(threads + 1)
    appended = [0] * threads

    def work(place: int, append: Append) -> None:
        append(count)
        begin.wait()
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            append(count)
            appended[place] += count

    with side(folder) as new_append:
        workers = [
            threading.Thread(target=work, args=(place, new_append())) for place in range(threads)
        ]
        for worker in workers:
            worker.start()
        begin.wait()
        began = time.perf_counter()
        for worker in workers:
            worker.join()
        elapsed = time.perf_counter() - began
    shutil.rmtree(folder)
    return sum(appended) / elapsed


def print_appends(root: Path, rounds: int, seconds: float) -> None:
    """Measure all sides in all shapes, in turns."""
    line = sample_line(root)
    sides: dict[str, Side] = {
        "bare loop": bare_side(line),
        "ledger, none": ledger_side(Signing.NONE),
        "ledger, heads": ledger_side(Signing.HEADS),
        "eventsourcing": eventsourcing_side,
    }
    found: dict[tuple[str, tuple[int, int]], list[float]] = {}
    for _ in range(rounds):
        for shape in SHAPES:
            for name, side in sides.items():
                found.setdefault((name, shape), []).append(rate(side, root, shape, seconds))
    print(
        f"durable appends, lines of {len(line)} bytes, medians of {rounds} rounds, {seconds} s each"
    )
    for count, threads in SHAPES:
        bare = found["bare loop", (count, threads)]
        for name in sides:
            rates = found[name, (count, threads)]
            ratio = statistics.median(ours / other for ours, other in zip(rates, bare, strict=True))
            print(
                f"  {count:2} a commit, {threads} threads  {name:<14}"
                f"{statistics.median(rates):10,.0f} events/s  {ratio:5.2f} x the bare loop"
                f"  ({min(rates):,.0f} to {max(rates):,.0f})"
            )


def print_verifies(root: Path, rounds: int) -> None:
    """Verify a ledger that is in the page cache, on one core."""
    folder = root / "verified"
    with new_ledger(folder, Signing.HEADS) as ledger:
        for begin in range(1, VERIFIED_EVENTS, 50):
            ledger.append([draft(n) for n in range(begin, begin + 50)], POLICY)
    size = sum(file.path.stat().st_size for file in segment_files(folder))
    print(f"verify, {VERIFIED_EVENTS:,} events, {size / 1e6:.0f} MB, one core, {rounds} rounds")
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    for name, is_deep in (("verify", False), ("verify --deep", True)):
        rates = []
        for _ in range(rounds):
            began, used = time.perf_counter(), time.process_time()
            verdict = verify_ledger(folder, VerifyRules(is_deep=is_deep))
            elapsed, used = time.perf_counter() - began, time.process_time() - used
            if verdict.failure_count:
                raise SystemExit(f"the ledger does not hold: {verdict.failures[0]}")
            rates.append((verdict.size / elapsed, verdict.size / used))
        walls, cpus = zip(*rates, strict=True)
        print(
            f"  {name:<14}{statistics.median(walls):10,.0f} events/s  ({min(walls):,.0f} to"
            f" {max(walls):,.0f}); {statistics.median(cpus):,.0f} in a second of processor time"
        )
    os.sched_setaffinity(0, cores)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured")
    given = parser.parse_args()
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("msgspec", "cryptography", "eventsourcing")
    )
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}"
    )
    root = Path(tempfile.mkdtemp(prefix="evidentia-ledger-", dir=given.folder))
    try:
        print_appends(root, given.rounds, given.seconds)
        print_verifies(root, given.rounds)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
