"""A report as comma-separated values (RFC 4180), one table for each section.

A cell of text is what a page would show: control characters are written out, what is unsafe is
defanged, and a text that a spreadsheet would take for a formula has an apostrophe in front. Numbers
are plain, times ISO 8601, and what is not there is an empty cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from evidentia.errors import UsageError
from evidentia.pack.contract import ResultColumn, ResultType
from evidentia.report.periodic import Report, Section
from evidentia.report.times import exact
from evidentia.report.visible import visible
from evidentia.store.values import SqlValue

ALL_SENSORS: Final = "all"
_FORMULA: Final = ("=", "+", "-", "@")


def write_sheet(reports: Sequence[Report], section: str | None = None) -> Iterator[str]:
    """The rows of one or more reports, each as one line.

    Every section begins with a row of its columns' names. The first column is the section, unless
    one was chosen; then comes the sensor, where there are several reports.

    Raises:
        UsageError: There is no section of that name.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for cells in _rows(reports, section):
        writer.writerow(cells)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def _rows(reports: Sequence[Report], chosen: str | None) -> Iterator[list[str]]:
    names = [section.title for section in reports[0].sections]
    if chosen is not None and chosen not in names:
        raise UsageError(
            f"there is no section {chosen!r}", where="--section", fix=f"one of: {', '.join(names)}"
        )
    has_sensor = len(reports) > 1
    for place, name in enumerate(names):
        if chosen not in (None, name):
            continue
        heads = [] if chosen else ["section"]
        heads += ["sensor"] if has_sensor else []
        columns = reports[0].sections[place].answer.columns
        yield [*heads, *(column.name for column in columns)]
        for report in reports:
            leading = [] if chosen else [visible(name)]
            leading += [_text(report.sensor or ALL_SENSORS)] if has_sensor else []
            yield from ([*leading, *cells] for cells in cells_of(report.sections[place]))


def cells_of(section: Section) -> Iterator[list[str]]:
    """The cells of a section's rows."""
    for row in section.answer.rows:
        yield [_cell(*pair) for pair in zip(section.answer.columns, row, strict=True)]


def _cell(column: ResultColumn, value: SqlValue) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float):
        is_time = column.type is ResultType.TIME and isinstance(value, int)
        return exact(int(value)) if is_time else repr(value)
    return _text(value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value)


def _text(value: object) -> str:
    text = visible(str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
