"""Waiting for logs to change: file events only wake sooner, the clock wakes in any case."""

from __future__ import annotations

import glob
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from evidentia.log.values import LogSource

_DEBOUNCE_MS: Final = 20
"""How long the watcher may gather events of one burst."""
_STEP_MS: Final = 1


class Alarm:
    """Something that one thread waits for and others set off."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ring(self) -> None:
        """Wake whoever waits, or who will wait next."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it rings, at most so long; whether it rang."""
        has_rung = self._event.wait(seconds)
        self._event.clear()
        return has_rung


class FolderWatch:
    """Rings an alarm when something changes in the folders of a list of logs.

    Events are lost on network file systems and when there are too many; nothing relies on them.

    Attributes:
        is_watching: Whether events come at all; where not, the caller must look more often.
    """

    def __init__(self, sources: Sequence[LogSource], alarm: Alarm) -> None:
        self._folders = sorted({folder for each in sources if (folder := _folder_of(each))})
        self._alarm = alarm
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.is_watching = False

    def __enter__(self) -> Self:
        """Begin to watch."""
        try:
            import watchfiles  # noqa: PLC0415 - slow to import, and only a follower needs it
        except ImportError:
            return self
        if not self._folders:
            return self
        changes = watchfiles.watch(
            *self._folders,
            watch_filter=None,
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            stop_event=self._stop,
            rust_timeout=1_000,
            raise_interrupt=False,
            recursive=False,
        )

        def listen() -> None:
            try:
                for _change in changes:
                    self._alarm.ring()
            except (OSError, RuntimeError):
                # A watched folder went away, or there are no watches left: the clock remains.
                pass
            finally:
                self.is_watching = False

        self.is_watching = True
        self._thread = threading.Thread(target=listen, name="evidentia-watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop watching."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2)


def _folder_of(source: LogSource) -> str | None:
    """The folder that a pattern's files lie in, where that is one and is there."""
    folder = os.path.dirname(source.pattern)  # noqa: PTH120 - a pattern, not a path
    try:
        is_there = not glob.has_magic(folder) and Path(folder).is_dir()
    except OSError:
        # Looking for the logs says what is wrong with it.
        return None
    return folder if is_there else None
