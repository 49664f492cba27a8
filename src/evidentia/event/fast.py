"""The fast reading of a line: an object where nothing can be wrong with it, else no answer.

Pure. What this module accepts, ``strict`` accepts too, with an equal object and no flag.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from evidentia.event.values import JsonObject, JsonValue, Policy

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode
_REFUSALS: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""msgspec reports bad UTF-8 and deep nesting outside its own family of errors."""
_SPACED: Final = b'": '
_FIRST_COLON_BYTES: Final = 40
_WHITESPACE: Final = b" \t\r\n"
_CONTAINERS: Final = (dict, list)
_DEPTH_MAX: Final = Policy().depth_max
_SHALLOW_BYTES: Final = 2 * _DEPTH_MAX


def read_fast(line: bytes, depth_max: int = _DEPTH_MAX) -> JsonObject | None:
    """The object on the line, or None where only the strict reading can tell.

    msgspec lets the last of two equal keys win and hardly limits the depth. Both are excluded
    here, the keys by the cheapest of two proofs: what encodes to the line again has lost nothing,
    and neither has an object with as many keys as the line can have members.

    Args:
        line: One line without its newline.
        depth_max: Deepest nesting that is accepted; no more than 200 in any case.
    """
    try:
        event: JsonValue = _decode(line)
        if type(event) is not dict:
            return None
        # A writer that puts a space after each colon does so from the first one on.
        is_whole = _SPACED not in line[:_FIRST_COLON_BYTES] and _encode(event) == line
    except _REFUSALS:
        return None
    if not is_whole and not _has_all_members(line, event):
        return None
    # Each level takes a bracket at either end, so a short line needs no counting.
    if len(line) <= _SHALLOW_BYTES <= 2 * depth_max:
        return event
    is_shallow = line.count(b"{") + line.count(b"[") <= min(depth_max, _DEPTH_MAX)
    return event if is_shallow else None


def _has_all_members(line: bytes, event: JsonObject) -> bool:
    """True when the object certainly has as many members as the text.

    With all white space gone, every member's colon follows the closing quote of its key: the
    number of those pairs is the number of members, or above it where a string holds such a pair.
    """
    members = line.translate(None, _WHITESPACE).count(b'":')
    # Searching from the right is several times faster than counting, and most events are flat.
    return members == (len(event) if line.rfind(b"{") == 0 else _count_keys(event))


def _count_keys(event: JsonObject) -> int:
    count = 0
    pending: list[JsonObject | list[JsonValue]] = [event]
    while pending:
        node = pending.pop()
        children: Iterable[JsonValue] = node
        if isinstance(node, dict):
            count += len(node)
            children = node.values()
        pending += [child for child in children if isinstance(child, _CONTAINERS)]
    return count
