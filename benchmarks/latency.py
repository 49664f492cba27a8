"""How long an appended line takes until a query sees it, with ``evidentia follow`` in between.

    python benchmarks/latency.py [--rate N ...] [--samples N] [--pause-ms N]

For each rate a writer appends single lines to a new log, each with its own write to a descriptor
with O_APPEND, as evenly as it can, and a follower of its own reads that log into a new store. A
connection that can only read asks for the position of a sampled line until its row is there. What
is measured is the time from just before the write to the answer, waiting between two questions
included. Samples are spread evenly: all lines at slow rates, every so many at fast ones. Run by
hand, on a machine that does nothing else: the figures belong to the machine and the hour.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

RATES = (1.0, 100.0, 5_000.0)
SAMPLES = 1_000
SLOW_SAMPLES = 120
"""At less than ten lines a second a thousand samples would take minutes to a quarter of an hour."""
SLOW_RATE = 10.0
SAMPLES_A_SECOND_MAX = 200.0
"""So that the questions do not become the load."""
SECONDS_MAX = 30.0
"""A line that is not seen for so long is a failure, not a sample."""
SEGMENT = 1 << 40
"""The first position of the first segment of a store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is written.

    Attributes:
        rate: Lines a second.
        samples: Lines of which the time is taken.
        every: The place of a sample among the lines: each so many is one.
        pause_seconds: Between two questions.
    """

    rate: float
    samples: int
    every: int
    pause_seconds: float


@dataclass(slots=True, kw_only=True)
class Written:
    """What the writer tells the reader."""

    samples: deque[tuple[int, float]] = field(default_factory=deque)
    has_ended: bool = False
    late_seconds: float = 0.0


def line_of(number: int) -> bytes:
    """A line as long as a short event is."""
    return (
        b'{"ts":"2026-01-01T00:00:00Z","kind":"heartbeat","actor":"latency","role":"bot",'
        b'"payload":{"n":%d,"text":"%s"}}\n' % (number, b"x" * 160)
    )


def wait_until(moment: float) -> None:
    """Sleep until a moment of the performance counter."""
    while (left := moment - time.perf_counter()) > 0:
        time.sleep(left)


def write(log: Path, load: Load, written: Written, should_end: threading.Event) -> None:
    """Append lines at the rate, and note place and time of each that is a sample."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    try:
        place = os.fstat(descriptor).st_size
        began = time.perf_counter()
        for number in range(load.samples * load.every):
            wait_until(began + number / load.rate)
            now = time.perf_counter()
            written.late_seconds = max(written.late_seconds, now - began - number / load.rate)
            line = line_of(number)
            os.write(descriptor, line)
            if number % load.every == 0:
                written.samples.append((SEGMENT + place, now))
            place += len(line)
            if should_end.is_set():
                return
    finally:
        os.close(descriptor)
        written.has_ended = True


def is_there(connection: sqlite3.Connection, position: int) -> bool:
    """Whether the line at a position can be asked for."""
    query = "SELECT 1 FROM events WHERE id = ?"
    return connection.execute(query, (position,)).fetchone() is not None


def watch(connection: sqlite3.Connection, written: Written, pause_seconds: float) -> list[float]:
    """The seconds that each sample took to be seen, in order."""
    found: list[float] = []
    while written.samples or not written.has_ended:
        if not written.samples:
            time.sleep(pause_seconds)
            continue
        position, since = written.samples.popleft()
        while not is_there(connection, position):
            if time.perf_counter() - since > SECONDS_MAX:
                raise SystemExit(f"position {position} was not seen within {SECONDS_MAX:.0f} s")
            time.sleep(pause_seconds)
        found.append(time.perf_counter() - since)
    return found


def follow(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """A follower of its own for this log and a store of its own."""
    command = [sys.executable, "-m", "evidentia", "--quiet", "--db", str(folder / "s.db")]
    return subprocess.Popen(
        [*command, "follow", "--pack", "world", "--log", str(log)], stdout=subprocess.DEVNULL
    )


def opened(store: Path, follower: subprocess.Popen[bytes]) -> sqlite3.Connection:
    """A connection that can only read, once the follower has stored the first line."""
    ends = time.perf_counter() + SECONDS_MAX
    while time.perf_counter() < ends:
        if follower.poll() is not None:
            raise SystemExit(f"the follower ended with status {follower.returncode}")
        if store.exists():
            # Outside of transactions, so that each question sees the newest commit.
            connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True, isolation_level=None)
            try:
                if is_there(connection, SEGMENT):
                    return connection
            except sqlite3.OperationalError:
                # Its tables are being made.
                pass
            connection.close()
        time.sleep(0.05)
    raise SystemExit(f"the follower stored nothing within {SECONDS_MAX:.0f} s")


def ended(follower: subprocess.Popen[bytes]) -> float:
    """End a follower by its own process number; how long it took."""
    began = time.perf_counter()
    follower.send_signal(signal.SIGTERM)
    try:
        status = follower.wait(timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        follower.kill()
        follower.wait()
        raise SystemExit("the follower did not end when it was asked to") from None
    if status:
        raise SystemExit(f"the follower ended with status {status}")
    return time.perf_counter() - began


def measure(load: Load) -> tuple[list[float], float, float]:
    """Seconds of each sample, the writer's worst delay, and how long the follower took to end."""
    with tempfile.TemporaryDirectory(prefix="evidentia-latency-") as name:
        folder = Path(name)
        log = folder / "live.jsonl"
        log.write_bytes(line_of(-1))
        written = Written()
        should_end = threading.Event()
        follower = follow(folder, log)
        try:
            connection = opened(folder / "s.db", follower)
            try:
                writer = threading.Thread(target=write, args=(log, load, written, should_end))
                writer.start()
                found = watch(connection, written, load.pause_seconds)
                writer.join()
            finally:
                should_end.set()
                connection.close()
        except BaseException:
            follower.kill()
            follower.wait()
            raise
        return found, written.late_seconds, ended(follower)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of them lies, by the nearest rank."""
    return ordered[math.ceil(share * len(ordered)) - 1]


def load_of(rate: float, samples: int | None, pause_ms: float) -> Load:
    """How a rate is sampled."""
    if samples is None:
        samples = SLOW_SAMPLES if rate < SLOW_RATE else SAMPLES
    return Load(
        rate=rate,
        samples=samples,
        every=max(1, round(rate / SAMPLES_A_SECOND_MAX)),
        pause_seconds=pause_ms / 1_000,
    )


def main() -> None:
    """Measure each rate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, nargs="+", default=list(RATES), metavar="N")
    parser.add_argument(
        "--samples",
        type=int,
        metavar="N",
        help=f"for each rate (default: {SAMPLES}; {SLOW_SAMPLES} below {SLOW_RATE:.0f}/s)",
    )
    parser.add_argument("--pause-ms", type=float, default=0.5, metavar="N")
    options = parser.parse_args()
    if min(options.rate) <= 0 or (options.samples is not None and options.samples < 1):
        parser.error("rates and samples must be positive")
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, load {os.getloadavg()[0]:.1f}"
    )
    print(f"lines of {len(line_of(0))} bytes; questions every {options.pause_ms} ms; times in ms")
    for rate in options.rate:
        load = load_of(rate, options.samples, options.pause_ms)
        found, late, ending = measure(load)
        ordered = sorted(found)
        figures = "  ".join(
            f"{name} {quantile(ordered, share) * 1e3:7.1f}"
            for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))
        )
        print(
            f"{rate:8,.0f} events/s  {len(found):5} samples  {figures}  "
            f"(writer late by {late * 1e3:.1f} at most; SIGTERM to end {ending * 1e3:.0f})",
            flush=True,
        )
        if load.samples < SAMPLES and options.samples is None:
            print(f"          {load.samples} samples only: {SAMPLES} would take too long")


if __name__ == "__main__":
    main()
