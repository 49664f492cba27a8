"""A program that writes a log, as others do: appends numbered lines, reopens when it is told to.

Run as ``python log_writer.py PATH LINES BURST PAUSE_SECONDS``. SIGUSR1 makes it open the path anew
and then make a file ``reopened`` beside it. After LINES lines it waits; SIGUSR2 grants it as many
more. SIGTERM ends it; it prints how many lines it has written.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final

PAD: Final = b"x" * 120
WAIT_SECONDS: Final = 0.002


def line_of(number: int) -> bytes:
    """The line with this running number, and its newline."""
    second, fraction = divmod(number, 1_000)
    minute, second = divmod(second, 60)
    time_text = b"2026-01-01T00:%02d:%02d.%03dZ" % (minute % 60, second, fraction)
    return b'{"kind":"good","ts":"%s","n":%d,"pad":"%s"}\n' % (time_text, number, PAD)


class Writer:
    """Appends lines until it is told to stop."""

    def __init__(self, path: Path, *, lines: int, burst: int, pause_seconds: float) -> None:
        self._path = path
        self._lines = self._granted = lines
        self._burst = burst
        self._pause_seconds = pause_seconds
        self._must_reopen = False
        self._must_stop = False
        self._log = self._opened()

    def _opened(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def reopen(self, _number: int, _frame: FrameType | None) -> None:
        """At the next line."""
        self._must_reopen = True

    def grant(self, _number: int, _frame: FrameType | None) -> None:
        """More lines may be written."""
        self._granted += self._lines

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """At the next line."""
        self._must_stop = True

    def run(self) -> int:
        """Write; how many lines it were."""
        number = 0
        while not self._must_stop:
            if self._must_reopen:
                self._must_reopen = False
                os.close(self._log)
                self._log = self._opened()
                (self._path.parent / "reopened").touch()
            if number >= self._granted:
                time.sleep(WAIT_SECONDS)
                continue
            os.write(self._log, line_of(number))
            number += 1
            if self._pause_seconds and number % self._burst == 0:
                time.sleep(self._pause_seconds)
        return number


def main(path: str, lines: str, burst: str, pause_seconds: str) -> None:
    """Write until SIGTERM."""
    writer = Writer(
        Path(path),
        lines=int(lines),
        burst=int(burst),
        pause_seconds=float(pause_seconds),
    )
    signal.signal(signal.SIGUSR1, writer.reopen)
    signal.signal(signal.SIGUSR2, writer.grant)
    signal.signal(signal.SIGTERM, writer.stop)
    (Path(path).parent / "reopened").touch()
    sys.stdout.write(f"{writer.run()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
