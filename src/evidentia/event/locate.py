"""Which fault a line has, and at which byte. Pure.

Each function answers for one kind of fault and is right as long as no other fault stands before
the one it reports; the caller takes the first by column. All take linear time.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

from evidentia.event.long_number import STRING
from evidentia.event.surrogate import lone_surrogates
from evidentia.event.values import Reason, Verdict

_SHOWN_CHARACTERS_MAX: Final = 60
_UTF8_BYTES_MAX: Final = 4

_STRING: Final = re.compile(STRING, re.DOTALL)
_BRACKET_OR_STRING: Final = re.compile(STRING + rb"|(?P<open>[\[{])|(?P<close>[\]}])", re.DOTALL)
_FLOAT_OR_STRING: Final = re.compile(
    STRING + rb"|-?(?:0|[1-9][0-9]*+)(?P<float>(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)", re.DOTALL
)
_NO_NUMBER: Final = re.compile(rb"NaN|-?Infinity")


def not_utf8_fault(text: bytes) -> Verdict | None:
    """The first byte that does not belong to UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        detail = f"byte 0x{text[error.start]:02x} does not belong to UTF-8"
        return Verdict(reason=Reason.NOT_UTF8, column=error.start + 1, detail=detail)
    return None


def lone_surrogate_fault(text: bytes) -> Verdict | None:
    """The first escaped surrogate without its other half."""
    place = next(lone_surrogates(text), None)
    if place is None:
        return None
    detail = f"{_shown(text[place : place + 6])} lacks its other half"
    return Verdict(reason=Reason.LONE_SURROGATE, column=place + 1, detail=detail)


def depth_fault(text: bytes, depth_max: int) -> Verdict | None:
    """The bracket that opens one level too many."""
    if text.count(b"{") + text.count(b"[") <= depth_max:
        return None
    depth = 0
    for match in _BRACKET_OR_STRING.finditer(text):
        depth += (match["open"] is not None) - (match["close"] is not None)
        if depth > depth_max:
            detail = f"objects and arrays are nested more than {depth_max} deep"
            return Verdict(reason=Reason.DEPTH, column=match.start() + 1, detail=detail)
    return None


def overflow_fault(text: bytes) -> Verdict | None:
    """The first number that is too large for a 64-bit float."""
    for match in _FLOAT_OR_STRING.finditer(text):
        if match["float"] and abs(float(match[0])) == float("inf"):
            detail = f"{_shown(match[0])} is too large for a 64-bit float"
            return Verdict(reason=Reason.NUMBER, column=match.start() + 1, detail=detail)
    return None


def no_number_fault(text: bytes, column: int) -> Verdict | None:
    """NaN or an infinity, at or (after its sign) just before the column."""
    start = column - 1
    if text[start - 1 : start] == b"-":
        start -= 1
    match = _NO_NUMBER.match(text, start)
    if match is None:
        return None
    detail = f"{_shown(match[0])} is not a number in JSON"
    return Verdict(reason=Reason.NUMBER, column=start + 1, detail=detail)


def duplicate_key_fault(text: bytes, column: int) -> Verdict:
    """The key that repeats an earlier one and ends before the column, whose value follows."""
    (key,) = deque(_STRING.finditer(text, 0, column - 1), maxlen=1)
    detail = f"key {_shown(key[0])} occurs twice in one object"
    return Verdict(reason=Reason.DUPLICATE_KEY, column=key.start() + 1, detail=detail)


def refusal_fault(text: bytes, column: int, phrase: str) -> Verdict:
    """A raw control character where a string has one at the column, else a fault of syntax."""
    index = column - 1
    if text[index : index + 1] < b" " and _is_in_string(text, index):
        detail = f"control character U+{text[index]:04X} stands unescaped in a string"
        return Verdict(reason=Reason.CONTROL, column=column, detail=detail)
    return Verdict(reason=Reason.SYNTAX, column=column, detail=phrase)


def _is_in_string(text: bytes, index: int) -> bool:
    strings = _STRING.finditer(text, 0, index + 1)
    return any(string.start() < index < string.end() for string in strings)


def _shown(token: bytes) -> str:
    """The bytes as at most 60 characters that any terminal and store can hold."""
    text = token[: _SHOWN_CHARACTERS_MAX * _UTF8_BYTES_MAX].decode("utf-8", "backslashreplace")
    if not text.isprintable():
        text = text.encode("ascii", "backslashreplace").decode()
    if len(text) > _SHOWN_CHARACTERS_MAX:
        return text[: _SHOWN_CHARACTERS_MAX - 1] + "…"
    return text
