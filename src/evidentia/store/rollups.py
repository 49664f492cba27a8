"""The SQL of a relation that adds the rows of a summary up under fewer keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, case, func, select

from evidentia.event.fieldmap import ColumnType
from evidentia.pack.summary import KIND, Key, Measure, Merge, Rollup, Summary
from evidentia.store import moments


def rolled_up(
    summary: Summary, rollup: Rollup, types: Mapping[str, ColumnType], rows: FromClause
) -> Select[Any]:
    """What a rollup shows, out of a summary's rows as they are stored; these hold ``types``."""
    base = {each.name: each for each in summary.keys}
    keys = [_key(each, rows) for each in rollup.keys]
    wanted = [
        rows.c[each.column] != moments.literal(missing)
        for each in rollup.keys
        if each.missing is None and (missing := base[each.column].missing) is not None
    ]
    if rollup.kinds:
        kind = next(each.name for each in summary.keys if each.column == KIND)
        wanted.append(rows.c[kind].in_([moments.literal(each) for each in sorted(rollup.kinds)]))
    measures = [_measured(each, rollup, types, rows, base) for each in rollup.measures]
    named = [key.label(each.name) for key, each in zip(keys, rollup.keys, strict=True)]
    return select(*named, *measures).select_from(rows).where(*wanted).group_by(*keys)


def _key(key: Key, rows: FromClause) -> ColumnElement[Any]:
    column = rows.c[key.column]
    if not key.span_us:
        return column
    start = moments.start_of(column, key.span_us)
    if key.missing is None:
        return start
    missing = moments.literal(key.missing)
    # What stands for no time is in no stretch.
    return case((column == missing, missing), else_=start)


def _measured(
    measure: Measure,
    rollup: Rollup,
    types: Mapping[str, ColumnType],
    rows: FromClause,
    base: Mapping[str, Key],
) -> ColumnElement[Any]:
    column = rows.c[measure.column]
    found: ColumnElement[Any]
    if measure.merge is not Merge.FIRST:
        found = _FUNCTIONS[measure.merge](column)
        return found.label(measure.name)
    value = moments.in_time(rows.c[rollup.time], column, is_first=True)
    missing = base[measure.column].missing
    if missing is not None:
        value = case((column != moments.literal(missing), value))
    return moments.value_of(func.min(value), types[measure.column]).label(measure.name)


_FUNCTIONS: dict[Merge, Any] = {
    Merge.SUM: func.sum,
    Merge.MIN: func.min,
    Merge.MAX: func.max,
}
