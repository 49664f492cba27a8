"""How a pack declares a state: a row for each key, reduced from its events in their order.

A summary is for what merges in any order. A state is for what does not: what an offer has come to,
whether a door is open, how often it was tried since the last success. Its pack gives three pure
functions; the store feeds them the events of one key, one after the other.

The order is a total one over *stored* events, so the row is a function of these alone: bulk, delta
and any cut into batches give equal tables. An event that comes in after others that stand behind
it is a late one; then its key, and only that, is reduced anew from the stored events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from evidentia.event.fieldmap import ColumnType, FieldMap
from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.summary import Declaration, doubled, event_columns

KEPT_BYTES_MAX: Final = 1024 * 1024
"""What is kept of one key, where a state does not say otherwise."""
_INDEXED: Final = frozenset({"event_id", "session_id"})
"""Columns of every event that are looked up by; promoted ones say so themselves."""

StateValue: TypeAlias = str | int | None
"""What a column of a state holds."""


class Order(StrEnum):
    """Which of two events of a key comes first."""

    POSITION = "position"
    """The one that stands first in the logs. Segments are numbered as they were met, so over
    several logs this is the order in which they were found."""
    TIME = "time"
    """The earlier one; of equal times, and of those without a time, which come last, the one that
    stands first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateColumn:
    """A column of a state's table. Floats have no one text, so there are none."""

    name: str
    type: ColumnType = ColumnType.TEXT
    is_nullable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StateEvent:
    """A stored event, as a reducer sees it.

    It does not say which batch brought it: a row must not depend on how a log was cut.

    Attributes:
        position: Where it stands in the evidence.
        ts: UTC microseconds; None where its line has no usable time.
        columns: The promoted columns of its pack, by name.
        line: The object on its line, read strictly; numbers too long for others to read are a
            ``LongInteger`` there.
    """

    position: int
    kind: str
    event_id: str | None
    ts: int | None
    actor: str | None
    session_id: str | None
    columns: Mapping[str, str | int | float | None]
    line: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A table that is kept current while events come in, and can be made anew from them.

    The functions must be pure and take whatever a log may hold. One that raises, or gives what
    is no JSON or does not fit a column, halts this state at the batch before, and nothing else.

    Attributes:
        name: The relation in the store; what queries select from.
        version: Raised whenever one of the functions, or a column of the events, changes meaning.
            A change of the other attributes is noticed without.
        title: One phrase for people.
        key: The column of an event that rows are told apart by, and of the relation. Integers or
            texts, and looked up by: ``session_id``, ``event_id`` or an indexed promoted column.
            Events without a value there take no part.
        columns: The other columns of the relation.
        start: What a key begins with, before its first event.
        apply: What becomes of it by the next event. It is JSON, because it is kept with the row:
            the next batch goes on from it. It may be changed in place and given back.
        row: The values of the columns, by name; columns left out are NULL.
        kinds: The kinds that matter; empty for all.
        order: In which order a key's events are applied.
        indexed: Columns that rows are looked up by.
        kept_bytes_max: The most that is kept of one key, as JSON text. It is written anew with
            every batch that holds the key, so a list that grows with each event costs the square
            of their number: raise it only where a key has few events, or rarely.
        stored_at: The name of a further column of the relation, with the time when the last event
            of a row was committed to the store; none if empty. No digest covers it.
        took_ms: The name of a further column of the relation, with how long it took to make the
            row anew or to bring it up to date, whichever was last, in milliseconds, rounded up;
            none if empty. It is of this store alone, and no digest covers it.
    """

    name: str
    version: int
    title: str
    key: str
    columns: tuple[StateColumn, ...]
    start: Callable[[], JsonValue]
    apply: Callable[[JsonValue, StateEvent], JsonValue]
    row: Callable[[JsonValue], Mapping[str, StateValue]]
    kinds: tuple[str, ...] = ()
    order: Order = Order.TIME
    indexed: tuple[str, ...] = ()
    kept_bytes_max: int = KEPT_BYTES_MAX
    stored_at: str = ""
    took_ms: str = ""

    @property
    def column_names(self) -> tuple[str, ...]:
        """Every column of the relation, the key first."""
        return (self.key, *(each.name for each in self.columns))

    def types(self, fields: FieldMap) -> Mapping[str, ColumnType]:
        """What each column of the relation holds."""
        types = {self.key: event_columns(fields)[self.key]}
        return types | {each.name: each.type for each in self.columns}

    def declaration(self, fields: FieldMap) -> Declaration:
        """Everything, besides its functions, that decides what the table holds."""
        types = self.types(fields)
        return {
            "version": self.version,
            "kinds": sorted(self.kinds),
            "order": self.order.value,
            "key": [self.key, types[self.key].value],
            "columns": [[each.name, each.type.value, each.is_nullable] for each in self.columns],
            "indexed": list(self.indexed),
            **({"stored_at": self.stored_at} if self.stored_at else {}),
            **({"took_ms": self.took_ms} if self.took_ms else {}),
        }


def state_problems(state: State, fields: FieldMap) -> Iterator[str]:
    """Every way in which a declaration makes no sense; its functions are not called."""
    yield from _key_problems(state, fields)
    if state.version < 1:
        yield f"version {state.version} is below 1"
    yield from doubled((*state.column_names, *filter(None, (state.stored_at, state.took_ms))))
    for name in state.indexed:
        if name not in state.column_names:
            yield f"there is no column {name!r} to look up by"
    for each in state.columns:
        if each.type is ColumnType.REAL:
            yield f"column {each.name!r} holds floats"


def _key_problems(state: State, fields: FieldMap) -> Iterator[str]:
    found = event_columns(fields).get(state.key)
    indexed = {each.name for each in fields.promoted if each.is_indexed}
    if found is None:
        yield f"its key is {state.key!r}, which no event has"
    elif found is ColumnType.REAL:
        yield f"its key {state.key!r} holds floats"
    elif state.key not in _INDEXED | indexed:
        yield f"its key {state.key!r} has no index, which late events need"
