"""What changed between two reports, section by section, rows by what they are about.

Works on reports as JSON objects, so that one of them may have been kept for a year.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from evidentia.errors import UsageError

Plain: TypeAlias = str | int | float | bool | None
Row: TypeAlias = Mapping[str, Plain]
_COUNTS: Final = ("events", "untimed_events", "open_dead_letters", "gaps")
_WHOSE: Final = ("pack", "period", "date", "sensor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row that is not the same.

    Attributes:
        label: What the row is about: the first of its columns.
        before: Its other values in the first report; None where the row is not there.
        after: In the second.
    """

    section: str
    label: tuple[Plain, ...]
    before: Row | None
    after: Row | None


def differences(first: Mapping[str, object], second: Mapping[str, object]) -> tuple[Change, ...]:
    """Every difference between two reports of ``--json``, in the order of the second.

    Raises:
        UsageError: They are not reports on the same thing.
    """
    for name in _WHOSE:
        if first.get(name) != second.get(name):
            raise UsageError(
                f"the two reports are not on the same {name}: "
                f"{first.get(name)!r} and {second.get(name)!r}",
                fix="compare two reports on the same pack, period, date and sensor",
            )
    return (*_count_changes(first, second), *_section_changes(first, second))


def _count_changes(first: Mapping[str, object], second: Mapping[str, object]) -> Iterator[Change]:
    for name in _COUNTS:
        before, after = first.get(name), second.get(name)
        if before != after:
            yield Change(
                section="Behind this report",
                label=(name,),
                before={"count": _plain(before)},
                after={"count": _plain(after)},
            )


def _section_changes(first: Mapping[str, object], second: Mapping[str, object]) -> Iterator[Change]:
    before, after = _sections(first), _sections(second)
    for title in (*after, *(title for title in before if title not in after)):
        old, new = before.get(title, {}), after.get(title, {})
        for label in (*new, *(label for label in old if label not in new)):
            if old.get(label) != new.get(label):
                yield Change(
                    section=title, label=label, before=old.get(label), after=new.get(label)
                )


def _sections(report: Mapping[str, object]) -> dict[str, dict[tuple[Plain, ...], Row]]:
    """The rows of each section, by what they are about."""
    found = {}
    for section in _objects(report.get("sections")):
        names = [str(column.get("name")) for column in _objects(section.get("columns"))]
        count = section.get("label_columns")
        labels = names[: count if isinstance(count, int) else 1]
        # A section of numbers has one row, which is about nothing but itself.
        labels = labels if len(names) > len(labels) and not _is_single(section) else []
        rows: dict[tuple[Plain, ...], Row] = {}
        for row in _objects(section.get("rows")):
            label = tuple(_plain(row.get(name)) for name in labels)
            while label in rows:
                label = (*label, len(rows))
            rows[label] = {name: _plain(row.get(name)) for name in names if name not in labels}
        found[str(section.get("section"))] = rows
    return found


def _is_single(section: Mapping[str, object]) -> bool:
    return section.get("style") == "numbers"


def _objects(value: object) -> Sequence[Mapping[str, object]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise UsageError(
            "this is no report", fix="make one with: evidentia report daily --json --output FILE"
        )
    return value


def _plain(value: object) -> Plain:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
