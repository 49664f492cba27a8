"""The reports of cowrieprocessor, in the shape in which it writes them, out of our counts.

Differences that a consumer may meet: the times are those of the newest batch behind the report, so
that the bytes can be made again; there is no enrichment, so nothing is ever flagged; commands and
addresses are defanged; a command counts when it was typed, and once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.contract import DocumentRows, Period, ReportDocument

_ALL_SENSORS: Final = "aggregate"
_DECIMALS: Final = 2
_Row = Mapping[str, str | int | float | None]


def write_document(period: Period, rows: DocumentRows) -> JsonObject:
    """A daily report, or the shorter weekly and monthly ones."""
    document: JsonObject = {
        "@timestamp": period.made,
        "generated_at": period.made,
        "report_type": period.name,
        "date": period.label,
        "sensor": period.sensor or _ALL_SENSORS,
        "sessions": _sessions(rows["period_totals"][0]),
    }
    if period.name != "daily":
        return document
    return document | {
        "commands": {"top": _top(rows["period_commands"], "command", ("input", "command_count"))},
        "files": {"top": _top(rows["period_urls"], "url", ("url", "download_count"))},
        "enrichments": {"flagged": []},
    }


def _sessions(row: _Row) -> JsonObject:
    mean = row["command_mean"]
    return {
        "total": row["session_count"],
        "avg_commands": round(mean, _DECIMALS) if isinstance(mean, float) else 0.0,
        "max_commands": row["command_max"],
        "min_commands": row["command_min"],
        "file_downloads": row["download_count"],
        "login_attempts": row["attempt_count"],
        "vt_flagged": 0,
        "dshield_flagged": 0,
        "unique_ips": row["source_count"],
    }


def _top(rows: Sequence[_Row], key: str, columns: tuple[str, str]) -> list[JsonValue]:
    name, count = columns
    return [{key: row[name], "occurrences": row[count]} for row in rows]


DOCUMENT: Final = ReportDocument(
    queries=("period_totals", "period_commands", "period_urls"), write=write_document
)
