"""Stores of honeypot lines, and reports over them, for the tests of this room."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.unit.ingest.kit import Place

from evidentia.pack.contract import (
    NamedQuery,
    ReportSection,
    ResultColumn,
    ResultType,
    SectionStyle,
)
from evidentia.pack.registry import load_packs
from evidentia.report.periodic import Period, Report, Section, Span
from evidentia.report.queries import Answer
from evidentia.store.scope import AsOf
from evidentia.store.values import PeriodCounts, SqlValue

DAY_US = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""
HOUR_US = 3_600_000_000
DAY = Span(label="2026-01-01", since_us=DAY_US, until_us=DAY_US + 24 * HOUR_US)


def cowrie_line(what: str, minute: int = 0, **members: object) -> bytes:
    """A line of a honeypot's log on 2026-01-01."""
    event = {
        "eventid": f"cowrie.{what}",
        "timestamp": f"2026-01-01T{minute // 60:02}:{minute % 60:02}:00.000000Z",
        "sensor": "north",
        "session": "0123456789ab",
        "src_ip": "192.0.2.7",
        **members,
    }
    return json.dumps(event).encode() + b"\n"


def cowrie_place(folder: Path, name: str = "s.db") -> Place:
    """A folder whose store knows the packs that ship."""
    return Place(folder=folder, name=name, packs=load_packs())


def section(
    names: str,
    rows: Sequence[tuple[SqlValue, ...]],
    style: SectionStyle = SectionStyle.TABLE,
    **shape: Any,
) -> Section:
    """A section with columns such as ``when:time what n:integer``."""
    columns = tuple(
        ResultColumn(
            name=name, title=name.title(), type=ResultType(kind) if kind else ResultType.TEXT
        )
        for name, _mark, kind in (word.partition(":") for word in names.split())
    )
    query = NamedQuery(
        name="q", title="Q", description="d", parameters=(), columns=columns, sql="SELECT 1"
    )
    return Section(
        shape=ReportSection(**{"title": "Things", "query": "q", "style": style, **shape}),
        answer=Answer(query=query, values={}, rows=tuple(rows)),
    )


def report(*sections: Section, **changes: Any) -> Report:
    """A report on one day with these sections."""
    values: dict[str, Any] = {
        "pack": "plain",
        "pack_version": 3,
        "title": "Plain: daily report",
        "period": Period.DAILY,
        "span": DAY,
        "as_of": AsOf(batch_id=7, committed_us=DAY_US + HOUR_US),
        "sensor": None,
        "sections": sections,
        "counts": PeriodCounts(events=5, untimed_events=1, open_dead_letters=2, gaps=0),
        "gaps": (),
    }
    return Report(**{**values, **changes})
