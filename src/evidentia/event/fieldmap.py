"""How a pack says where the columns of an event come from. Declarations only; no code runs here.

A column takes the first source whose value is present, not null and not an empty string. A value
of the wrong JSON type is skipped, the next source is tried, and the event is flagged
``FIELD_DRIFT``; it never makes the line a dead letter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from evidentia.event.values import JsonObject, JsonValue

Source: TypeAlias = str | tuple[str, ...] | Callable[[JsonObject], JsonValue]
"""A top-level key, a path of keys, or a pure function of the event (must not raise)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromKey:
    """A source that is a pure function of one top-level member's value (must not raise).

    It could as well be a function of the event; but only of this one is it known that events
    without the key need not be asked, which is most of what a rare member would cost.
    """

    key: str
    read: Callable[[JsonValue], JsonValue]

    def __call__(self, event: JsonObject) -> JsonValue:
        """What ``read`` makes of the member; None where it is absent or null."""
        value = event.get(self.key)
        return None if value is None else self.read(value)


class ColumnType(StrEnum):
    """The SQL type of a promoted column."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"


class EpochUnit(StrEnum):
    """The unit of a time that is a bare number, where the pack knows it."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    NANOSECONDS = "ns"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotedColumn:
    """A column of ``events`` that a pack adds.

    Packs that declare the same name share the column and must agree on its type.
    """

    name: str
    type: ColumnType
    sources: tuple[Source, ...]
    is_indexed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AllExcept:
    """A payload of every top-level member except these keys.

    Such a payload says nothing that the line does not, so a store need not keep it twice: it may
    take the members out of the line again when somebody asks, where ``is_derivable``.
    """

    keys: frozenset[str]

    @property
    def is_derivable(self) -> bool:
        """Whether every key can stand in a path of SQL."""
        return all(key.isascii() and key.isidentifier() for key in self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMap:
    """Where each column of an event comes from.

    Attributes:
        kind: What sort of event it is; ``kind_default`` when no source has it.
        event_id: The writer's id. Stored, never a key: real logs repeat ids.
        ts: When it happened; an ISO 8601 text or a number.
        actor: Who did it.
        session_id: What groups it with others.
        payload: The domain part: the first source that holds an object or array, or all members
            but a few.
        promoted: Further columns.
        epoch_unit: The unit of numeric times; None lets the magnitude decide where it is clear.
    """

    kind: tuple[Source, ...]
    event_id: tuple[Source, ...] = ()
    ts: tuple[Source, ...] = ()
    actor: tuple[Source, ...] = ()
    session_id: tuple[Source, ...] = ()
    payload: tuple[Source, ...] | AllExcept = ()
    promoted: tuple[PromotedColumn, ...] = ()
    kind_default: str = "unknown"
    epoch_unit: EpochUnit | None = None
