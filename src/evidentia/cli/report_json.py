"""A report as our own documented JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evidentia.cli.decisions import gap_json
from evidentia.cli.moments import as_of_json
from evidentia.cli.output import Json
from evidentia.cli.plain import shown_time
from evidentia.cli.queries import answer_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evidentia.report.periodic import Report


def reports_json(reports: Sequence[Report]) -> Json:
    """One report as it is; several under ``reports``."""
    if len(reports) == 1:
        return report_json(reports[0])
    return {"reports": [report_json(report) for report in reports]}


def report_json(report: Report) -> Json:
    """A report as a JSON object."""
    counts = report.counts
    return {
        "pack": report.pack,
        "pack_version": report.pack_version,
        "period": report.period.value,
        "date": report.span.label,
        "since": shown_time(report.span.since_us),
        "until": shown_time(report.span.until_us),
        "sensor": report.sensor,
        "as_of": as_of_json(report.as_of),
        "events": counts.events,
        "untimed_events": counts.untimed_events,
        "open_dead_letters": counts.open_dead_letters,
        "gaps": counts.gaps,
        "known_gaps": [gap_json(gap) for gap in report.gaps],
        "sections": [
            {
                "section": section.title,
                "style": section.style.value,
                "label_columns": section.shape.label_columns,
                **answer_json(section.answer),
            }
            for section in report.sections
        ],
    }
