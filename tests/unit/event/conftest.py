"""What the tests of the event room share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evidentia.event.values import JsonValue


def shape(value: JsonValue) -> object:
    """The value in a form that tells 1, 1.0 and True, 0.0 and -0.0, and key orders apart."""
    if isinstance(value, dict):
        return ("object", [(key, shape(member)) for key, member in value.items()])
    if isinstance(value, list):
        return ("array", [shape(item) for item in value])
    return (type(value), repr(value))


@pytest.fixture(scope="session")
def shape_of() -> Callable[[JsonValue], object]:
    """The function that makes values comparable down to their types."""
    return shape
