"""The options of the commands on reports."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from evidentia.cli.completion import complete_packs

_ROWS_MAX: Final = 100_000
"""Sections are held in memory; who wants more asks the query itself."""


class Format(StrEnum):
    """What a report is written as."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


PackOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The pack. (default: the only one in the store)",
        autocompletion=complete_packs,
    ),
]
TopOption = Annotated[
    int | None,
    typer.Option(
        "--top-n", min=1, max=_ROWS_MAX, metavar="N", help="At most so many rows a section."
    ),
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        metavar="text|json|csv|html",
        help="What to write; json is the shape that the pack took over from another program, "
        "if any. (default: text)",
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to. (default: the terminal)"),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite that file.")]
SensorOption = Annotated[
    list[str] | None,
    typer.Option("--sensor", metavar="NAME", help="Only this sensor; may be repeated."),
]
AllSensorsOption = Annotated[
    bool, typer.Option("--all-sensors", help="One for all together, and one for each.")
]
SectionOption = Annotated[
    str | None, typer.Option(metavar="TITLE", help="Only this section; with --format csv.")
]
