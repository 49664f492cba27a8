"""Whether a relation over a summary's rows can be made of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evidentia.pack.summary import KIND, Key, Measure, Merge, Rollup, Summary, doubled

_ROLLED: Final = {
    Merge.COUNT: Merge.SUM,
    Merge.SUM: Merge.SUM,
    Merge.MIN: Merge.MIN,
    Merge.MAX: Merge.MAX,
    Merge.FLAG: Merge.MAX,
}
"""What is made of a measure, so that it means the same over more rows."""


def rollup_problems(summary: Summary, rollup: Rollup) -> Iterator[str]:
    """Every way in which a rollup of a summary makes no sense."""
    known: dict[str, Key | Measure] = {each.name: each for each in summary.parts}
    yield from doubled(rollup.columns)
    for key in rollup.keys:
        yield from _key_problems(key, known.get(key.column))
    for measure in rollup.measures:
        yield from _measure_problems(measure, known.get(measure.column))
    is_timed = isinstance(known.get(rollup.time), Measure)
    if not is_timed and any(each.merge is Merge.FIRST for each in rollup.measures):
        yield f"there is no measure {rollup.time!r} that tells a time to go by"
    if rollup.kinds and KIND not in {each.column for each in summary.keys}:
        yield "the kind is no key of the summary"


def _key_problems(key: Key, of: Key | Measure | None) -> Iterator[str]:
    if not isinstance(of, Key):
        yield f"key {key.name!r} is made of {key.column!r}, which is no key of the summary"
    elif key.missing not in (None, of.missing):
        yield f"key {key.name!r}: {key.missing!r} is not what is missing in the summary"


def _measure_problems(measure: Measure, of: Key | Measure | None) -> Iterator[str]:
    where = f"column {measure.name!r}"
    if of is None or measure.kinds:
        yield f"{where}: a {measure.merge.value} of {measure.column!r}, not of a column"
    elif isinstance(of, Key) != (measure.merge is Merge.FIRST):
        yield f"{where}: the first value is of a key, and others are of measures"
    elif isinstance(of, Measure) and measure.merge is not _ROLLED.get(of.merge):
        yield f"{where}: a {measure.merge.value} of a {of.merge.value}"
