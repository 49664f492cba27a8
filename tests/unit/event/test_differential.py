"""Three readers of the same bytes: the fast one, the strict one, and the standard library's."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.event.fast import read_fast_lines
from evidentia.event.line import read_fast, read_line, read_strict
from evidentia.event.values import Flag, JsonObject, JsonValue, Policy, Verdict

STRICT = Policy()
LENIENT = Policy(is_lenient=True)

SPACES = st.sampled_from(["", "", "", " ", "\t", "\r", "  "])
KEYS = st.sampled_from(
    [
        '"a"',
        r'"\u0061"',
        '"A"',
        '"b"',
        '""',
        '":"',
        r'"a\":"',
        r'"a\\"',
        '"é"',
        '"e\u0301"',
        '"$.x"',
    ]
)
STRINGS = st.sampled_from(
    [
        '""',
        '"x"',
        '":"',
        '": "',
        r'"\":"',
        r'"{\"a\" :[1]}"',
        r'"\\"',
        r'"\u0000"',
        r'"\ud83d\ude00"',
        r'"\ud83d"',
        r'"\ude00\ud83d"',
        r'"\/\b\f\n\r\t"',
        '"\u2028\u0085\x7f"',
        '"😀"',
        '"2026-03-14T08:21:07Z"',
    ]
)
NUMBERS = st.one_of(
    st.integers().map(str),
    st.integers(min_value=2**53 - 2, max_value=2**53 + 2).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(["-0", "-0.0", "1.10", "1e400", "-1E+400", "1e-400", "1e5", "01", "1.", "2e"]),
    st.sampled_from(["NaN", "-Infinity", "18446744073709551616", "9" * 30]),
)
SCALARS = st.one_of(STRINGS, NUMBERS, st.sampled_from(["true", "false", "null"]))


def render_array(parts: list[tuple[str, str]]) -> str:
    """An array of the rendered values, each with the white space that goes around it."""
    return "[" + ",".join(space + value + space for space, value in parts) + "]"


def render_object(parts: list[tuple[str, str, str]]) -> str:
    """An object of the rendered members, each with the white space that goes around it."""
    return "{" + ",".join(f"{space}{key}{space}:{value}" for space, key, value in parts) + "}"


def objects_of(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Rendered objects, whose keys are few enough to occur twice."""
    return st.lists(st.tuples(SPACES, KEYS, values), max_size=5).map(render_object)


VALUES = st.recursive(
    SCALARS,
    lambda values: st.one_of(
        st.lists(st.tuples(SPACES, values), max_size=4).map(render_array), objects_of(values)
    ),
    max_leaves=8,
)
LINES = objects_of(VALUES).map(lambda text: text.encode())

MUTATIONS = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=10_000),
        st.sampled_from(["insert", "replace", "delete"]),
        st.sampled_from(
            [bytes([number]) for number in b'{}[]:,"\\ \t\r\n\x00\x1f0e-.N\x7f\x80\xc0\xed\xff']
        )
        | st.binary(min_size=1, max_size=3),
    ),
    max_size=4,
)


def mutate(line: bytes, mutations: list[tuple[int, str, bytes]]) -> bytes:
    """The line after a few small injuries."""
    for place, kind, piece in mutations:
        index = place % (len(line) + 1)
        tail = index if kind == "insert" else index + len(piece)
        line = line[:index] + (b"" if kind == "delete" else piece) + line[tail:]
    return line


MUTATED_LINES = st.builds(mutate, LINES, MUTATIONS)


def unique(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    """The object of these members, none of which may have the key of another."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("duplicate key")
    return dict(pairs)


def finite(text: str) -> float:
    """The number, which a float must be able to hold."""
    if math.isinf(float(text)):
        raise ValueError("too large")
    return float(text)


def refuse(text: str) -> float:
    """Nothing: NaN and the infinities are no JSON."""
    raise ValueError(text)


def read_with_stdlib(line: bytes) -> JsonObject | None:
    """The object on the line by the rules of a strict log, or None."""
    try:
        value = json.loads(
            line.decode(), object_pairs_hook=unique, parse_float=finite, parse_constant=refuse
        )
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@settings(derandomize=True, max_examples=600)
@given(line=MUTATED_LINES)
def test_what_the_fast_reading_accepts_the_strict_one_accepts_with_an_equal_object(
    line: bytes, shape_of: Callable[[JsonValue], object]
) -> None:
    """No verdict and no flag is lost on the fast way, whatever the bytes are."""
    fast = read_fast(line)

    if fast is not None:
        strict = read_strict(line, STRICT)
        assert isinstance(strict, tuple)
        assert shape_of(strict[0]) == shape_of(fast)
        assert strict[1] == Flag(0)


PLAIN_LINES = st.lists(
    st.tuples(SPACES, st.sampled_from(['"a"', '"b"', '"a\\":"', '"é"']), SCALARS), max_size=3
).map(lambda parts: render_object(parts).encode())
LONG_LINES = st.tuples(
    st.integers(min_value=195, max_value=205), st.sampled_from([(b"[", b"]"), (b'{"a":', b"}")])
).map(lambda drawn: b'{"n":' + drawn[1][0] * drawn[0] + b"0" + drawn[1][1] * drawn[0] + b"}")


@settings(derandomize=True, max_examples=600)
@given(
    lines=st.lists(
        st.one_of(PLAIN_LINES, PLAIN_LINES, LINES, MUTATED_LINES, LONG_LINES).map(
            lambda line: line.replace(b"\n", b"")
        ),
        max_size=6,
    )
)
def test_many_lines_at_once_are_accepted_only_where_each_alone_is(
    lines: list[bytes], shape_of: Callable[[JsonValue], object]
) -> None:
    """What is proved for a block holds for each of its lines, whatever stands beside it."""
    found = read_fast_lines(lines, b"".join(line + b"\n" for line in lines))

    assert len(found) == len(lines)
    for line, event in zip(lines, found, strict=True):
        if event is not None:
            alone, strict = read_fast(line), read_strict(line, STRICT)
            assert alone is not None
            assert shape_of(alone) == shape_of(event)
            assert isinstance(strict, tuple)
            assert shape_of(strict[0]) == shape_of(event)
            assert strict[1] == Flag(0)


def test_ordinary_lines_are_accepted_all_at_once() -> None:
    """Bad lines among them make no difference to the good ones."""
    good, spaced, bad = b'{"a":1,"b":"x: y"}', b'{"a": 1, "b" : {"c": [2]}}', b'{"a":1,"a":2}'
    lines = [good, spaced, bad, b"", b"1", good, spaced]

    found = read_fast_lines(lines, b"\n".join(lines) + b"\n")

    assert found == [read_fast(line) for line in lines]
    assert [event is not None for event in found] == [True, True, False, False, False, True, True]


@settings(derandomize=True, max_examples=600)
@given(line=MUTATED_LINES)
def test_the_strict_reading_agrees_with_the_standard_library(
    line: bytes, shape_of: Callable[[JsonValue], object]
) -> None:
    """The same lines are events, with the same values, to a parser of another make."""
    expected = read_with_stdlib(line)

    read = read_strict(line, STRICT)

    if expected is None:
        assert isinstance(read, Verdict)
    else:
        assert isinstance(read, tuple)
        assert shape_of(read[0]) == shape_of(expected)
        assert read[1] == Flag(0)


@settings(derandomize=True, max_examples=300)
@given(line=MUTATED_LINES)
def test_a_lenient_log_accepts_all_that_a_strict_one_does_and_never_without_its_flag(
    line: bytes, shape_of: Callable[[JsonValue], object]
) -> None:
    """Leniency only adds events, each with a flag, and leaves the others as they are."""
    strict, lenient = read_line(line, STRICT), read_line(line, LENIENT)

    if isinstance(strict, tuple):
        assert isinstance(lenient, tuple)
        assert shape_of(lenient[0]) == shape_of(strict[0])
        assert lenient[1] == strict[1] == Flag(0)
    elif isinstance(lenient, tuple):
        assert lenient[1] != Flag(0)


@settings(derandomize=True, max_examples=300)
@given(line=MUTATED_LINES)
def test_lenient_values_always_encode_to_utf8(line: bytes) -> None:
    """M42: a lone surrogate is kept as text that every store and report can take."""
    read = read_line(line, LENIENT)

    if isinstance(read, tuple):
        assert json.dumps(read[0], ensure_ascii=False).encode()


@settings(derandomize=True, max_examples=600)
@given(
    line=st.one_of(st.binary(min_size=1, max_size=60), MUTATED_LINES.filter(bool)),
    policy=st.sampled_from([STRICT, LENIENT]),
)
def test_no_bytes_make_the_reading_raise_and_every_column_lies_within_the_line(
    line: bytes, policy: Policy
) -> None:
    """Any line is an event or has a verdict whose column can be shown."""
    read = read_line(line, policy)

    if isinstance(read, Verdict):
        assert 1 <= read.column <= len(line)
        assert read.detail.isprintable()
        assert 0 < len(read.detail) <= 120


@settings(derandomize=True, max_examples=200)
@given(line=MUTATED_LINES, depth_max=st.integers(min_value=1, max_value=6))
def test_fast_and_strict_agree_under_a_lower_cap_too(line: bytes, depth_max: int) -> None:
    """M46: a log may be judged with less nesting than the parsers allow."""
    fast = read_fast(line, depth_max)

    if fast is not None:
        assert read_strict(line, Policy(depth_max=depth_max)) == (fast, Flag(0))
