"""Stand-ins for numbers that are too long to convert."""

from __future__ import annotations

import copy
import pickle

import msgspec
import pytest

from evidentia.event.long_number import (
    LONG_INTEGER,
    holds_infinity,
    holds_long_number,
    shorten_numbers,
    with_long_integers,
)
from evidentia.event.values import JsonValue

LONG = b"7" * 4_301
INFINITY = float("inf")


def test_a_run_of_4301_digits_is_long_and_4300_are_not() -> None:
    """M49: the parsers' own limit."""
    assert holds_long_number(b'{"a":' + LONG + b"}")
    assert not holds_long_number(b'{"a":' + LONG[1:] + b',"b":' + LONG[1:] + b"}")


def test_a_stand_in_is_as_long_as_the_digits_it_replaces() -> None:
    """M49: every byte column after it stays true."""
    text = b'{"a":-' + LONG + b',"b":1}'

    shortened = shorten_numbers(text, b"0")

    assert shortened == b'{"a":-0' + b" " * 4_300 + b',"b":1}'


def test_long_floats_are_written_short() -> None:
    """M48: their value is that of a float; only their spelling is long."""
    text = b"[-" + LONG + b"e-4300," + LONG + b".5]"

    shortened = shorten_numbers(text, b"0")

    assert len(shortened) == len(text)
    assert shortened.split() == [b"[-7.777777777777778", b",1e999", b"]"]


@pytest.mark.parametrize("text", [b'"' + LONG + b'"', b'"\\"' + LONG, b"0" + LONG, b"0." + LONG])
def test_digits_that_are_no_long_number_stay(text: bytes) -> None:
    """M49: strings, fractions and what is no JSON at all are left to the parser."""
    assert shorten_numbers(text, b"0") == text


@pytest.mark.parametrize(
    ("value", "is_infinite"),
    [
        (INFINITY, True),
        ({"a": [{"b": -INFINITY}]}, True),
        ({"a": [{"b": 1e308}], "c": "inf"}, False),
        ([], False),
    ],
)
def test_an_infinite_float_is_found_at_any_depth(value: JsonValue, *, is_infinite: bool) -> None:
    """M48: a number too large hides nowhere."""
    assert holds_infinity(value) is is_infinite


def test_infinite_floats_become_stand_ins_at_any_depth() -> None:
    """M49: and nothing else changes."""
    value = with_long_integers({"a": {"b": [INFINITY, 1, [-INFINITY]]}, "c": 1.5, "d": None})

    assert value == {"a": {"b": [LONG_INTEGER, 1, [LONG_INTEGER]]}, "c": 1.5, "d": None}


def test_copies_and_pickles_of_the_stand_in_are_the_stand_in() -> None:
    """M49: an event may be copied or sent to another process."""
    copied = copy.deepcopy({"a": LONG_INTEGER})
    pickled = pickle.dumps({"a": LONG_INTEGER})

    assert copied["a"] is LONG_INTEGER
    assert pickle.loads(pickled)["a"] is LONG_INTEGER  # noqa: S301 - made just above


def test_no_encoder_writes_the_stand_in() -> None:
    """M49: a wrong number in a payload would be worse than none."""
    with pytest.raises(TypeError):
        msgspec.json.encode(LONG_INTEGER)
