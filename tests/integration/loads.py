"""Logs under load: a writer process, a follower process, and what must be stored in the end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from tests.unit.ingest.kit import Place, is_tiled

from .log_writer import line_of
from .processes import TIMEOUT_SECONDS, checkpoint_of, environment, start

LOG: Final = "live.jsonl"
GLOB: Final = f"{LOG}*"
CONFIG: Final = """
[store]
url = "sqlite:///s.db"
[[logs]]
path = "logs/live.jsonl*"
pack = "world"
"""
TERM_SECONDS: Final = 5.0


class WriterProcess:
    """A writer in a process of its own, in its folder ``logs``."""

    def __init__(
        self, folder: Path, *, lines: int, burst: int = 1, pause_seconds: float = 0.0
    ) -> None:
        self.folder = folder / "logs"
        self.folder.mkdir(mode=0o755, exist_ok=True)
        self.log = self.folder / LOG
        self.acknowledged = self.folder / "reopened"
        script = Path(__file__).with_name("log_writer.py")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-S", str(script), str(self.log)),
                *(str(lines), str(burst), str(pause_seconds)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_until(self.acknowledged.exists)
        self.acknowledged.unlink()

    @property
    def number(self) -> int:
        """The process."""
        return self._process.pid

    def reopen(self) -> None:
        """Let it open the log anew, and wait until it has."""
        self._process.send_signal(signal.SIGUSR1)
        wait_until(self.acknowledged.exists)
        self.acknowledged.unlink()

    def grant(self) -> None:
        """Let it write as many lines more as at first."""
        self._process.send_signal(signal.SIGUSR2)

    def rotate(self) -> None:
        """Rename and create, as careful operators do it; no file is ever deleted."""
        rotated = sorted(
            self.folder.glob(f"{LOG}.*"), key=lambda path: int(path.suffix[1:]), reverse=True
        )
        for path in rotated:
            path.rename(path.with_suffix(f".{int(path.suffix[1:]) + 1}"))
        self.log.rename(self.folder / f"{LOG}.1")
        self.reopen()

    def stop(self) -> int:
        """End it; how many lines it has written."""
        self._process.send_signal(signal.SIGTERM)
        out, _errors = self._process.communicate(timeout=TIMEOUT_SECONDS)
        return int(out)

    def kill(self) -> None:
        """End it whatever it does, for a test that failed."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def writing(
    folder: Path, *, lines: int, burst: int = 1, pause_seconds: float = 0.0
) -> Iterator[WriterProcess]:
    """A writer that does not outlive the test."""
    writer = WriterProcess(folder, lines=lines, burst=burst, pause_seconds=pause_seconds)
    try:
        yield writer
    finally:
        writer.kill()


def wait_until(is_so: Callable[[], bool], meanwhile: Callable[[], object] | None = None) -> None:
    """Return when something is so; fail when it does not become so."""
    until = time.monotonic() + TIMEOUT_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise AssertionError(f"waited {TIMEOUT_SECONDS} s in vain")
        if meanwhile is None:
            time.sleep(0.002)
        else:
            meanwhile()


def follow(folder: Path) -> subprocess.Popen[str]:
    """A follower of ``logs`` in a process of its own; skipped where there is no such command."""
    config = folder / "evidentia.toml"
    if not config.exists():
        config.write_text(CONFIG)
        known = subprocess.run(
            [sys.executable, "-m", "evidentia", "follow", "--help"],
            env=environment(),
            capture_output=True,
            check=False,
        )
        if known.returncode:
            pytest.fail("there is no command 'evidentia follow'")
    return start("--config", str(config), "follow", "--interval", "0.02", folder=folder)


def read_on(folder: Path) -> None:
    """One pass after the follower has ended, which reads what it had not come to."""
    process = start("--config", str(folder / "evidentia.toml"), "ingest", folder=folder)
    _out, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 0, errors


def ended(process: subprocess.Popen[str]) -> str:
    """Stop a follower as a service manager does; it drains, gives the lease back and ends."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    assert (process.returncode, "Traceback" in errors) == (0, False), errors
    assert time.monotonic() - began < TERM_SECONDS, "it took too long to end"
    return out


def committed(place: Place) -> int:
    """How many batches there are."""
    if not checkpoint_of(place.store.path):
        return 0
    return int(place.rows("SELECT count(*) FROM batches")[0][0])


def stored_lines(place: Place) -> list[tuple[int, int, bytes]]:
    """Segment, running number and bytes of every event, in order of position."""
    return [
        (segment, json.loads(raw)["n"], bytes(raw))
        for segment, raw in place.rows("SELECT id >> 40, raw FROM event_rows ORDER BY id")
    ]


def assert_whole(place: Place, count: int) -> None:
    """Every line that was written is stored, once, byte for byte, and nothing else is."""
    found = Counter((number, raw) for _segment, number, raw in stored_lines(place))
    expected = Counter((number, line_of(number)[:-1]) for number in range(count))
    lost, doubled = expected - found, found - expected
    assert not lost, f"lost {len(lost)}: {sorted(number for number, _raw in lost)[:20]}"
    assert not doubled, f"doubled {len(doubled)}: {sorted(number for number, _raw in doubled)[:20]}"
    assert place.rows("SELECT * FROM dead_letter_rows") == []
    gaps = place.rows("SELECT gap_rows.*, path FROM gap_rows, segments ON segments.id = segment_id")
    assert (gaps, place.rows("SELECT * FROM decisions") if gaps else None) == ([], None)


def assert_all_tiled(place: Place) -> None:
    """The batches of every segment lie side by side up to its checkpoint."""
    for number, checkpoint in place.rows("SELECT id, checkpoint FROM segments"):
        ranges = place.rows(
            "SELECT byte_start, byte_end FROM batches WHERE segment_id = ? ORDER BY 1", number
        )
        assert is_tiled(ranges, checkpoint), number
