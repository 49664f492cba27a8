"""Following in a thread of a program that has other things to do.

The host program is never troubled: nothing is raised into it, nothing blocks it, nothing but the
store is written. Whoever wants to know asks ``problem`` and ``is_running``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from evidentia.errors import EvidentiaError
from evidentia.service.wake import Alarm


@dataclass(slots=True, kw_only=True)
class Background:
    """A follower in a thread of its own.

    Attributes:
        alarm: Wakes the follower.
        problem: What went wrong last, if anything; kept when it goes on by itself.
        events: Events stored so far.
    """

    alarm: Alarm = field(default_factory=Alarm)
    problem: EvidentiaError | None = None
    events: int = 0
    _thread: threading.Thread | None = None
    _is_stopping: bool = False

    def start(self, run: Callable[[], None]) -> None:
        """Begin, and return at once."""

        def guarded() -> None:
            try:
                run()
            except EvidentiaError as error:
                self.problem = error
            except Exception as error:  # noqa: BLE001 - nothing is raised into the host program
                self.problem = EvidentiaError(f"the follower stopped: {type(error).__name__}")
                self.problem.__cause__ = error

        thread = threading.Thread(target=guarded, name="evidentia-follow", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self.problem = EvidentiaError(f"the follower cannot be started: {error}")
            return
        self._thread = thread

    @property
    def is_running(self) -> bool:
        """Whether the follower is at work."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._is_stopping

    def stop(self, wait_seconds: float = 5.0) -> bool:
        """Ask it to stop, and wait; whether it has stopped by then."""
        self._is_stopping = True
        self.alarm.ring()
        if self._thread is not None:
            self._thread.join(wait_seconds)
        return not self.is_running
