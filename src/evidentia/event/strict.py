"""The strict reading of a line: an object with its flags, or the verdict and its place.

Pure. jiter decides what is JSON and where it stops being JSON; its wording is never relied on,
only shown. What it cannot tell, or tells differently from one release to the next, is settled by
``locate``.

Of several faults in one line the first by byte is reported. Two remarks on that order:

- a duplicate key counts from its opening quote, a number, escape or character from its first byte;
- ``not_object`` comes last: it is said only of a line that is well-formed JSON as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, cast

import jiter

from evidentia.event.locate import (
    depth_fault,
    duplicate_key_fault,
    lone_surrogate_fault,
    no_number_fault,
    not_utf8_fault,
    overflow_fault,
    refusal_fault,
)
from evidentia.event.long_number import (
    holds_infinity,
    holds_long_number,
    shorten_numbers,
    with_long_integers,
)
from evidentia.event.surrogate import column_before, escape_surrogates
from evidentia.event.values import Flag, JsonObject, JsonValue, Policy, Reason, Verdict

_BOM: Final = b"\xef\xbb\xbf"
_PARSER_DEPTH_MAX: Final = 200
"""jiter goes no deeper, whatever the policy says."""
_NO_FLAG: Final = Flag(0)
_TYPE_NAMES: Final = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    type(None): "null",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """Where and why the parser stopped."""

    column: int
    phrase: str


def read_strict(line: bytes, policy: Policy) -> tuple[JsonObject, Flag] | Verdict:
    """The object on the line with its flags, or why the line is not an event.

    Args:
        line: One line without its newline; not blank. Any bytes are judged, none raise.
        policy: How strictly.
    """
    skipped = len(_BOM) if line.startswith(_BOM) else 0
    if skipped and not policy.is_lenient:
        return Verdict(reason=Reason.BOM, column=1, detail="a byte-order mark starts the line")
    # A newline is white space to JSON like a carriage return, but would restart jiter's columns.
    text = line[skipped:].replace(b"\n", b"\r")
    additions: list[int] = []
    if policy.is_lenient:
        text, additions = escape_surrogates(text)
    judged = _judge(text, policy)
    if isinstance(judged, Verdict):
        column = column_before(judged.column, additions) + skipped
        return replace(judged, column=max(column, 1))
    event, flags = judged
    if skipped:
        flags |= Flag.BOM
    if additions:
        flags |= Flag.LONE_SURROGATE
    return event, flags


def _judge(text: bytes, policy: Policy) -> tuple[JsonObject, Flag] | Verdict:
    read = _read(text, policy)
    is_shortened = isinstance(read, Verdict) and holds_long_number(text)
    if is_shortened:
        read = _read(shorten_numbers(text, b"0"), policy)
    if isinstance(read, Verdict):
        return _first_fault(text, read, policy)
    value, flags = read
    fault = _fault_of_value(text, value, flags, policy)
    if fault is not None:
        return fault
    if is_shortened:
        value = _parse_long_integers(text)
    return cast("JsonObject", value), flags


def _read(text: bytes, policy: Policy) -> tuple[JsonValue, Flag] | Verdict:
    """The parser's value, or its refusal as a verdict."""
    value = _parse(text)
    if not isinstance(value, _Refusal):
        return value, _NO_FLAG
    # The parser has stopped for a duplicate key where it does not stop if the last one may win.
    tolerant = _parse(text, is_last_key_kept=True)
    if tolerant == value:
        return _verdict_of(text, value)
    if not policy.is_lenient:
        return duplicate_key_fault(text, value.column)
    if isinstance(tolerant, _Refusal):
        return _verdict_of(text, tolerant)
    return tolerant, Flag.DUPLICATE_KEY


def _verdict_of(text: bytes, refusal: _Refusal) -> Verdict:
    no_number = no_number_fault(text, refusal.column)
    # The same letters elsewhere (a key, a bad escape) stay refused where NaN is let through.
    if no_number is not None and refusal != _parse(
        text, is_last_key_kept=True, is_infinity_accepted=True
    ):
        return no_number
    return refusal_fault(text, refusal.column, refusal.phrase)


def _first_fault(text: bytes, refused: Verdict, policy: Policy) -> Verdict:
    head = text[: refused.column]
    faults = (
        # The whole text: its head may end inside a character or an escape.
        not_utf8_fault(text),
        refused,
        lone_surrogate_fault(text),
        depth_fault(head, min(policy.depth_max, _PARSER_DEPTH_MAX)),
        overflow_fault(head),
    )
    # At the same byte the earlier of these names the cause.
    return min((fault for fault in faults if fault is not None), key=_column_of)


def _fault_of_value(text: bytes, value: JsonValue, flags: Flag, policy: Policy) -> Verdict | None:
    """What is wrong with a line that the parser accepts."""
    faults = []
    if policy.depth_max < _PARSER_DEPTH_MAX:
        faults.append(depth_fault(text, policy.depth_max))
    # A number that is too large may hide in the value that a later equal key replaced.
    if flags or holds_infinity(value):
        faults.append(overflow_fault(text))
    first = min((fault for fault in faults if fault is not None), key=_column_of, default=None)
    if first is None and type(value) is not dict:
        column = len(text) - len(text.lstrip()) + 1
        detail = f"the line holds {_TYPE_NAMES[type(value)]}, not an object"
        return Verdict(reason=Reason.NOT_OBJECT, column=column, detail=detail)
    return first


def _column_of(verdict: Verdict) -> int:
    return verdict.column


def _parse_long_integers(text: bytes) -> JsonObject:
    # No number of an accepted line is infinite, so infinity can mark the long integers.
    value = _parse(
        shorten_numbers(text, b"Infinity"), is_last_key_kept=True, is_infinity_accepted=True
    )
    return with_long_integers(cast("JsonObject", value))


def _parse(
    text: bytes, *, is_last_key_kept: bool = False, is_infinity_accepted: bool = False
) -> JsonValue | _Refusal:
    try:
        value: JsonValue = jiter.from_json(
            text,
            allow_inf_nan=is_infinity_accepted,
            cache_mode="none",
            catch_duplicate_keys=not is_last_key_kept,
            float_mode="float",
        )
    except ValueError as error:
        # "<phrase> at line 1 column <number>"
        phrase, _, place = str(error).rpartition(" at line ")
        return _Refusal(column=int(place.rpartition(" ")[2]), phrase=phrase)
    return value
