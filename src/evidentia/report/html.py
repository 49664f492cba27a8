"""A report as one page of HTML that needs nothing else: no script, no request, no file beside it.

Pure: the same report gives the same bytes. Whatever comes out of a log goes through ``attribute``,
which makes control characters visible and escapes the rest.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from evidentia.pack.contract import ResultType, SectionStyle
from evidentia.report.html_tables import rank, table
from evidentia.report.page_style import STYLE
from evidentia.report.periodic import Report, Section, Span
from evidentia.report.svg import attribute, chart
from evidentia.report.timeline import classes_of, slots_of
from evidentia.report.times import minute, second

_GAPS_SHOWN: Final = 20
_WIDE_COLUMNS: Final = 4
"""A table with more columns than this takes the whole width of the page."""
_WHOLE_FROM: Final = 1_000
"""A tile is narrow, and the hundredths of thousands are noise."""


def write_page(reports: Sequence[Report]) -> Iterator[str]:
    """The page of one or more reports, piece by piece."""
    first = reports[0]
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{attribute(first.title)}, {attribute(first.span.label)}</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
    )
    yield _header(reports)
    for place, report in enumerate(reports):
        yield from _article(report, place, is_only=len(reports) == 1)
    yield "</main>\n</body>\n</html>\n"


def _header(reports: Sequence[Report]) -> str:
    first = reports[0]
    links = ""
    if len(reports) > 1:
        items = (
            f'<li><a href="#report-{place}">{attribute(_whose(report))}</a></li>'
            for place, report in enumerate(reports)
        )
        links = f'<nav aria-label="Reports"><ul>{"".join(items)}</ul></nav>'
    return (
        f"<header><h1>{attribute(first.title)}</h1>\n"
        f'<p class="when">{attribute(first.span.label)}</p>\n'
        f'<p class="soft">{_range(first.span)}, UTC. {_moment(first)}.</p>{links}</header>\n'
    )


def _range(span: Span) -> str:
    return f"{minute(span.since_us)} to {minute(span.until_us)}"


def _moment(report: Report) -> str:
    if report.as_of.is_ledger:
        size, at = report.as_of.batch_id, second(report.as_of.committed_us)
        return f"As of the ledger's first {size:,} events, applied {at}"
    if not report.as_of.batch_id:
        return "Before the first batch"
    return f"As of batch {report.as_of.batch_id:,}, committed {second(report.as_of.committed_us)}"


def _whose(report: Report) -> str:
    return "All sensors" if report.sensor is None else f"Sensor {report.sensor}"


def _article(report: Report, place: int, *, is_only: bool) -> Iterator[str]:
    yield f'<article id="report-{place}">\n'
    if not is_only or report.sensor is not None:
        yield f'<p class="when">{attribute(_whose(report))}</p>\n'
    numbers = [each for each in report.sections if each.style is SectionStyle.NUMBERS]
    yield from (_tiles(section) for section in numbers)
    yield '<div class="cards">\n'
    cards = [each for each in report.sections if each.style is not SectionStyle.NUMBERS]
    for section, is_wide in zip(cards, _widths(cards), strict=True):
        yield _card(section, report.span, is_wide=is_wide)
    yield f"</div>\n{_footer(report)}</article>\n"


def _tiles(section: Section) -> str:
    if not section.answer.rows:
        return ""
    tiles = (
        f"<div><dt>{attribute(column.title)}</dt><dd>{_number(value)}</dd></div>"
        for column, value in zip(section.answer.columns, section.answer.rows[0], strict=True)
    )
    return f'<dl class="tiles" aria-label="{attribute(section.title)}">{"".join(tiles)}</dl>\n'


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= _WHOLE_FROM else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else attribute(str(value or ""))


def _widths(sections: Sequence[Section]) -> list[bool]:
    """Whether each section takes the whole width: by itself, or because it has no neighbour."""
    widths = [_is_wide(section) for section in sections]
    place = 0
    while place < len(widths):
        if widths[place]:
            place += 1
        elif place + 1 < len(widths) and not widths[place + 1]:
            place += 2
        else:
            widths[place] = True
            place += 1
    return widths


def _is_wide(section: Section) -> bool:
    return section.style is SectionStyle.TIMELINE or (
        section.style is SectionStyle.TABLE and len(section.answer.columns) > _WIDE_COLUMNS
    )


def _card(section: Section, span: Span, *, is_wide: bool) -> str:
    note = f'<p class="note">{attribute(section.shape.note)}</p>' if section.shape.note else ""
    return (
        f'<section class="card{" wide" if is_wide else ""}{_brief(section)}">'
        f"<h2>{attribute(section.title)}</h2>"
        f"{note}{_body(section, span)}</section>\n"
    )


def _brief(section: Section) -> str:
    return "" if section.answer.rows else " brief"


def _body(section: Section, span: Span) -> str:
    if not section.answer.rows:
        return '<p class="empty">Nothing in this period.</p>'
    full = table(section)
    if section.style is SectionStyle.TABLE:
        return full
    drawing = rank(section) if section.style is SectionStyle.BARS else _plotted(section, span)
    return (
        f"<figure>{_legend(section)}{drawing}</figure>"
        f"<details><summary>Table, {_rows(section)}</summary>{full}</details>"
    )


def _rows(section: Section) -> str:
    count = len(section.answer.rows)
    return "1 row" if count == 1 else f"{count:,} rows"


def _plotted(section: Section, span: Span) -> str:
    is_timeline = section.style is SectionStyle.TIMELINE
    slots = slots_of(section, span) if is_timeline else classes_of(section)
    return chart(section.title, _series_names(section), slots)


def _series_names(section: Section) -> list[str]:
    return [section.answer.columns[place].title for place in section.series]


def _legend(section: Section) -> str:
    if len(section.series) == 1:
        return ""
    items = (
        '<li><svg width="11" height="11" aria-hidden="true">'
        f'<rect class="s{place}" width="11" height="11" rx="2"/></svg>{attribute(name)}</li>'
        for place, name in enumerate(_series_names(section))
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _footer(report: Report) -> str:
    note = "Dead letters and gaps are those of all logs of the pack, of whatever time."
    if report.as_of.is_ledger:
        note = "Refused records are those of the whole ledger, of whatever time."
    items = "".join(
        f"<div><dt>{name}</dt><dd>{attribute(text)}</dd></div>" for name, text in _facts(report)
    )
    return (
        '<footer class="card"><h2>Behind this report</h2>'
        f'<p class="note">{note}</p>'
        f'<dl class="facts">{items}</dl>{_gaps(report)}{_defanged(report)}</footer>\n'
    )


def _facts(report: Report) -> tuple[tuple[str, str], ...]:
    counts, size = report.counts, report.as_of.batch_id
    pack = ("Pack", f"{report.pack}, version {report.pack_version}")
    changed = second(report.as_of.committed_us) if size else ""
    if report.as_of.is_ledger:
        return (
            ("Records in the period", f"{counts.events:,}"),
            ("Refused records", f"{counts.open_dead_letters:,}"),
            pack,
            ("Events of the ledger", f"{size:,}"),
            ("Applied", changed),
        )
    return (
        ("Events in the period", f"{counts.events:,}"),
        ("Events without a usable time", f"{counts.untimed_events:,}"),
        ("Open dead letters", f"{counts.open_dead_letters:,}"),
        ("Gaps", f"{counts.gaps:,}"),
        pack,
        ("As of batch", f"{size:,}"),
        ("Committed", changed),
    )


def _gaps(report: Report) -> str:
    if not report.gaps:
        return ""
    items = [
        f"<li>{attribute(gap.kind)}: {attribute(gap.path)}, byte {gap.byte_offset:,}: "
        f"{attribute(gap.detail)}</li>"
        for gap in report.gaps[:_GAPS_SHOWN]
    ]
    if len(report.gaps) > _GAPS_SHOWN:
        items.append(f"<li>and {len(report.gaps) - _GAPS_SHOWN:,} more</li>")
    return (
        '<p class="warn">Lines may be missing from this report.</p>'
        f'<ul class="gaps">{"".join(items)}</ul>'
    )


def _defanged(report: Report) -> str:
    types = {column.type for section in report.sections for column in section.answer.columns}
    if ResultType.UNSAFE not in types:
        return ""
    return (
        '<p class="note">Commands and addresses of files are shown defanged (hxxp, [.]), so that '
        "none is opened by accident. The store has them as they were.</p>"
    )
