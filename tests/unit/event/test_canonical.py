"""Canonical bytes: RFC 8785 with a stricter door."""

from __future__ import annotations

import enum
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evidentia.errors import RejectionError
from evidentia.event.canonical import DEPTH_MAX, INTEGER_MAX, canonical_bytes, is_canonical
from evidentia.event.long_number import LONG_INTEGER

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ODD_TEXT = st.text(
    st.sampled_from('\x00\x08\t\n\x0b\x0c\r\x1f"\\/\x7f\x80\u2028\u2029\ufeff\U0001f600a')
)
VECTORS = Path(__file__).parents[2] / "vectors" / "json-canonicalization"
ASCII_KEYS = st.text(st.characters(max_codepoint=127))
INTEGERS = st.integers(-INTEGER_MAX, INTEGER_MAX)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: abs(number) <= INTEGER_MAX or abs(number) >= 1e21
)


def documents(keys: st.SearchStrategy[str], leaves: st.SearchStrategy[Any]) -> Any:
    """JSON documents with such keys and leaves."""
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=6)
    )


PLAIN = documents(ASCII_KEYS, st.none() | st.booleans() | INTEGERS | TEXT | ODD_TEXT)
ANY = documents(TEXT | ODD_TEXT, st.none() | st.booleans() | INTEGERS | DOUBLES | TEXT | ODD_TEXT)


@settings(derandomize=True, max_examples=500)
@given(PLAIN)
@example({"a": "\x00\x1f\x7f\u2028\u2029\ufeff\U0001f600", "A": [True, None, {"": INTEGER_MAX}]})
def test_the_quick_writer_equals_the_reference(document: Any) -> None:
    """Documents that take the fast path get the bytes of the RFC 8785 library."""
    assert canonical_bytes(document) == rfc8785.dumps(document)


@settings(derandomize=True, max_examples=500)
@given(ANY)
@example({"\U0001f600": 1, "\ufb33": 2, "\r": 3, "1": -0.0, "\x80": 1e21, "ö": 1.0})
def test_canonical_bytes_read_back_to_themselves(document: Any) -> None:
    """What passes the door is a fixed point: parsed and written again it gives the same bytes."""
    written = canonical_bytes(document)

    assert written == rfc8785.dumps(document)
    assert canonical_bytes(json.loads(written)) == written


@given(ANY)
def test_what_is_written_is_canonical_and_no_other_form_is(document: Any) -> None:
    """Bytes are canonical exactly when they are those that the value is written as."""
    written = canonical_bytes(document)

    assert is_canonical(written)
    assert not is_canonical(written + b" ")
    assert not is_canonical(b'{"a":1,"a":%b}' % written)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"1.0",
        b"1e2",
        b"-0",
        b"NaN",
        b'"\xff"',
        b'"\\ud800"',
        b'"\\u0061"',
        b"9007199254740993",
        b'{"b":1,"a":2}',
        b"[1, 2]",
        b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1),
    ],
)
def test_what_is_no_canonical_form_is_told_without_an_error(raw: bytes) -> None:
    """Anything that a ledger's line may hold in a value's place is judged, nothing raises."""
    assert not is_canonical(raw)


class Name(str):
    """A text that is not exactly a text."""

    __slots__ = ()


class Number(enum.IntEnum):
    """An integer that is not exactly one."""

    ONE = 1


def nested(depth: int, leaf: object = 0) -> Any:
    """A leaf under so many levels, objects and arrays by turns."""
    for level in range(depth):
        leaf = [leaf] if level % 2 else {"k": leaf}
    return leaf


REFUSED = [
    (math.nan, "$", "NaN"),
    ({"a": [0, math.inf]}, "$.a[1]", "infinity"),
    ({"a": {"b c": -math.inf}}, '$.a["b c"]', "infinity"),
    ([INTEGER_MAX + 1], "$[0]", "2**53 - 1"),
    ([-INTEGER_MAX - 1], "$[0]", "2**53 - 1"),
    ([0.5, 2.0**53], "$[1]", "2**53 - 1"),
    ([-1e20], "$[0]", "2**53 - 1"),
    ({"n": LONG_INTEGER}, "$.n", "2**53 - 1"),
    ({"t": "a\ud800"}, "$.t", "surrogate"),
    ({"t\udfff": 1}, r'$["t\udfff"]', "surrogate"),
    ({"ö": {"x": "\udc00"}}, r'$["\u00f6"].x', "surrogate"),
    ({"a": (1, 2)}, "$.a", "tuple"),
    ({"a": b"raw"}, "$.a", "bytes"),
    ({"a": Decimal(1)}, "$.a", "Decimal"),
    ({"a": {1, 2}}, "$.a", "set"),
    ([Name("x")], "$[0]", "Name"),
    ([Number.ONE], "$[0]", "Number"),
    ({Name("x"): 1}, "$", "key of type Name"),
    ({1: 1}, "$", "key of type int"),
    ({None: 1}, "$", "key of type NoneType"),
    (nested(DEPTH_MAX + 1), "$" + ".k[0]" * (DEPTH_MAX // 2), "deeper than 200"),
]


@pytest.mark.parametrize(("value", "where", "why"), REFUSED)
def test_what_is_not_json_within_the_limits_is_refused(value: Any, where: str, why: str) -> None:
    """A refusal names the JSON path of the first thing that is wrong, and what it is."""
    with pytest.raises(RejectionError) as refusal:
        canonical_bytes(value)

    assert refusal.value.where == where
    assert why in refusal.value.what


@pytest.mark.parametrize("leaf", [0, 0.5, "ö", None])
def test_the_deepest_nesting_is_accepted(leaf: Any) -> None:
    """Exactly 200 levels pass, on either path."""
    document = nested(DEPTH_MAX, leaf)

    assert canonical_bytes(document) == rfc8785.dumps(document)
    assert canonical_bytes({"ö": nested(DEPTH_MAX - 1)}).startswith('{"ö":'.encode())


def test_a_cycle_is_refused_as_too_deep() -> None:
    """A value that holds itself ends at the limit, not in a stack overflow."""
    loop: list[Any] = []
    loop.append(loop)

    with pytest.raises(RejectionError, match="deeper than"):
        canonical_bytes(loop)


def test_a_long_key_is_cut_in_the_message() -> None:
    """A message stays readable whatever a key holds."""
    with pytest.raises(RejectionError) as refusal:
        canonical_bytes({"k" * 10_000: math.nan})

    assert refusal.value.where is not None
    assert len(refusal.value.where) < 100


def test_the_example_of_the_rfc_is_reproduced() -> None:
    """RFC 8785 §3.2.2: numbers, escapes and literals, as its section 3.2.4 gives the bytes."""
    document = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }

    assert canonical_bytes(document) == bytes.fromhex(
        """
        7b 22 6c 69 74 65 72 61 6c 73 22 3a 5b 6e 75 6c 6c 2c 74 72
        75 65 2c 66 61 6c 73 65 5d 2c 22 6e 75 6d 62 65 72 73 22 3a
        5b 33 33 33 33 33 33 33 33 33 2e 33 33 33 33 33 33 33 2c 31
        65 2b 33 30 2c 34 2e 35 2c 30 2e 30 30 32 2c 31 65 2d 32 37
        5d 2c 22 73 74 72 69 6e 67 22 3a 22 e2 82 ac 24 5c 75 30 30
        30 66 5c 6e 41 27 42 5c 22 5c 5c 5c 5c 5c 22 2f 22 7d
        """
    )


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_the_published_documents_are_reproduced(name: str) -> None:
    """The six documents of the RFC's authors have the bytes that they give."""
    document = json.loads((VECTORS / "input" / f"{name}.json").read_bytes())

    assert canonical_bytes(document) == (VECTORS / "output" / f"{name}.json").read_bytes()


def test_keys_are_ordered_by_their_utf_16_units() -> None:
    """RFC 8785 §3.2.3: a key outside the basic plane sorts before U+FB33."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]

    written = list(json.loads(canonical_bytes(dict.fromkeys(keys, 0))))

    assert written == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
