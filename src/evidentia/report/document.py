"""A report in the JSON shape that a pack took over from another program."""

from __future__ import annotations

from evidentia.event.values import JsonObject
from evidentia.pack.contract import Pack, Period, ResultType
from evidentia.report.periodic import Report, ask_over
from evidentia.report.queries import Answer
from evidentia.report.times import exact
from evidentia.store.reader import StoreReader
from evidentia.store.scope import Scope
from evidentia.store.values import SqlValue

Row = dict[str, str | int | float | None]


def make_document(
    reader: StoreReader, pack: Pack, report: Report, within: Scope, top_n: int | None
) -> JsonObject | None:
    """The document of a report; None where the pack has no such shape."""
    if pack.document is None:
        return None
    queries = {query.name: query for query in pack.queries}
    rows = {
        name: _rows(ask_over(reader, queries[name], report.span, within, top_n, (pack,)))
        for name in pack.document.queries
    }
    period = Period(
        name=report.period.value,
        label=report.span.label,
        made=exact(report.as_of.committed_us),
        sensor=report.sensor,
    )
    return pack.document.write(period, rows)


def _rows(answer: Answer) -> list[Row]:
    return [
        {
            column.name: _plain(value, is_time=column.type is ResultType.TIME)
            for column, value in zip(answer.columns, row, strict=True)
        }
        for row in answer.rows
    ]


def _plain(value: SqlValue, *, is_time: bool) -> str | int | float | None:
    if is_time and isinstance(value, int):
        return exact(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "backslashreplace")
    return value
