"""A state's functions as they are called: what they give is judged before anybody keeps it.

Pure. A row must be the same whether its events came one by one or at once, so what is kept between
two events is JSON text: a tuple, or a number as a key, would come back as something else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from evidentia.errors import PackError
from evidentia.event.column import INTEGER_MAX, INTEGER_MIN, storable
from evidentia.event.fieldmap import ColumnType
from evidentia.event.values import JsonValue
from evidentia.pack.state import State, StateColumn, StateEvent, StateValue

_SHOWN_CHARACTERS_MAX: Final = 200
_FIX: Final = "mend the pack's function and raise the version of the state"


class Reducer:
    """Begins, applies, keeps and shows, for one state.

    Raises:
        PackError: What the state begins with is no JSON, or cannot be had.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self._names = frozenset(each.name for each in state.columns)
        try:
            begun = state.start()
        except Exception as error:
            raise self._failed("start", error) from error
        self._begun = self.text(begun)

    def begin(self) -> JsonValue:
        """What a key begins with; nobody else has it, so it may be changed in place."""
        return self.read(self._begun)

    def apply(self, kept: JsonValue, event: StateEvent) -> JsonValue:
        """What becomes of it by the next event.

        Raises:
            PackError: The pack's function failed.
        """
        try:
            return self.state.apply(kept, event)
        except Exception as error:
            raise self._failed("apply", error) from error

    def text(self, kept: JsonValue) -> str:
        """The text that is kept: equal values have equal texts.

        Raises:
            PackError: It is no JSON, or too long.
        """
        try:
            text = json.dumps(kept, sort_keys=True, separators=(",", ":"), allow_nan=False)
            is_same = json.loads(text) == kept
        except (TypeError, ValueError, RecursionError) as error:
            raise self._no_json() from error
        if not is_same:
            raise self._no_json()
        if len(text) > self.state.kept_bytes_max:
            raise PackError(
                f"state {self.state.name} would keep {len(text):,} bytes of one key, "
                f"more than {self.state.kept_bytes_max:,}",
                fix=_FIX,
            )
        return text

    def _no_json(self) -> PackError:
        return PackError(f"state {self.state.name} would keep what is no JSON", fix=_FIX)

    @staticmethod
    def read(text: str) -> JsonValue:
        """What was kept as a text."""
        found: JsonValue = json.loads(text)
        return found

    def row(self, text: str) -> tuple[StateValue, ...]:
        """The values of the columns, in declared order, of what is kept as a text.

        Raises:
            PackError: The pack's function failed, or gives a value that its column does not take.
        """
        try:
            values = dict(self.state.row(self.read(text)))
        except Exception as error:
            raise self._failed("row", error) from error
        unknown = sorted(map(str, values.keys() - self._names))
        if unknown:
            raise PackError(f"state {self.state.name} has no column {unknown[0]!r}", fix=_FIX)
        return tuple(self._taken(each, values) for each in self.state.columns)

    def _taken(self, column: StateColumn, values: Mapping[str, object]) -> StateValue:
        value = values.get(column.name)
        if value is None and column.is_nullable:
            return None
        if type(value) is str and column.type is ColumnType.TEXT:
            return storable(value)[0]
        if type(value) is int and column.type is ColumnType.INTEGER and _is_64_bits(value):
            return value
        shown = repr(value)[:_SHOWN_CHARACTERS_MAX]
        raise PackError(
            f"column {column.name} of state {self.state.name} takes no {shown}", fix=_FIX
        )

    def _failed(self, function: str, error: Exception) -> PackError:
        shown = str(error)[:_SHOWN_CHARACTERS_MAX]
        return PackError(
            f"{function} of state {self.state.name} failed with {type(error).__name__}: {shown}",
            fix=_FIX,
        )


def _is_64_bits(value: int) -> bool:
    return INTEGER_MIN <= value <= INTEGER_MAX
