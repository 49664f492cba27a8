"""Summaries for a question about an earlier moment or a sensor: put in front of it, by their names.

A table of a summary holds the present. A question about an earlier batch finds a table expression
of the same name in front of it instead, computed from the events up to that batch; so does one
whose table stands elsewhere than at the newest batch, or is not there. The query has one text and
one meaning, whichever way it is answered.

Whoever asks with ``since`` and ``until`` gets of a computed relation those rows that have an event
between them, each whole; no others are computed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, FromClause, Select, func, literal_column, select

from evidentia.pack.contract import Pack
from evidentia.pack.summary import KIND, Merge, Summary
from evidentia.store.projections import StoredProjection, stored_projections
from evidentia.store.schema import BATCHES, DEAD_LETTER_ROWS, EVENT_ROWS, LOGS, SEGMENTS
from evidentia.store.scope import SENSOR_COLUMN, Scope, event_conditions, shadow
from evidentia.store.spans import of_pack
from evidentia.store.streaming import streamed
from evidentia.store.summaries import SummarySql
from evidentia.store.values import SqlValue

_WORD: Final = re.compile(r"[a-z_][a-z0-9_]*")
_SENSOR_BOUND: Final = ":scope_sensor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadows:
    """What stands in front of a query.

    Attributes:
        relations: Table expressions.
        names: The relations that show what the scope shows, by these expressions or as they are.
        computed: Summaries whose tables could not be read, each with the reason.
        refused: Those that cannot be computed by a statement either, because they count different
            values.
    """

    relations: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    computed: tuple[tuple[str, str], ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


def shadows(
    connection: Connection,
    sql: str,
    values: Mapping[str, SqlValue],
    scope: Scope,
    packs: Sequence[Pack],
) -> Shadows:
    """What a query needs in front of it, so that its summaries show what the scope shows.

    Args:
        connection: The reading side's.
        sql: The query.
        values: Its parameters, as they are bound.
        scope: What it may see.
        packs: Those whose summaries it may name.
    """
    words = set(_WORD.findall(sql.lower()))
    named = [(pack, each) for pack in packs for each in pack.summaries if words & {*each.relations}]
    if not named:
        return Shadows()
    reading = _Reading(connection, scope, values)
    relations: list[str] = []
    names: list[str] = []
    notes: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for pack, summary in named:
        reason = reading.reason(pack, summary)
        can_be_computed = all(each.merge is not Merge.DISTINCT for each in summary.measures)
        if reason and scope.limit is None:
            notes[can_be_computed].append((summary.name, reason))
        if can_be_computed:
            relations += reading.relations(pack, summary, is_live=not reason)
            names += summary.relations
        elif not reason and scope.sensor is None:
            names += summary.relations
    return Shadows(
        relations=tuple(relations),
        names=tuple(names),
        computed=tuple(notes[True]),
        refused=tuple(notes[False]),
    )


class _Reading:
    """One question: what it may see, and how the store's summaries stand."""

    def __init__(
        self, connection: Connection, scope: Scope, values: Mapping[str, SqlValue]
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._values = values
        found = (each for each in stored_projections(connection) if each.state != "building")
        self._stored = {each.name: each for each in found}
        self._newest = self._last_batch()

    def _last_batch(self, pack: str | None = None) -> int:
        query = select(func.max(BATCHES.c.id))
        if pack is not None:
            query = (
                query.join_from(BATCHES, SEGMENTS, SEGMENTS.c.id == BATCHES.c.segment_id)
                .join(LOGS, LOGS.c.id == SEGMENTS.c.log_id)
                .where(LOGS.c.pack == pack)
            )
        return int(self._connection.execute(query).scalar() or 0)

    def reason(self, pack: Pack, summary: Summary) -> str:
        """Why the table does not hold what the scope shows; empty where it does."""
        stored = self._stored.get(summary.name)
        if stored is None:
            return "the store does not have it yet"
        # Not by the statements of the summary: describing its table takes longer than a look-up.
        if stored.declaration != json.dumps(summary.declaration(pack.fields), sort_keys=True):
            return "the pack declares it otherwise than the store has it"
        return self._standing(stored) or self._passing(pack.name)

    def _standing(self, stored: StoredProjection) -> str:
        if stored.state != "live":
            return f"it is halted: {stored.detail}"
        if stored.batch_id != self._newest:
            return f"it stands at batch {stored.batch_id} of {self._newest}"
        return ""

    def _passing(self, pack: str) -> str:
        limit = self._scope.limit
        if limit is None:
            return ""
        if limit.batch_id < self._last_batch(pack):
            return "it holds later batches"
        letters = DEAD_LETTER_ROWS.c
        later = select(letters.id).where(
            letters.state == "recovered", letters.resolved_us > limit.committed_us
        )
        found = self._connection.execute(later.limit(1)).first()
        return "it holds events that were read later" if found else ""

    def relations(self, pack: Pack, summary: Summary, *, is_live: bool) -> Iterator[str]:
        """The table expressions of a summary; none where its table can be read as it is."""
        sensor = next((k.name for k in summary.keys if k.column == SENSOR_COLUMN), None)
        if is_live and self._scope.sensor is None:
            return
        number = self._stored[summary.name].number if is_live else 0
        sql = SummarySql(pack, summary, number)
        rows: FromClause
        if is_live and sensor is not None:
            wanted = sql.table.c[sensor] == literal_column(_SENSOR_BOUND)
            rows = select(sql.table).where(wanted).subquery("shown")
        else:
            kinds = sql.kind_ids(streamed(self._connection))
            rows = sql.grouped(kinds, self._inside(pack, summary)).subquery("shown")
        for name, query in sql.relations(rows).items():
            body = query.compile(
                dialect=self._connection.dialect, compile_kwargs={"literal_binds": True}
            )
            yield shadow(name, str(body))

    def _inside(self, pack: Pack, summary: Summary) -> ColumnElement[bool]:
        limit = self._scope.limit
        found = of_pack(pack.name, self._newest if limit is None else limit.batch_id)
        for condition in (*event_conditions(self._scope), *self._between(summary)):
            found &= condition
        return found

    def _between(self, summary: Summary) -> Iterator[ColumnElement[bool]]:
        since, until = self._values.get("since"), self._values.get("until")
        if not isinstance(since, int) or not isinstance(until, int):
            return
        ts = EVENT_ROWS.c.ts
        spans = [each.span_us for each in summary.keys if each.column == "ts" and each.span_us]
        if spans:
            span = max(spans)
            yield ts >= since // span * span
            yield ts < -(-until // span) * span
            return
        key = summary.keys[0]
        if key.missing is None and key.column != KIND:
            column: ColumnElement[Any] = literal_column(f'event_rows."{key.column}"')
            within = EVENT_ROWS.alias("within")
            met: Select[Any] = select(literal_column(f'within."{key.column}"')).select_from(within)
            yield column.in_(met.where(within.c.ts >= since, within.c.ts < until))
