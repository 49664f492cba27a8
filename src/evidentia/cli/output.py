"""How results reach the reader: a human page, or one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from evidentia.cli.plain import shown
from evidentia.errors import EvidentiaError
from evidentia.pack.command import TableColumn

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_PIPE_WIDTH: Final = 10_000
_CUT_WIDTH_MIN: Final = 16
_BETWEEN: Final = 2
"""Characters between two columns."""

Json = Mapping[str, object]


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
        """The console for people; colour and width follow the terminal and ``NO_COLOR``.

        What is written to a file or pipe is never shortened to a terminal's width.
        """
        from evidentia.cli.terminal import Terminal  # noqa: PLC0415 - 40 ms --json never pays

        width = None if sys.stdout.isatty() else _PIPE_WIDTH
        return Terminal(highlight=False, markup=False, emoji=False, width=width)

    def errors(self) -> Console:
        """The console for errors and progress, on standard error."""
        from evidentia.cli.terminal import Terminal  # noqa: PLC0415 - as above

        return Terminal(stderr=True, highlight=False, markup=False, emoji=False)

    def emit(self, value: Json) -> None:
        """Print the one JSON object of a command. ASCII only, so it cannot steer a terminal."""
        json.dump(value, sys.stdout, indent=2, ensure_ascii=True, default=_plain)
        sys.stdout.write("\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """A line for people; nothing with ``--json`` or ``--quiet``."""
        if not self.is_json and self.verbosity >= 0:
            _print(self.page(), text)

    def note(self, text: str) -> None:
        """A line on standard error, also with ``--json``; nothing with ``--quiet``."""
        if self.verbosity >= 0:
            _print(self.errors(), text)

    def table(self, columns: Sequence[TableColumn], rows: Iterable[Sequence[object]]) -> None:
        """A table for people, one line a row; every cell is made harmless."""
        if self.is_json or self.verbosity < 0:
            return
        page = self.page()
        fitted = fit(columns, [[_cell(value) for value in row] for row in rows], page.width)
        self._print(page, fitted)

    def records(self, columns: Sequence[TableColumn], rows: Sequence[Sequence[object]]) -> None:
        """Rows that must be shown whole: a table where it fits, else a line for each value."""
        if self.is_json or self.verbosity < 0:
            return
        page = self.page()
        cells = [[_cell(value) for value in row] for row in rows]
        if sum(_widths(columns, cells)) + _BETWEEN * (len(columns) - 1) <= page.width:
            self._print(page, Fitted(columns=tuple(columns), cells=cells))
            return
        longest = max(len(column.title) for column in columns)
        for row in cells:
            for column, cell in zip(columns, row, strict=True):
                if cell:
                    _print(page, f"{column.title:<{longest}}  {cell}")
            _print(page, "")

    def _print(self, page: Console, fitted: Fitted) -> None:
        from rich.table import Table  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415 - as above

        table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
        for column in fitted.columns:
            justify: Literal["right", "left"] = "right" if column.is_number else "left"
            table.add_column(column.title, justify=justify, no_wrap=True)
        for row in fitted.cells:
            texts = [Text(cell) for cell in row]
            for column, text in zip(fitted.columns, texts, strict=True):
                if column.is_cut:
                    text.truncate(fitted.cut_width, overflow="ellipsis")
            table.add_row(*texts)
        page.print(table)

    def problem(self, error: EvidentiaError) -> None:
        """An error for people, on standard error: what, where, how to fix it."""
        from rich.text import Text  # noqa: PLC0415 - as above

        console = self.errors()
        _print(console, Text.assemble(("error: ", "bold red"), shown(error.what)))
        if error.where:
            _print(console, f"   at: {shown(error.where)}")
        if error.fix:
            _print(console, f"  fix: {shown(error.fix)}")


def _print(console: Console, text: str | Text) -> None:
    """Text, broken between words where a terminal ends, and nowhere else."""
    console.print(text, soft_wrap=not console.is_terminal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The columns that fit into a width, and what is left for those that may be cut."""

    columns: tuple[TableColumn, ...]
    cells: Sequence[Sequence[str]]
    cut_width: int = 0


def fit(columns: Sequence[TableColumn], cells: Sequence[Sequence[str]], width: int) -> Fitted:
    """A table's columns, fewer where they would not fit into ``width`` characters."""
    places = list(range(len(columns)))
    widths = _widths(columns, cells)
    while True:
        cut = [place for place in places if columns[place].is_cut]
        kept = sum(widths[place] for place in places if place not in cut)
        room = width - kept - _BETWEEN * (len(places) - 1)
        optional = [place for place in places if columns[place].is_optional]
        if room >= _CUT_WIDTH_MIN * len(cut) or not optional:
            break
        places.remove(optional[-1])
    return Fitted(
        columns=tuple(columns[place] for place in places),
        cells=[[row[place] for place in places] for row in cells],
        cut_width=max(_CUT_WIDTH_MIN, room // max(1, len(cut))),
    )


def _widths(columns: Sequence[TableColumn], cells: Sequence[Sequence[str]]) -> list[int]:
    from rich.cells import cell_len  # noqa: PLC0415 - as above

    return [
        max([len(column.title), *(cell_len(row[place]) for row in cells)])
        for place, column in enumerate(columns)
    ]


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
