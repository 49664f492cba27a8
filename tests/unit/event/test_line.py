"""The rows of the content matrix that concern one line: which are events, which are not and why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evidentia.event.line import read_fast, read_line, read_strict
from evidentia.event.long_number import LONG_INTEGER
from evidentia.event.values import Flag, JsonObject, JsonValue, Policy, Reason, Verdict

STRICT = Policy()
LENIENT = Policy(is_lenient=True)
NO_FLAG = Flag(0)
BOM = b"\xef\xbb\xbf"


def event_of(line: bytes, policy: Policy = STRICT) -> tuple[JsonObject, Flag]:
    """The event on a line that has one."""
    read = read_line(line, policy)
    assert isinstance(read, tuple), read
    return read


def verdict_of(line: bytes, policy: Policy = STRICT) -> Verdict:
    """The verdict on a line that is not an event."""
    assert read_fast(line, policy.depth_max) is None
    read = read_line(line, policy)
    assert isinstance(read, Verdict), read
    assert read_strict(line, policy) == read
    return read


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """An object that is nested so deep, the object itself included."""
    return b'{"a":' + opening * (depth - 1) + b"1" + closing * (depth - 1) + b"}"


def test_a_flat_line_is_an_event_without_flags() -> None:
    """The usual line takes the fast way and comes out whole."""
    line = b'{"eventid":"cowrie.login.failed","src_port":22,"late":true,"ttl":null,"x":1.5}'

    event, flags = event_of(line)

    assert event == {
        "eventid": "cowrie.login.failed",
        "src_port": 22,
        "late": True,
        "ttl": None,
        "x": 1.5,
    }
    assert flags == NO_FLAG
    assert read_fast(line) == event


def test_the_empty_object_is_an_event() -> None:
    """Nothing in it is missing that the grammar asks for."""
    assert event_of(b"{}") == ({}, NO_FLAG)


@pytest.mark.parametrize("line", [b'{"a":1}\r', b' {"a":1} ', b'\t{\r"a"\t:\t1}\t'])
def test_white_space_around_tokens_and_one_carriage_return_do_not_matter(line: bytes) -> None:
    """M38: a line of a CRLF log is the same event."""
    assert event_of(line) == ({"a": 1}, NO_FLAG)


def test_line_separators_of_unicode_inside_strings_are_ordinary_characters() -> None:
    """M38: U+2028, U+2029 and NEL end no line and no string."""
    event, flags = event_of('{"a":"\u2028\u2029\u0085"}'.encode())

    assert event == {"a": "\u2028\u2029\u0085"}
    assert flags == NO_FLAG


def test_a_byte_order_mark_makes_a_dead_letter_of_a_line_in_a_strict_log() -> None:
    """M39: no JSON parser takes the mark, and the log said it is strict."""
    verdict = verdict_of(BOM + b'{"a":1}')

    assert (verdict.reason, verdict.column) == (Reason.BOM, 1)


def test_a_byte_order_mark_is_skipped_and_flagged_in_a_lenient_log() -> None:
    """M39: concatenated files of Windows programs can still be read."""
    assert event_of(BOM + b'{"a":1}', LENIENT) == ({"a": 1}, Flag.BOM)


def test_columns_count_the_skipped_byte_order_mark() -> None:
    """M39: a column is always a column of the line as it stands in the log."""
    verdict = verdict_of(BOM + b'{"a":x}', LENIENT)

    assert (verdict.reason, verdict.column) == (Reason.SYNTAX, 9)


def test_a_byte_order_mark_alone_is_no_event_in_a_lenient_log() -> None:
    """M39: nothing follows it, and the column still lies within the line."""
    verdict = verdict_of(BOM, LENIENT)

    assert (verdict.reason, verdict.column) == (Reason.SYNTAX, 3)


@pytest.mark.parametrize(
    ("line", "column"),
    [
        pytest.param(b'{"a":"x\xffy"}', 8, id="stray byte"),
        pytest.param(b'{"a":"\x80"}', 7, id="continuation byte alone"),
        pytest.param(b'{"a":"\xc0\x80"}', 7, id="overlong NUL"),
        pytest.param(b'{"a":"\xe0\x80\xaf"}', 7, id="overlong slash"),
        pytest.param(b'{"a":"\xed\xa0\x80\xed\xb0\x80"}', 7, id="CESU-8"),
        pytest.param(b'{"a":"\xf4\x90\x80\x80"}', 7, id="above U+10FFFF"),
        pytest.param(b'{"\xc3\xa9\xff":1}', 5, id="in a key"),
        pytest.param(b'{"a":1}\xff', 8, id="after the object"),
        pytest.param(b'{"a":"\xe2\x82', 7, id="cut in a character"),
        pytest.param(b"\xff", 1, id="nothing else"),
    ],
)
@pytest.mark.parametrize("policy", [STRICT, LENIENT])
def test_bytes_that_are_not_utf8_are_reported_with_the_first_bad_byte(
    line: bytes, column: int, policy: Policy
) -> None:
    """M41: overlong forms, CESU-8 and stray bytes, in values and in keys."""
    verdict = verdict_of(line, policy)

    assert (verdict.reason, verdict.column) == (Reason.NOT_UTF8, column)
    assert verdict.detail == f"byte 0x{line[column - 1]:02x} does not belong to UTF-8"


@pytest.mark.parametrize(
    ("line", "column"),
    [
        pytest.param(rb'{"a":"x\ud800"}', 8, id="high at the end"),
        pytest.param(rb'{"a":"\uDC00 x"}', 7, id="low alone"),
        pytest.param(rb'{"a":"\ud800\ud800\udc00"}', 7, id="high before a pair"),
        pytest.param(rb'{"a":"\ud83d\ude00\ud83d\u0041"}', 19, id="after a pair"),
        pytest.param(rb'{"a":"\\\ud800"}', 9, id="after an escaped backslash"),
        pytest.param(rb'{"\udfff":1}', 3, id="in a key"),
    ],
)
def test_a_lone_surrogate_is_a_dead_letter_of_a_strict_log(line: bytes, column: int) -> None:
    """M42: the grammar allows it, but no store can hold it."""
    verdict = verdict_of(line)

    assert (verdict.reason, verdict.column) == (Reason.LONE_SURROGATE, column)


@pytest.mark.parametrize(
    ("line", "event"),
    [
        pytest.param(rb'{"a":"x\ud800"}', {"a": r"x\ud800"}, id="high at the end"),
        pytest.param(rb'{"a":"\uDC00 x"}', {"a": r"\uDC00 x"}, id="low alone"),
        pytest.param(
            rb'{"a":"\ud800\ud800\udc00"}', {"a": "\\ud800\U00010000"}, id="high before a pair"
        ),
        pytest.param(rb'{"\udfff":1}', {r"\udfff": 1}, id="in a key"),
    ],
)
def test_a_lone_surrogate_is_kept_escaped_and_flagged_in_a_lenient_log(
    line: bytes, event: JsonObject
) -> None:
    """M42: the text shows the escape as the log has it."""
    assert event_of(line, LENIENT) == (event, Flag.LONE_SURROGATE)


def test_a_surrogate_pair_and_an_escaped_backslash_before_u_are_no_lone_surrogates() -> None:
    """M42: only half a character is refused."""
    event, flags = event_of(rb'{"a":"\ud83d\ude00 \\ud800"}', LENIENT)

    assert event == {"a": "\N{GRINNING FACE} \\ud800"}
    assert flags == NO_FLAG


def test_columns_are_those_of_the_log_where_escapes_were_rewritten() -> None:
    """M42: a lenient log's verdict points at the same byte as a strict one's would."""
    verdict = verdict_of(rb'{"\ud800":"\udc00","b":tru}', LENIENT)

    assert (verdict.reason, verdict.column) == (Reason.SYNTAX, 27)


def test_a_backslash_outside_a_string_is_a_fault_of_syntax_even_before_a_surrogate() -> None:
    """M42: an escape exists in strings only."""
    verdict = verdict_of(rb'{"a":\ud800}')

    assert (verdict.reason, verdict.column) == (Reason.SYNTAX, 6)


def test_an_escaped_nul_in_key_and_value_is_an_event() -> None:
    """M43: both are legal JSON; what a column shows is for the extraction to say."""
    event, flags = event_of(rb'{"a\u0000":"\u0000"}')

    assert event == {"a\0": "\0"}
    assert flags == NO_FLAG


@pytest.mark.parametrize("control", [b"\x00", b"\t", b"\x1f", b"\r"])
def test_a_raw_control_character_in_a_string_is_a_dead_letter(control: bytes) -> None:
    """M44: it must be escaped there."""
    verdict = verdict_of(b'{"a":1,"b":"x' + control + b'"}')

    assert (verdict.reason, verdict.column) == (Reason.CONTROL, 14)
    assert verdict.detail == f"control character U+{control[0]:04X} stands unescaped in a string"


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (b'\x00\x00{"a":1}', 1),
        (b'{"a":\x0b1}', 6),
        (b'{"a":1}\x00', 8),
        (b'{"a":tr\tue}', 8),
        (b'{"a":1\t', 7),
    ],
)
def test_a_control_character_outside_strings_is_a_fault_of_syntax(line: bytes, column: int) -> None:
    """M44: between tokens it is no white space, or the fault is another one."""
    verdict = verdict_of(line)

    assert (verdict.reason, verdict.column) == (Reason.SYNTAX, column)


def test_the_character_delete_needs_no_escape() -> None:
    """M44: U+007F is no control character to JSON."""
    assert event_of(b'{"a":"\x7f"}') == ({"a": "\x7f"}, NO_FLAG)


@pytest.mark.parametrize("depth", [100, 200])
@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_down_to_the_cap_is_an_event(depth: int, brackets: tuple[bytes, bytes]) -> None:
    """M46: 200 levels are what every parser here can take."""
    line = nested(depth, *brackets)

    event, flags = event_of(line)

    assert flags == NO_FLAG
    assert read_strict(line, STRICT) == (event, NO_FLAG)


@pytest.mark.parametrize("depth", [201, 1_000, 1_025, 100_000])
@pytest.mark.parametrize("policy", [STRICT, LENIENT, Policy(depth_max=5_000)])
def test_nesting_below_the_cap_is_a_dead_letter_and_never_a_crash(
    depth: int, policy: Policy
) -> None:
    """M46: the bracket of the 201st level is named, whatever the policy would allow."""
    verdict = verdict_of(nested(depth), policy)

    assert (verdict.reason, verdict.column) == (Reason.DEPTH, 205)


def test_a_policy_can_ask_for_less_nesting() -> None:
    """M46: the cap is the log's, as long as it is not above the parsers'."""
    line = b'{"a":{"b":{"c":{}}},"d":[[]]}'

    verdict = verdict_of(line, Policy(depth_max=3))

    assert (verdict.reason, verdict.column) == (Reason.DEPTH, 16)
    assert event_of(line, Policy(depth_max=4))[1] == NO_FLAG


def test_brackets_that_never_close_are_too_deep_rather_than_too_short() -> None:
    """M46: the first fault by byte is the 201st bracket."""
    verdict = verdict_of(b"[" * 100_000)

    assert (verdict.reason, verdict.column) == (Reason.DEPTH, 201)


def test_brackets_inside_strings_are_not_nesting() -> None:
    """M46: neither in keys, nor in values, nor after an escaped quote."""
    text = rb"[{\"[{" * 100
    line = b'{"' + text + b'":"' + text + b'"}'

    assert event_of(line)[1] == NO_FLAG
    assert event_of(line, Policy(depth_max=1))[1] == NO_FLAG


def test_brackets_after_an_unclosed_quote_are_not_nesting() -> None:
    """M46: a broken string swallows the rest of the line."""
    verdict = verdict_of(b'{"a":"' + b"[" * 1_000)

    assert (verdict.reason, verdict.column) == (Reason.SYNTAX, 1_006)


@pytest.mark.parametrize(
    ("line", "column", "key"),
    [
        pytest.param(b'{"a":1,"b":2,"a":3}', 14, '"a"', id="top level"),
        pytest.param(b'{"x":[{"ab":1,"ab":{"a":1}}]}', 15, '"ab"', id="nested"),
        pytest.param(rb'{"a\u0062":1,  "ab" : 2}', 16, '"ab"', id="spelt with an escape"),
        pytest.param(b'{"a" :1,"a":1}', 9, '"a"', id="one with a space"),
        pytest.param(b'{"":1,"":2}', 7, '""', id="empty"),
        pytest.param(rb'{"\"":1,"\"":2}', 9, r'"\""', id="a quote"),
        pytest.param(b'{"a":{"b":1},"a":}', 14, '"a"', id="before a fault of syntax"),
    ],
)
def test_a_duplicate_key_is_a_dead_letter_that_names_it(line: bytes, column: int, key: str) -> None:
    """M47: the column is the opening quote of the key that comes again."""
    verdict = verdict_of(line)

    assert (verdict.reason, verdict.column) == (Reason.DUPLICATE_KEY, column)
    assert verdict.detail == f"key {key} occurs twice in one object"


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (b'{"a":1,"b":2,"a":3}', {"a": 3, "b": 2}),
        (b'{"x":[{"a":1,"a":{"b":null}}]}', {"x": [{"a": {"b": None}}]}),
    ],
)
def test_the_last_of_two_equal_keys_wins_in_a_lenient_log(line: bytes, event: JsonObject) -> None:
    """M47: accepted, and flagged."""
    assert event_of(line, LENIENT) == (event, Flag.DUPLICATE_KEY)


def test_keys_that_differ_in_case_or_normal_form_are_different_keys() -> None:
    """M47: JSON compares code points, and so do we."""
    event, flags = event_of('{"a":1,"A":2,"é":3,"e\u0301":4}'.encode())

    assert len(event) == 4
    assert flags == NO_FLAG


def test_a_long_key_is_shortened_in_the_verdict() -> None:
    """M47: a verdict stays one line, however long the key is."""
    key = b"k" * 1_000_000

    verdict = verdict_of(b'{"' + key + b'":1,"' + key + b'":2}')

    assert verdict.detail == f'key "{"k" * 58}… occurs twice in one object'


def test_a_key_with_unprintable_characters_is_escaped_in_the_verdict() -> None:
    """M47: nothing in a log can steer the terminal of the one who reads the verdict."""
    verdict = verdict_of('{"\u202e":1,"\u202e":2}'.encode())

    assert verdict.detail == r'key "\u202e" occurs twice in one object'


@pytest.mark.parametrize(
    ("line", "column", "token"),
    [
        pytest.param(b'{"a":NaN}', 6, "NaN", id="NaN"),
        pytest.param(b'{"a":[1,Infinity]}', 9, "Infinity", id="Infinity"),
        pytest.param(b'{"a": -Infinity}', 7, "-Infinity", id="-Infinity"),
        pytest.param(b"NaN", 1, "NaN", id="NaN alone"),
    ],
)
@pytest.mark.parametrize("policy", [STRICT, LENIENT])
def test_nan_and_the_infinities_are_dead_letters(
    line: bytes, column: int, token: str, policy: Policy
) -> None:
    """M48: no JSON, although Python writes and reads them."""
    verdict = verdict_of(line, policy)

    assert (verdict.reason, verdict.column) == (Reason.NUMBER, column)
    assert verdict.detail == f"{token} is not a number in JSON"


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":N/A}',
        b'{"a":nan}',
        b'{"a":inf}',
        b'{"a":-NaN}',
        b'{"a":1-NaN}',
        b"{NaN:1}",
        b'{"a":1}NaN',
        rb'{"a":"\NaN"}',
    ],
)
def test_the_letters_of_nan_elsewhere_are_a_fault_of_syntax(line: bytes) -> None:
    """M48: only a value can be meant as a number."""
    assert verdict_of(line).reason is Reason.SYNTAX


@pytest.mark.parametrize(
    ("line", "column", "token"),
    [
        pytest.param(b'{"a":1e400}', 6, "1e400", id="exponent"),
        pytest.param(b'{"a":"1e400","b":[1.5,-2.5E+308]}', 23, "-2.5E+308", id="negative"),
        pytest.param(b"1e400", 1, "1e400", id="alone"),
        pytest.param(b'{"a":1e400,"b":tru}', 6, "1e400", id="before a fault of syntax"),
    ],
)
@pytest.mark.parametrize("policy", [STRICT, LENIENT])
def test_a_number_beyond_a_64_bit_float_is_a_dead_letter(
    line: bytes, column: int, token: str, policy: Policy
) -> None:
    """M48: read as infinity it would be a wrong fact."""
    verdict = verdict_of(line, policy)

    assert (verdict.reason, verdict.column) == (Reason.NUMBER, column)
    assert verdict.detail == f"{token} is too large for a 64-bit float"


def test_a_number_too_large_is_found_in_a_value_that_a_later_key_replaced() -> None:
    """M48: lenient about keys is not lenient about numbers."""
    verdict = verdict_of(b'{"a":1e400,"a":1}', LENIENT)

    assert (verdict.reason, verdict.column) == (Reason.NUMBER, 6)


def test_a_float_of_400_digits_is_too_large_but_an_integer_is_not() -> None:
    """M48, M49: an integer is exact at any length."""
    digits = b"1" * 400

    assert verdict_of(b'{"a":' + digits + b".0}").reason is Reason.NUMBER
    assert event_of(b'{"a":' + digits + b"}") == ({"a": int(digits)}, NO_FLAG)


@pytest.mark.parametrize(
    ("token", "value"),
    [
        (b"-0", 0),
        (b"-0.0", -0.0),
        (b"1.10", 1.1),
        (b"1e5", 1e5),
        (b"0.1000000000000000055511151231257827", 0.1),
        (b"179769313486231580793e288", 1.7976931348623157e308),
        (b"1e-400", 0.0),
        (b"9007199254740993", 2**53 + 1),
        (b"9223372036854775808", 2**63),
        (b"-9223372036854775809", -(2**63) - 1),
        (b"18446744073709551616", 2**64),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_numbers_keep_their_type_and_exact_value(
    token: bytes, value: float, shape_of: Callable[[JsonValue], object]
) -> None:
    """M48, M49: an integer never becomes a float, and a float is the nearest there is."""
    line = b'{"a":' + token + b"}"

    event, flags = event_of(line)

    assert shape_of(event) == shape_of({"a": value})
    assert flags == NO_FLAG
    strict = read_strict(line, STRICT)
    assert isinstance(strict, tuple)
    assert shape_of(strict[0]) == shape_of(event)


def test_an_integer_of_5000_digits_is_an_event_with_a_stand_in() -> None:
    """M49: legal JSON is no dead letter; the digits are in the raw line."""
    line = b'{"a":-' + b"7" * 5_000 + b',"b":[' + b"8" * 5_000 + b'],"c":"' + b"9" * 5_000 + b'"}'

    event, flags = event_of(line)

    assert event == {"a": LONG_INTEGER, "b": [LONG_INTEGER], "c": "9" * 5_000}
    assert flags == NO_FLAG


def test_4300_digits_are_the_longest_integer_that_is_converted() -> None:
    """M49: the limit of CPython and of both parsers."""
    digits = b"7" * 4_300

    assert event_of(b'{"a":' + digits + b"}")[0] == {"a": int(digits)}
    assert event_of(b'{"a":7' + digits + b"}")[0] == {"a": LONG_INTEGER}


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        pytest.param(b'{"a":[%b,NaN]}', Reason.NUMBER, 5_008, id="NaN"),
        pytest.param(b'{"a":[%b,"\t"]}', Reason.CONTROL, 5_009, id="control"),
        pytest.param(b'{"a":%b,"a":1}', Reason.DUPLICATE_KEY, 5_007, id="duplicate key"),
        pytest.param(b'{"a":0%b}', Reason.SYNTAX, 7, id="leading zero"),
        pytest.param(b'{"a":%b.}', Reason.SYNTAX, 5_006, id="no fraction"),
        pytest.param(b'{"a":[1e400,%b]}', Reason.NUMBER, 7, id="too large before"),
        pytest.param(b'{"a":%b.5}', Reason.NUMBER, 6, id="too large itself"),
    ],
)
def test_a_long_integer_hides_no_fault_and_moves_no_column(
    line: bytes, reason: Reason, column: int
) -> None:
    """M49: the stand-in takes the place of the digits byte for byte."""
    verdict = verdict_of(line % (b"7" * 5_000))

    assert (verdict.reason, verdict.column) == (reason, column)


def test_a_float_of_5000_digits_that_is_not_too_large_is_read() -> None:
    """M48: the parsers refuse it, but it is a float like any other."""
    line = b'{"a":' + b"1" * 5_000 + b"e-4999}"

    assert event_of(line) == ({"a": 1.1111111111111112}, NO_FLAG)
    assert read_strict(line, STRICT) == ({"a": 1.1111111111111112}, NO_FLAG)


@pytest.mark.parametrize(
    ("line", "column", "what"),
    [
        (b"null", 1, "null"),
        (b" 5", 2, "a number"),
        (b"1.5", 1, "a number"),
        (b"1" * 5_000, 1, "a number"),
        (b'"x"', 1, "a string"),
        (b'[{"a":1}]', 1, "an array"),
        (b"true", 1, "true or false"),
    ],
)
def test_json_that_is_not_an_object_is_a_dead_letter(line: bytes, column: int, what: str) -> None:
    """M50: an event has named members."""
    verdict = verdict_of(line)

    assert (verdict.reason, verdict.column) == (Reason.NOT_OBJECT, column)
    assert verdict.detail == f"the line holds {what}, not an object"


@pytest.mark.parametrize(
    ("line", "column"),
    [
        pytest.param(b'{"a":1}{"b":2}', 8, id="two objects"),
        pytest.param(b'{"a":1} {"b":2}', 9, id="two objects apart"),
        pytest.param(b'{"a":1,}', 8, id="trailing comma"),
        pytest.param(b'{"a":[1,]}', 9, id="trailing comma in an array"),
        pytest.param(b'{"a":1}//x', 8, id="comment"),
        pytest.param(b'{/*x*/"a":1}', 2, id="comment inside"),
        pytest.param(b"{'a':1}", 2, id="single quotes"),
        pytest.param(b"{a:1}", 2, id="bare key"),
        pytest.param(b'{"a":01}', 7, id="leading zero"),
        pytest.param(b'{"a":01e999}', 7, id="leading zero of a large number"),
        pytest.param(b'{"a":+1}', 6, id="plus"),
        pytest.param(b'{"a":.5}', 6, id="no whole part"),
        pytest.param(rb'{"a":"\x"}', 8, id="unknown escape"),
        pytest.param(b'{"a":1', 6, id="cut"),
        pytest.param(b'{"a":"x', 7, id="cut in a string"),
        pytest.param('{"é":tru}'.encode(), 10, id="after a character of two bytes"),
        pytest.param('{"a":é}'.encode(), 6, id="at a character of two bytes"),
        pytest.param(b'{"a":\n1,"b":x}', 13, id="newline inside"),
        pytest.param(b"hello", 1, id="plain text"),
        pytest.param(b"2026-03-14,a,b", 5, id="CSV"),
        pytest.param(b"[1,2", 4, id="an array that does not end"),
        pytest.param(b"\xc3\xa9", 1, id="a letter"),
    ],
)
@pytest.mark.parametrize("policy", [STRICT, LENIENT])
def test_what_is_not_json_is_reported_with_its_column(
    line: bytes, column: int, policy: Policy
) -> None:
    """M50: two objects, trailing commas, comments, single quotes and the rest."""
    verdict = verdict_of(line, policy)

    assert (verdict.reason, verdict.column) == (Reason.SYNTAX, column)
    assert verdict.detail


def test_an_empty_line_has_a_verdict_too() -> None:
    """Blank lines are not passed in; one that is must not crash the run."""
    assert verdict_of(b"") == Verdict(
        reason=Reason.SYNTAX, column=1, detail="EOF while parsing a value"
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(b'{"a":"\xff\x1f"}', Reason.NOT_UTF8, id="bad byte before control"),
        pytest.param(b'{"a":"\x1f\xff"}', Reason.CONTROL, id="control before bad byte"),
        pytest.param(rb'{"a":"\ud800","a":1}', Reason.LONE_SURROGATE, id="surrogate before key"),
        pytest.param(rb'{"a":1,"a":"\ud800"}', Reason.DUPLICATE_KEY, id="key before surrogate"),
        pytest.param(b'{"a":1e400,"a":NaN}', Reason.NUMBER, id="number before key"),
        pytest.param(b'{"a":1,"a":1e400}', Reason.DUPLICATE_KEY, id="key before number"),
        pytest.param(b'{"a":x,"b":"\xff"}', Reason.SYNTAX, id="syntax before bad byte"),
        pytest.param(b"[NaN]", Reason.NUMBER, id="any fault before the type"),
    ],
)
def test_of_several_faults_the_first_by_byte_is_reported(line: bytes, reason: Reason) -> None:
    """What a person would find first when reading the line from the left."""
    assert verdict_of(line).reason is reason


@pytest.mark.parametrize(
    "key", ["", "a.b", "$", "$.a[0]", '\\"', "😀", "a b", "-- ;", "k" * 1_000_000]
)
def test_any_string_can_be_a_key(key: str) -> None:
    """M53: empty keys, dots, dollar signs, quotes, emoji and a megabyte."""
    line = f'{{"{key}":1}}'.encode()

    event, flags = event_of(line)

    assert list(event.values()) == [1]
    assert flags == NO_FLAG
    assert read_strict(line, STRICT) == (event, NO_FLAG)


def test_an_object_may_have_10000_keys() -> None:
    """M53: it is stored; exports guard their own limits."""
    line = b"{" + b",".join(b'"k%d":%d' % (number, number) for number in range(10_000)) + b"}"

    event, flags = event_of(line)

    assert len(event) == 10_000
    assert flags == NO_FLAG


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"a":"1","a":1}', id="compact"),
        pytest.param(b'{"a" :1,"a":1}', id="space before one colon"),
        pytest.param(b'{"a": 1, "a": 1}', id="spaced"),
        pytest.param(b'{"x": {"a": 1, "a": 1}}', id="nested"),
        pytest.param(b'{"x": [{"a" :1, "a"\t:1}]}', id="in an array"),
    ],
)
def test_the_fast_reading_never_swallows_a_duplicate_key(line: bytes) -> None:
    """M47: it leaves every line it is not certain of to the strict reading."""
    assert read_fast(line) is None


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":1,"b":{"c":[{"d":null}]}}',
        b'{"a": 1, "b": {"c": [{"d": null}, [2]]}}',
        b'{"a": "x :y [1] {2}"}',
        rb'{"a":"{\"b\":1}"}',
        b'{"a":"' + b"x" * 500 + b'"}',
    ],
)
def test_the_fast_reading_answers_for_ordinary_lines(line: bytes) -> None:
    """Compact, spaced, nested and long lines need no second parser."""
    event = read_fast(line)

    assert event is not None
    assert read_strict(line, STRICT) == (event, NO_FLAG)
