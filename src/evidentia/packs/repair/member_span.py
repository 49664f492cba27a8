"""Where in a line's bytes the value of a top-level member stands, without writing the line anew."""

from __future__ import annotations

import json
import re
from typing import Final

from evidentia.event.long_number import STRING

_TOKEN: Final = re.compile(STRING + rb"|(?P<open>[\[{])|(?P<close>[\]}])", re.DOTALL)
_COLON: Final = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*")
_SCALAR: Final = re.compile(rb"[^,}\]\s]+")


def member_span(raw: bytes, key: str) -> tuple[int, int] | None:
    """The place of a member's value in a line that is a JSON object; None without the member.

    Args:
        raw: A line that the strict reading accepts; what stands before its first brace is skipped.
        key: The member, as it reads, however it is written.
    """
    depth = 0
    for match in _TOKEN.finditer(raw):
        if match["open"]:
            depth += 1
        elif match["close"]:
            depth -= 1
        elif depth == 1:
            colon = _COLON.match(raw, match.end())
            if colon and json.loads(match[0]) == key:
                return colon.end(), _end_of_value(raw, colon.end())
    return None


def _end_of_value(raw: bytes, start: int) -> int:
    scalar = None if raw[start : start + 1] in b'"[{' else _SCALAR.match(raw, start)
    if scalar:
        return scalar.end()
    depth = 0
    for match in _TOKEN.finditer(raw, start):
        depth += (match["open"] is not None) - (match["close"] is not None)
        if not depth:
            return match.end()
    return len(raw)
