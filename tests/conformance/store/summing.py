"""A pack with a summary of every kind of column, and what its rows are by a model of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from evidentia.pack import sketch
from evidentia.pack.summary import (
    Key,
    Points,
    Score,
    Summary,
    count,
    distinct,
    first,
    flag,
    greatest,
    last,
    least,
    total,
)
from evidentia.store.partials import PartialSummaries
from evidentia.store.reader import StoreReader
from evidentia.store.summaries import SummarySql
from evidentia.store.values import NULL, Partials, Segment, SqlValue
from evidentia.store.writer import StoreWriter

from .scene import PACK, event, lines

DAY_US = 86_400_000_000
PEOPLE = Summary(
    name="people",
    version=1,
    title="Everything by session and role",
    keys=(
        Key(name="session_id", column="session_id"),
        Key(name="role", column="role", missing=""),
    ),
    measures=(
        count("events"),
        count("logins", "login"),
        flag("has_left", "logout", "never seen"),
        total("ports", "port", "login"),
        least("lowest", "port"),
        greatest("last_ts", "ts"),
        first("first_actor", "actor"),
        last("last_port", "port", "login", "logout"),
        distinct("ports_seen", "port", "login", "logout"),
        distinct("actors", "actor"),
    ),
    indexed=("last_ts",),
    scores=(
        Score(
            name="score",
            points=(
                Points(measure="logins", each=2, most=5),
                Points(measure="lowest", each=3, most=3),
            ),
        ),
    ),
)
DAYS = Summary(
    name="days",
    version=1,
    title="Logins and logouts by day",
    keys=(Key(name="day", column="ts", is_day=True, missing=-1), Key(name="kind", column="kind")),
    measures=(count("events"),),
    kinds=("login", "logout"),
)
SUMMING = dataclasses.replace(PACK, summaries=(PEOPLE, DAYS))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Happening:
    """An event, as far as a summary can see it."""

    kind: str = "login"
    ts: int | None = 1_600_000_000_000_000
    session: str | None = "s"
    role: str | None = None
    port: int | None = None
    actor: str | None = None


def rows_by_model(happenings: Sequence[Happening]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of both relations, in key order, by plain Python over all events at once."""
    people: dict[tuple[str, str], list[Happening]] = {}
    days: dict[tuple[int, str], int] = {}
    for each in happenings:
        if each.session is not None:
            people.setdefault((each.session, each.role or ""), []).append(each)
        if each.kind in {"login", "logout"}:
            day = -1 if each.ts is None else each.ts // DAY_US * DAY_US
            days[day, each.kind] = days.get((day, each.kind), 0) + 1
    return {
        "people": [(*key, *_person(group)) for key, group in sorted(people.items())],
        "days": [(*key, number) for key, number in sorted(days.items())],
    }


def _person(group: Sequence[Happening]) -> tuple[Any, ...]:
    logins = [each for each in group if each.kind == "login"]
    known = [each for each in logins if each.port is not None]
    named = [(_late(each), each.actor) for each in group if each.actor is not None]
    left = [
        (_early(each), str(each.port), each.port)
        for each in group
        if each.port is not None and each.kind in {"login", "logout"}
    ]
    return (
        len(group),
        len(logins),
        int(any(each.kind == "logout" for each in group)),
        sum(each.port or 0 for each in known),
        min((each.port for each in group if each.port is not None), default=None),
        max((each.ts for each in group if each.ts is not None), default=None),
        min(named)[1] if named else None,
        max(left)[2] if left else None,
        _different(str(port) for _, _, port in left),
        _different(str(each.actor) for each in group if each.actor is not None),
    )


def _different(texts: Iterable[str]) -> int:
    """How many there are, or what the smallest hashes of them say."""
    hashes = sorted({sha256(each.encode()).digest()[:8] for each in texts})
    if len(hashes) < sketch.SKETCH_HASHES:
        return len(hashes)
    last = int.from_bytes(hashes[sketch.SKETCH_HASHES - 1])
    return min((sketch.SKETCH_HASHES - 1) * 2**64 // (last + 1), 2**63 - 1)


def _late(each: Happening) -> float:
    return float("inf") if each.ts is None else each.ts


def _early(each: Happening) -> float:
    return float("-inf") if each.ts is None else each.ts


def event_of(writer: StoreWriter, segment: Segment, line: int, each: Happening) -> Any:
    """The driver-ready event on a line."""
    return event(
        segment,
        line,
        writer.kind_ids([each.kind])[each.kind],
        promoted=(each.role, each.port),
        ts=each.ts,
        session_id=each.session,
        actor=each.actor,
    )


def commit(
    writer: StoreWriter,
    segment: Segment,
    line: int,
    happenings: Sequence[Happening],
    *,
    blocks: int = 0,
) -> int:
    """One batch with an event on each line from ``line`` on; returns the next line.

    With ``blocks`` it brings what the events add to the summaries, counted in so many parts.
    """
    end = line + len(happenings) - 1
    events = [
        event_of(writer, segment, number, each) for number, each in enumerate(happenings, line)
    ]
    partials = [counted(happenings[part::blocks]) for part in range(blocks)] if blocks else None
    writer.commit_batch(
        lines(segment, line, end, events=events, promoted=("role", "port"), partials=partials)
    )
    return end + 1


def counted(happenings: Sequence[Happening]) -> Partials:
    """What some events add to the summaries, as a parser counts it."""
    columns: dict[str, list[Any]] = {
        "ts": [each.ts for each in happenings],
        "actor": [each.actor for each in happenings],
        "session_id": [each.session for each in happenings],
        "role": [each.role for each in happenings],
        "port": [each.port for each in happenings],
    }
    names = ("event_id", "ts", "ts_text", "actor", "session_id", "payload_json", "role", "port")
    nothing = [None] * len(happenings)
    others = [
        [NULL if value is None else value for value in columns.get(name, nothing)] for name in names
    ]
    return PartialSummaries(SUMMING.summaries, SUMMING.fields).rows(
        [each.kind for each in happenings], others
    )


def shown_rows(reader: StoreReader) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of both summaries as people see them, in key order."""
    return {each.name: list(_shown(reader, each)) for each in (PEOPLE, DAYS)}


def _shown(reader: StoreReader, summary: Summary) -> Iterable[tuple[object, ...]]:
    number = next(each.number for each in reader.projections() if each.name == summary.name)
    sql = SummarySql(SUMMING, summary, number)
    for row in reader.projected(sql).stored():
        yield tuple(
            sql.shown(name, value) for name, value in zip(summary.columns, row, strict=True)
        )


def stored_rows(reader: StoreReader, summary: Summary) -> list[tuple[SqlValue, ...]]:
    """The rows of a summary as its table has them."""
    number = next(each.number for each in reader.projections() if each.name == summary.name)
    return list(reader.projected(SummarySql(SUMMING, summary, number)).stored())
