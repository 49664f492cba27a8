"""What is asked of the pipeline's own database, and what is reported of it."""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import DatabaseReport, ReportSection, SectionStyle
from evidentia.pack.queries import load_queries

DATABASE_QUERIES: Final = load_queries(__package__ or "", "database_queries")
_STATUSES: Final = ("passed_count", "failed_count", "other_count")

DATABASE_REPORT: Final = DatabaseReport(
    counts="record_counts",
    newest="newest_record",
    sections=(
        ReportSection(title="Totals", query="execution_totals", style=SectionStyle.NUMBERS),
        ReportSection(
            title="Executions",
            query="execution_hours",
            style=SectionStyle.TIMELINE,
            series=_STATUSES,
        ),
        ReportSection(
            title="Agents", query="agent_performance", style=SectionStyle.BARS, series=_STATUSES
        ),
        ReportSection(
            title="Stages, milliseconds on average",
            query="stage_bottlenecks",
            style=SectionStyle.BARS,
        ),
        ReportSection(title="Durations", query="execution_durations", style=SectionStyle.HISTOGRAM),
        ReportSection(
            title="Missed service levels",
            query="slo_violations",
            note="A receipt is held against the rules when it is recorded; what was not measured"
            " is not judged.",
        ),
        ReportSection(title="Collisions", query="collisions"),
        ReportSection(title="Failures", query="failures"),
        ReportSection(
            title="Agreement of executions",
            query="determinism",
            note="By their hashes; what a receipt says of determinism counts for nothing.",
        ),
    ),
)
