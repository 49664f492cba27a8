"""The terminal library's console, but for one habit. Imported only when something is printed."""

from __future__ import annotations

from rich.console import Console


class Terminal(Console):
    """A console that leaves it to the application what a reader that has gone means."""

    def on_broken_pipe(self) -> None:
        """Raise what the system raised, where the original would exit by itself.

        Raises:
            BrokenPipeError: Always.
        """
        raise BrokenPipeError
