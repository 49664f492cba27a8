r"""Escapes such as ``\ud800`` that lack their other half: grammar allows them, UTF-8 does not."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

_HIGH: Final = rb"[dD][89abAB][0-9a-fA-F]{2}"
_LOW: Final = rb"[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE: Final = re.compile(
    rb"\\(?:u(?:%b\\u%b|(?P<lone>%b|%b))|.)" % (_HIGH, _LOW, _HIGH, _LOW), re.DOTALL
)


def lone_surrogates(text: bytes) -> Iterator[int]:
    """Where each lone surrogate's backslash stands, from left to right."""
    if b"\\ud" in text or b"\\uD" in text:
        for match in _ESCAPE.finditer(text):
            if match["lone"] is not None:
                yield match.start()


def escape_surrogates(text: bytes) -> tuple[bytes, list[int]]:
    r"""The text with every lone surrogate as six plain characters, and where bytes were added.

    A second backslash before ``\ud800`` makes a string of the characters ``\ud800``, which
    encodes to UTF-8 like any other.
    """
    parts: list[bytes] = []
    additions: list[int] = []
    start = 0
    for place in lone_surrogates(text):
        parts.append(text[start:place])
        additions.append(place + len(additions))
        start = place
    parts.append(text[start:])
    return b"\\".join(parts), additions


def column_before(column: int, additions: list[int]) -> int:
    """The column of the original text for a column of the text with added bytes."""
    return column - bisect_left(additions, column - 1)
