"""The fast reading of a line: an object where nothing can be wrong with it, else no answer.

Pure. What this module accepts, ``strict`` accepts too, with an equal object and no flag.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, cast

import msgspec

from evidentia.event.values import JsonObject, JsonValue, Policy

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode
_REFUSALS: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""msgspec reports bad UTF-8 and deep nesting outside its own family of errors."""
_SPACED: Final = b'": '
_FIRST_COLON_BYTES: Final = 40
_WHITESPACE: Final = b" \t\r\n"
_SPACES: Final = b" \t\r"
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
    except _REFUSALS:
        return None
    return event if type(event) is dict and _is_proved(line, event, depth_max) else None


def _is_proved(line: bytes, event: JsonObject, depth_max: int = _DEPTH_MAX) -> bool:
    """True when the object has certainly lost no member and does not nest too deeply."""
    try:
        # A writer that puts a space after each colon does so from the first one on.
        is_whole = _SPACED not in line[:_FIRST_COLON_BYTES] and _encode(event) == line
    except _REFUSALS:
        return False
    if not is_whole and not _has_all_members(line, event):
        return False
    # Each level takes a bracket at either end, so a short line needs no counting.
    if len(line) <= _SHALLOW_BYTES <= 2 * depth_max:
        return True
    return line.count(b"{") + line.count(b"[") <= min(depth_max, _DEPTH_MAX)


def read_fast_lines(lines: Sequence[bytes], text: bytes) -> list[JsonObject | None]:
    """As ``read_fast`` for many lines; what is proved for all at once need not be for each.

    It may answer fewer lines than ``read_fast`` does, never more or otherwise.

    Args:
        lines: Lines without their newlines.
        text: The same lines, each with its newline.
    """
    events = _decoded(lines)
    if _are_proved(lines, text, events):
        return events
    return [
        event if event is not None and _is_proved(line, event) else None
        for line, event in zip(lines, events, strict=True)
    ]


def _decoded(lines: Sequence[bytes]) -> list[JsonObject | None]:
    """The objects on the lines, the last of equal keys kept; None for what is none."""
    values: list[JsonValue] = []
    rest = iter(lines)
    while not _is_all_decoded(values, rest):
        # What came before stays in the list, and the iterator stands behind the bad line.
        values.append(None)
    if len(values) != len(lines):
        # An interpreter that keeps nothing of a list that could not be extended.
        return [None] * len(lines)
    return [value if type(value) is dict else None for value in values]


def _is_all_decoded(values: list[JsonValue], rest: Iterator[bytes]) -> bool:
    """Add values up to the first line that has none; whether there was no such line."""
    try:
        values.extend(map(_decode, rest))
    except _REFUSALS:
        return False
    return True


def _without_spaces(text: bytes) -> bytes:
    """Text in which every key's closing quote is followed by its colon."""
    # Finding nothing is many times faster than taking out what most writers put behind colons.
    if b" :" in text or b"\t" in text or b"\r" in text:
        return text.translate(None, _SPACES)
    return text


def _are_proved(lines: Sequence[bytes], text: bytes, events: list[JsonObject | None]) -> bool:
    """True when all lines are flat objects that have lost no member, and none nests too deeply."""
    try:
        keys = sum(map(len, cast("list[JsonObject]", events)))
    except TypeError:
        # One line is no object.
        return False
    # A line has at least as many pairs of quote and colon as members, and at least as many members
    # as its object has keys. Where the sums are the same, so are the numbers of every line: no key
    # is repeated, and no member stands deeper than the first level.
    return keys == _without_spaces(text).count(b'":') and all(
        line.count(b"{") + line.count(b"[") <= _DEPTH_MAX
        for line in lines
        if len(line) > _SHALLOW_BYTES
    )


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
