"""JSON written again without white space, every number as it stood. For hashes over such text.

The programs whose hashes are recomputed print numbers by rules of their own language; what they
hashed and what they wrote are the same text, so the digits are kept and never printed anew.
"""

from __future__ import annotations

import json
from typing import Final, TypeAlias

import msgspec


class _Number(str):
    """The digits of a number."""

    __slots__ = ()


_Value: TypeAlias = "bool | _Number | str | list[_Value] | dict[str, _Value] | None"
_quote: Final = msgspec.json.Encoder().encode
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)
_WORDS: Final = {None: b"null", True: b"true", False: b"false"}


def parse(raw: bytes) -> _Value:
    """A JSON value with its numbers as text.

    Raises:
        ValueError: The bytes are no JSON, or nest too deeply.
    """
    try:
        value: _Value = json.loads(
            raw.decode(), parse_int=_Number, parse_float=_Number, parse_constant=_refuse
        )
    except _UNREADABLE as error:
        raise ValueError(str(error)) from error
    return value


def write(value: _Value, *, is_sorted: bool) -> bytes:
    """Compact JSON: members sorted by their keys' code points, or in the order they stand.

    Raises:
        ValueError: A text holds a lone surrogate, or the value nests too deeply.
    """
    try:
        return _written(value, is_sorted=is_sorted)
    except _UNREADABLE as error:
        raise ValueError(str(error)) from error


def _written(value: _Value, *, is_sorted: bool) -> bytes:
    if isinstance(value, _Number):
        return value.encode()
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, list):
        return b"[" + b",".join(_written(item, is_sorted=is_sorted) for item in value) + b"]"
    if isinstance(value, dict):
        items = sorted(value.items()) if is_sorted else value.items()
        members = (_quote(key) + b":" + _written(item, is_sorted=is_sorted) for key, item in items)
        return b"{" + b",".join(members) + b"}"
    return _WORDS[value]


def _refuse(constant: str) -> _Value:
    raise ValueError(f"{constant} is no JSON")
