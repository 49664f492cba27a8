"""How results reach the reader: a human page, or one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evidentia.cli.plain import shown
from evidentia.errors import EvidentiaError

if TYPE_CHECKING:
    from rich.console import Console

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a printed table."""

    title: str
    is_number: bool = False
    is_flexible: bool = False
    """May be shortened where the terminal is narrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where and how to print.

    Attributes:
        is_json: One JSON object on standard output instead of a page.
        verbosity: -1 quiet, 0 normal, 1 verbose.
    """

    is_json: bool = False
    verbosity: int = 0

    def page(self) -> Console:
        """The console for people; colour and width follow the terminal and ``NO_COLOR``."""
        from rich.console import Console  # noqa: PLC0415 - 40 ms that --json never pays

        return Console(highlight=False, markup=False, emoji=False, soft_wrap=False)

    def errors(self) -> Console:
        """The console for errors and progress, on standard error."""
        from rich.console import Console  # noqa: PLC0415 - as above

        return Console(stderr=True, highlight=False, markup=False, emoji=False)

    def emit(self, value: Json) -> None:
        """Print the one JSON object of a command. ASCII only, so it cannot steer a terminal."""
        json.dump(value, sys.stdout, indent=2, ensure_ascii=True, default=_plain)
        sys.stdout.write("\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """A line for people; nothing with ``--json`` or ``--quiet``."""
        if not self.is_json and self.verbosity >= 0:
            self.page().print(text, soft_wrap=True)

    def note(self, text: str) -> None:
        """A line on standard error, also with ``--json``; nothing with ``--quiet``."""
        if self.verbosity >= 0:
            self.errors().print(text, soft_wrap=True)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
        """A table for people; every cell is made harmless."""
        from rich.table import Table  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415 - as above

        if self.is_json or self.verbosity < 0:
            return
        table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
        for column in columns:
            justify: Literal["right", "left"] = "right" if column.is_number else "left"
            table.add_column(
                column.title,
                justify=justify,
                no_wrap=True,
                overflow="ellipsis",
                ratio=1 if column.is_flexible else None,
            )
        for row in rows:
            table.add_row(*(Text(_cell(value)) for value in row))
        self.page().print(table)

    def problem(self, error: EvidentiaError) -> None:
        """An error for people, on standard error: what, where, how to fix it."""
        console = self.errors()
        console.print("error: ", style="bold red", end="", soft_wrap=True)
        console.print(shown(error.what), soft_wrap=True)
        if error.where:
            console.print(f"   at: {shown(error.where)}", soft_wrap=True)
        if error.fix:
            console.print(f"  fix: {shown(error.fix)}", soft_wrap=True)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else shown(value)


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def problem_json(error: EvidentiaError) -> Json:
    """An error as part of a JSON object."""
    return {
        "error": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "fix": error.fix,
    }
