r"""Numbers whose whole part is longer than ``DIGITS_MAX``: legal JSON that parsers refuse.

The parsers convert at most 4,300 decimal digits, because the usual conversion takes quadratic
time. An event is no less an event for such a number, so the line is judged with a stand-in of the
same length in the number's place: every byte column stays true.
"""

from __future__ import annotations

import re
from typing import Final, cast

from evidentia.event.values import JsonObject, JsonValue

DIGITS_MAX: Final = 4300
"""The limit of CPython and of jiter, for one conversion of digits to an integer."""

STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
"""A JSON string, or all bytes to the end where the closing quote is missing."""

_LONG_RUN: Final = re.compile(rb"(?<![0-9])[0-9]{%d}" % (DIGITS_MAX + 1))
_NUMBER_OR_STRING: Final = re.compile(
    STRING + rb"|-?(?P<whole>[0-9]++)(?P<rest>(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)", re.DOTALL
)
_INFINITIES: Final = (float("inf"), float("-inf"))


class LongInteger:
    """Stands in an event for an integer that is too long to convert; ``raw`` has its digits.

    It is no ``int``, so that nothing computes with a wrong value, and no dataclass, so that no
    encoder writes it as an empty object.
    """

    __slots__ = ()

    def __reduce__(self) -> str:
        """Copies and pickles give the one stand-in again, so that it is known by identity."""
        return "LONG_INTEGER"


# The type of a JSON value stays as it is for everyone: readers test for the types they accept, and
# this is none of them.
LONG_INTEGER: Final = cast("JsonValue", LongInteger())


def holds_long_number(text: bytes) -> bool:
    """True when the bytes hold a run of digits that a parser may refuse."""
    return len(text) > DIGITS_MAX and _LONG_RUN.search(text) is not None


def shorten_numbers(text: bytes, integer: bytes) -> bytes:
    """The text with a stand-in, padded to the same length, for each long number.

    Args:
        text: A line of JSON, well-formed or not.
        integer: What stands in for the digits of an integer. A float is written short, or as
            ``1e999`` where it is too large for a float.
    """

    def stand_in(match: re.Match[bytes]) -> bytes:
        whole, token = match["whole"], match[0]
        if whole is None or len(whole) <= DIGITS_MAX or whole.startswith(b"0"):
            return token
        if not match["rest"]:
            return token[: -len(whole)] + integer.ljust(len(whole))
        short = repr(float(token)).replace("inf", "1e999")
        return short.encode().ljust(len(token))

    return _NUMBER_OR_STRING.sub(stand_in, text)


def holds_infinity(value: JsonValue) -> bool:
    """True when a float anywhere in the value is infinite."""
    pending: list[JsonValue] = [[value]]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
        elif type(node) is float and node in _INFINITIES:
            return True
    return False


def with_long_integers(root: JsonObject) -> JsonObject:
    """A copy of the object with ``LONG_INTEGER`` in the place of every infinite float."""
    return {key: _with_long_integers(value) for key, value in root.items()}


def _with_long_integers(value: JsonValue) -> JsonValue:
    # Recursion is safe: a line that came this far is nested 200 deep at most.
    if isinstance(value, dict):
        return with_long_integers(value)
    if isinstance(value, list):
        return [_with_long_integers(item) for item in value]
    if type(value) is float and value in _INFINITIES:
        return LONG_INTEGER
    return value
