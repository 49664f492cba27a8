"""A progress bar with rate and remaining time, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from evidentia.cli.plain import shown

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from evidentia.cli.output import Output


class Bar(Protocol):
    """What a run reports its progress to."""

    def begin(self, total_bytes: int) -> None:
        """There are this many bytes to read."""

    def advance(self, name: str, done_bytes: int, events: int) -> None:
        """So many more bytes and events of a log are done."""

    def merge(self, name: str, batch_id: int, newest: int) -> None:
        """A summary is being made of stored events, up to this batch of so many."""


class SilentBar:
    """No terminal, or nobody to watch."""

    def begin(self, total_bytes: int) -> None:
        """Nothing to show."""

    def advance(self, name: str, done_bytes: int, events: int) -> None:
        """Nothing to show."""

    def merge(self, name: str, batch_id: int, newest: int) -> None:
        """Nothing to show."""


class TerminalBar:
    """A bar of rich."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task
        self._events = 0

    def begin(self, total_bytes: int) -> None:
        """Show the length of the whole bar."""
        self._progress.update(self._task, total=total_bytes)

    def advance(self, name: str, done_bytes: int, events: int) -> None:
        """Move on."""
        self._events += events
        self._progress.update(
            self._task,
            advance=done_bytes,
            description=shown(name, width=28),
            events=f"{self._events:,} events" if self._events else "",
        )

    def merge(self, name: str, batch_id: int, newest: int) -> None:
        """Show what is worked on, where no byte is read for long."""
        self._progress.update(
            self._task,
            description=f"summary {shown(name, width=28)}",
            events=f"batch {batch_id:,} of {newest:,}",
        )


@contextmanager
def progress_bar(output: Output) -> Iterator[Bar]:
    """A bar on standard error where that is a terminal; else a silent one."""
    if output.is_json or output.verbosity < 0 or not sys.stderr.isatty():
        yield SilentBar()
        return
    from rich.progress import (  # noqa: PLC0415 - only a terminal pays for it
        BarColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[events]}", markup=False),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
        console=output.errors(),
        transient=True,
    )
    with progress:
        yield TerminalBar(progress, progress.add_task("reading", total=None, events=""))
