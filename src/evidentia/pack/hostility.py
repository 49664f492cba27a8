"""Whether a pack's functions survive events that nobody planned for.

A function of a field map runs once per event and must not raise: one odd line would stop a log.
It must not change the event either, nor give two answers: parity compares fresh extractions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Final

from evidentia.event.fieldmap import AllExcept, FieldMap, Source
from evidentia.event.long_number import LONG_INTEGER, LongInteger
from evidentia.event.values import JsonObject, JsonValue

_NESTING: Final = 50
"""Levels of the deep value: far above what a pack expects, below what copying recurses through."""


def _nested() -> JsonValue:
    value: JsonValue = "deep"
    for _ in range(_NESTING):
        value = {"id": [value]}
    return value


_NUMBERS: Final[tuple[JsonValue, ...]] = (0, -1, 2**70, -(2**70), 0.5, -0.0, 1e308)
_TEXTS: Final[tuple[JsonValue, ...]] = (
    *("", " ", "\x00", "nan", "1e400", "9" * 400, "\u0661\u0662", "T", "\U0001f480"),
)
_CONTAINERS: Final[tuple[JsonValue, ...]] = ([], [[]], {}, {"id": {}}, {"id": [1]}, _nested())
HOSTILE_VALUES: Final = (None, True, False, *_NUMBERS, LONG_INTEGER, *_TEXTS, *_CONTAINERS)
"""A value of every JSON type, and the ones that break conversions."""

_JSON: Final = (type(None), bool, int, float, str, list, dict, LongInteger)
"""What a function may give back; a long integer's stand-in goes through as it came."""


def hostile_events(fields: FieldMap, samples: Sequence[JsonObject]) -> Iterator[JsonObject]:
    """Events that no writer should write: wrong types, missing keys, everything at once.

    Args:
        fields: Whose plain keys are filled with hostile values.
        samples: Good events; each is bent in every place.
    """
    keys = sorted({*_plain_keys(fields), *(key for sample in samples for key in sample)})
    yield {}
    yield {"": ""}
    for value in HOSTILE_VALUES:
        yield dict.fromkeys(keys, value)
    for sample in samples:
        yield sample
        for key in sample:
            yield {name: value for name, value in sample.items() if name != key}
            yield from ({**sample, key: value} for value in HOSTILE_VALUES)


def callable_problems(fields: FieldMap, samples: Sequence[JsonObject]) -> Iterator[str]:
    """The first thing each function of the field map does wrong, if it does."""
    events = tuple(hostile_events(fields, samples))
    for column, function in _functions(fields):
        problem = next((text for event in events if (text := _problem(function, event))), None)
        if problem is not None:
            yield f"column {column!r}: {problem}"


def _sources(fields: FieldMap) -> Iterator[tuple[str, Source]]:
    payload = () if isinstance(fields.payload, AllExcept) else fields.payload
    columns = (
        ("kind", fields.kind),
        ("event_id", fields.event_id),
        ("ts", fields.ts),
        ("actor", fields.actor),
        ("session_id", fields.session_id),
        ("payload", payload),
        *((column.name, column.sources) for column in fields.promoted),
    )
    for name, sources in columns:
        for source in sources:
            yield name, source


def _plain_keys(fields: FieldMap) -> Iterator[str]:
    for _, source in _sources(fields):
        if isinstance(source, str):
            yield source
        elif isinstance(source, tuple):
            yield from source[:1]


def _functions(fields: FieldMap) -> Iterator[tuple[str, Callable[[JsonObject], JsonValue]]]:
    for name, source in _sources(fields):
        if not isinstance(source, str | tuple):
            yield name, source


def _problem(function: Callable[[JsonObject], JsonValue], event: JsonObject) -> str | None:
    shown = repr(event)
    given = deepcopy(event, {id(LONG_INTEGER): LONG_INTEGER})
    try:
        value: object = function(given)
        again: object = function(given)
    except Exception as error:  # noqa: BLE001 - a pack's own code may raise anything
        return f"its function raises {type(error).__name__} for {shown[:200]}"
    if given != event:
        return f"its function changes the event {shown[:200]}"
    if value != again:
        return f"its function gives two answers for {shown[:200]}"
    if not isinstance(value, _JSON):
        return f"its function gives a {type(value).__name__}, which is no JSON, for {shown[:200]}"
    return None
