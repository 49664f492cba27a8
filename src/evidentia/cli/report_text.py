"""A report on the terminal: tables and small charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evidentia.cli.decisions import gap_text
from evidentia.cli.moments import as_of_text
from evidentia.cli.output import Output
from evidentia.cli.plain import counted, shown, shown_time
from evidentia.cli.queries import show_answer
from evidentia.pack.command import TableColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evidentia.report.periodic import Report, Section
    from evidentia.report.timeline import Slot
    from evidentia.store.values import SqlValue

_BAR_MAX: Final = 30
_GAPS_SHOWN: Final = 10
_LABEL_WIDTH: Final = 60
_SHADES: Final = "█▒░▓"
"""One for each series, told apart without colour."""


def show_report(report: Report, output: Output) -> None:
    """Print a report."""
    sensor = "" if report.sensor is None else f", sensor {shown(report.sensor)}"
    output.say(f"{report.title}, {report.span.label}{sensor}")
    what = "record" if report.as_of.is_ledger else "event"
    output.say(
        f"{shown_time(report.span.since_us)} to {shown_time(report.span.until_us)}, "
        f"{counted(report.counts.events, what)}, {as_of_text(report.as_of)}"
    )
    for section in report.sections:
        output.say("")
        output.say(section.title)
        _show_section(report, section, output)
    _show_footer(report, output)


def _show_section(report: Report, section: Section, output: Output) -> None:
    from evidentia.report.timeline import classes_of, slots_of  # noqa: PLC0415 - start-up time

    style = section.style.value
    if not section.answer.rows or style == "table":
        show_answer(section.answer, output)
    elif style == "numbers":
        _show_numbers(section, output)
    elif style == "bars":
        _show_bars(section, output)
    elif style == "timeline":
        _show_slots(section, slots_of(section, report.span), output)
    else:
        _show_slots(section, classes_of(section), output)


def _show_numbers(section: Section, output: Output) -> None:
    columns = section.answer.columns
    output.table(
        (TableColumn(title=""), TableColumn(title="", is_number=True)),
        [
            (column.title, f"{value:,.2f}" if isinstance(value, float) else value)
            for column, value in zip(columns, section.answer.rows[0], strict=True)
        ],
    )


def _show_slots(section: Section, slots: Sequence[Slot], output: Output) -> None:
    names = [section.answer.columns[place].title for place in section.series]
    longest = max((sum(slot.values) for slot in slots), default=0.0)
    title = " ".join(f"{shade} {name}" for shade, name in zip(_SHADES, names, strict=False))
    output.table(
        (
            TableColumn(title=section.answer.columns[0].title),
            *(TableColumn(title=name, is_number=True) for name in names),
            TableColumn(title=title if len(names) > 1 else ""),
        ),
        [
            (slot.label, *(f"{value:,.0f}" for value in slot.values), _bar(slot.values, longest))
            for slot in slots
        ],
    )


def _show_bars(section: Section, output: Output) -> None:
    from evidentia.report.timeline import number_of  # noqa: PLC0415 - start-up time

    rows = [
        (row, [number_of(row[place]) for place in section.series]) for row in section.answer.rows
    ]
    longest = max(sum(values) for _row, values in rows)
    columns = section.answer.columns
    labels = " / ".join(column.title for column in columns[: section.shape.label_columns])
    output.table(
        (
            TableColumn(title=labels, is_cut=True),
            *(TableColumn(title=columns[place].title, is_number=True) for place in section.series),
            TableColumn(title=""),
        ),
        [
            (_label(section, row), *(f"{value:,.0f}" for value in values), _bar(values, longest))
            for row, values in rows
        ],
    )


def _label(section: Section, row: tuple[SqlValue, ...]) -> str:
    pairs = list(zip(section.answer.columns, row, strict=True))[: section.shape.label_columns]
    parts = [
        shown_time(value)
        if column.type.value == "time" and isinstance(value, int)
        else shown(value)
        for column, value in pairs
    ]
    return shown(" / ".join(parts), width=_LABEL_WIDTH)


def _bar(values: Sequence[float], longest: float) -> str:
    if longest <= 0 or sum(values) <= 0:
        return ""
    text, total = "", 0.0
    for value, shade in zip(values, _SHADES, strict=False):
        total += value
        text += shade * max(0, round(_BAR_MAX * total / longest) - len(text))
    # What is there at all is seen.
    return text or next(s for v, s in zip(values, _SHADES, strict=False) if v > 0)


def _show_footer(report: Report, output: Output) -> None:
    counts = report.counts
    output.say("")
    if report.as_of.is_ledger:
        output.say(
            f"behind this report: {counted(counts.events, 'record')} of the period; "
            f"{counted(counts.open_dead_letters, 'refused record')} of whatever time"
        )
        return
    output.say(
        f"behind this report: {counted(counts.events, 'event')} of the period; "
        f"{counted(counts.untimed_events, 'event')} without a usable time; "
        f"{counted(counts.open_dead_letters, 'open dead letter')}; {counted(counts.gaps, 'gap')}"
    )
    for gap in report.gaps[:_GAPS_SHOWN]:
        output.say(gap_text(gap))
    if len(report.gaps) > _GAPS_SHOWN:
        output.say(f"… and {len(report.gaps) - _GAPS_SHOWN:,} more gaps: see 'evidentia status'")
