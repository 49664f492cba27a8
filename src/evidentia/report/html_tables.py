"""The tables of a report's page: all columns of a section, and its ranking with bars."""

from __future__ import annotations

import re
from typing import Final

from evidentia.pack.contract import ResultColumn, ResultType
from evidentia.report.periodic import Section
from evidentia.report.svg import attribute, bar
from evidentia.report.timeline import number_of
from evidentia.report.times import exact, second
from evidentia.report.visible import cut, visible
from evidentia.store.values import SqlValue

CELL_CHARACTERS_MAX: Final = 400
"""A command of a megabyte is somebody's joke on whoever opens the page."""
_LABEL_CHARACTERS_MAX: Final = 120
_ENDS: Final = re.compile(r"([._/])(?=\w)")
_ROWS_DRAWN_MAX: Final = 10
"""More bars than this say nothing more; the table has them all."""
_NUMBERS: Final = (ResultType.INTEGER, ResultType.REAL)
_NONE: Final = '<span class="none">none</span>'


def table(section: Section) -> str:
    """All rows and columns of a section."""
    columns = section.answer.columns
    heads = "".join(
        f'<th scope="col"{_class(column)}>{attribute(column.title)}</th>' for column in columns
    )
    rows = "".join(
        f"<tr>{''.join(_cell(*pair) for pair in zip(columns, row, strict=True))}</tr>"
        for row in section.answer.rows
    )
    name = attribute(section.title)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Table: {name}"><table>'
        f"<caption>{name}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>"
        "</table></div>"
    )


def _class(column: ResultColumn) -> str:
    return ' class="n"' if column.type in _NUMBERS else ""


def _cell(column: ResultColumn, value: SqlValue) -> str:
    if value is None:
        return '<td class="none">\u2013</td>'
    if column.type is ResultType.TIME and isinstance(value, int):
        return f'<td class="t"><time datetime="{exact(value)}">{second(value)}</time></td>'
    if column.type in _NUMBERS:
        return f'<td class="n">{_number(value)}</td>'
    kind = "x code" if column.type is ResultType.UNSAFE else "x"
    return f'<td class="{kind}">{text_of(value)}</td>'


def _number(value: SqlValue) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else text_of(value)


def text_of(value: SqlValue, width: int = CELL_CHARACTERS_MAX) -> str:
    """A text of a log as it may stand in a page, with places where a line may end."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    # Cut first: the rest of a very long text need not be made harmless.
    harmless = attribute(cut(visible(text[: width + 1]), width))
    return _ENDS.sub(r"\1<wbr>", harmless)


def rank(section: Section) -> str:
    """The rows of a section as bars beside what they are about."""
    drawn = section.answer.rows[:_ROWS_DRAWN_MAX]
    totals = [_values(section, row) for row in drawn]
    longest = max((sum(values) for values in totals), default=0)
    columns = section.answer.columns
    about = " / ".join(column.title for column in columns[: section.shape.label_columns])
    number = columns[section.series[-1]].title if len(section.series) == 1 else "Together"
    rows = "".join(
        f'<tr><th scope="row" class="{_label_class(section)}">{_label(section, row)}</th>'
        f'<td>{bar(values, longest)}</td><td class="n">{sum(values):,.0f}</td></tr>'
        for row, values in zip(drawn, totals, strict=True)
    )
    return (
        f'<table class="rank"><caption>{attribute(section.title)}, drawn</caption><thead><tr>'
        f'<th scope="col" class="x">{attribute(about)}</th><th scope="col"></th>'
        f'<th scope="col" class="n">{attribute(number)}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _values(section: Section, row: tuple[SqlValue, ...]) -> list[float]:
    return [number_of(row[place]) for place in section.series]


def _label_class(section: Section) -> str:
    labels = section.answer.columns[: section.shape.label_columns]
    is_code = any(column.type is ResultType.UNSAFE for column in labels)
    return "x label code" if is_code else "x label"


def _label(section: Section, row: tuple[SqlValue, ...]) -> str:
    pairs = list(zip(section.answer.columns, row, strict=True))[: section.shape.label_columns]
    return " / ".join(_label_part(column, value) for column, value in pairs)


def _label_part(column: ResultColumn, value: SqlValue) -> str:
    if value is None:
        return _NONE
    if column.type is ResultType.TIME and isinstance(value, int):
        return second(value)
    return text_of(value, _LABEL_CHARACTERS_MAX)
