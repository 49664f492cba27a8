"""Canonical bytes: the one byte form of a JSON value that is hashed (RFC 8785).

The door is stricter than the RFC, so that whatever passes reads back to equal bytes in every
parser: no lone surrogates, no NaN or infinity, no whole number beyond 2**53 - 1 on either side of
zero, no nesting deeper than 200, and only the exact types of JSON. Larger numbers, decimals and
bytes travel as strings.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Final

import msgspec
import rfc8785

from evidentia.errors import RejectionError
from evidentia.event.long_number import LongInteger
from evidentia.event.values import JsonValue

INTEGER_MAX: Final = 2**53 - 1
"""Beyond it IEEE doubles, and so other readers of JSON, skip integers."""
DEPTH_MAX: Final = 200
"""Deepest nesting of objects and arrays that is accepted, the same as in lines that are read."""

_EXPONENT_FROM: Final = 1e21
"""From here on a double is written with an exponent, and so read as a double again."""
_NAME_CHARACTERS_MAX: Final = 60
"""Longest key that a message spells out."""

_AS_TEXT: Final = "write the number as a string"
_BARE_NAME: Final = re.compile(rf"[A-Za-z_][A-Za-z0-9_-]{{0,{_NAME_CHARACTERS_MAX - 1}}}")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")

_ascii_text: Final = json.JSONEncoder(ensure_ascii=True).encode
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder(order="sorted").encode


def canonical_bytes(value: JsonValue, depth_max: int = DEPTH_MAX) -> bytes:
    """The RFC 8785 bytes of a parsed JSON value.

    Args:
        value: The value.
        depth_max: Deepest nesting that is accepted; less for what becomes a part of something.

    Raises:
        RejectionError: The value is not JSON within the limits above; ``where`` is its JSON path.
    """
    if _is_plain((value,), depth_max):
        try:
            return _encode(value)
        except UnicodeEncodeError:
            pass  # A lone surrogate; the slow pass says where.
    _refuse(value, "$", depth_max)
    return rfc8785.dumps(value)


def is_canonical(raw: bytes) -> bool:
    """Whether bytes are the canonical bytes of the value that they hold."""
    try:
        return canonical_bytes(_decode(raw)) == raw
    except (RejectionError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _is_plain(items: Iterable[object], depth: int) -> bool:
    """True when the quick encoder writes RFC 8785 bytes, lone surrogates aside.

    It does where no value is a float and all keys are ASCII, whose order is the same in UTF-8 and
    in UTF-16. Types are compared exactly: encoders treat subclasses in ways of their own.
    """
    for item in items:
        if type(item) is str:
            continue
        if type(item) is int:
            if not -INTEGER_MAX <= item <= INTEGER_MAX:
                return False
        elif type(item) is dict:
            if not (depth and _has_ascii_keys(item) and _is_plain(item.values(), depth - 1)):
                return False
        elif not (item is None or type(item) is bool or _is_plain_list(item, depth)):
            return False
    return True


def _is_plain_list(item: object, depth: int) -> bool:
    return type(item) is list and depth > 0 and _is_plain(item, depth - 1)


def _has_ascii_keys(node: dict[object, object]) -> bool:
    # A loop, because a generator in all() makes the whole a sixth slower.
    for key in node:  # noqa: SIM110  # see above
        if type(key) is not str or not key.isascii():
            return False
    return True


def _refuse(value: object, path: str, depth: int) -> None:
    """Raise for the first thing, in reading order, that is not JSON within the limits."""
    if type(value) is dict:
        _refuse_depth(path, depth)
        for key, item in value.items():
            if type(key) is not str:
                raise RejectionError(f"a key of type {type(key).__name__} is not JSON", where=path)
            name = f"{path}.{key}" if _BARE_NAME.fullmatch(key) else f"{path}[{_quoted(key)}]"
            _refuse_text(key, name)
            _refuse(item, name, depth - 1)
    elif type(value) is list:
        _refuse_depth(path, depth)
        for index, item in enumerate(value):
            _refuse(item, f"{path}[{index}]", depth - 1)
    else:
        _refuse_leaf(value, path)


def _refuse_leaf(value: object, path: str) -> None:
    if type(value) is str:
        _refuse_text(value, path)
    elif type(value) is int:
        if not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise RejectionError("an integer beyond 2**53 - 1", where=path, fix=_AS_TEXT)
    elif type(value) is float:
        _refuse_double(value, path)
    elif type(value) is LongInteger:
        raise RejectionError("an integer beyond 2**53 - 1", where=path, fix=_AS_TEXT)
    elif not (value is None or type(value) is bool):
        raise RejectionError(
            f"a value of type {type(value).__name__} is not JSON",
            where=path,
            fix="hand in dict, list, str, int, float, bool or None; write others as strings",
        )


def _refuse_depth(path: str, depth: int) -> None:
    if not depth:
        raise RejectionError(f"nested deeper than {DEPTH_MAX} levels", where=path)


def _refuse_text(text: str, path: str) -> None:
    if _SURROGATE.search(text):
        raise RejectionError("a lone surrogate, which UTF-8 cannot write", where=path)


def _refuse_double(value: float, path: str) -> None:
    if not math.isfinite(value):
        raise RejectionError("NaN and infinity are not JSON", where=path)
    if INTEGER_MAX < abs(value) < _EXPONENT_FROM:
        # It would be written without a point, and read back as an integer that is refused.
        raise RejectionError("a whole number beyond 2**53 - 1", where=path, fix=_AS_TEXT)


def _quoted(key: str) -> str:
    """A key as a JSON string, cut where it is long: the path is for people."""
    return _ascii_text(key[:_NAME_CHARACTERS_MAX])
