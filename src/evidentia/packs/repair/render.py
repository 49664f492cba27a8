"""The lines of a conversation with the parents that repairs give; the log itself is never changed.

Public functions::

    render_lines(lines, parents) -> Iterator[bytes]
    with_parent_uuid(raw, parent) -> bytes

Only the value of ``parentUuid`` is another, in the line that is the message's node. Every other
byte of every line stays, spaces and escapes included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from evidentia.event.line import read_line
from evidentia.event.values import JsonObject, Policy, Verdict
from evidentia.packs.repair.conversation import SourceLine, session_name
from evidentia.packs.repair.member_span import member_span
from evidentia.packs.repair.reading import link_of, session_of

_KEY: Final = "parentUuid"
_STRICT: Final = Policy()
_BOM: Final = b"\xef\xbb\xbf"

_encode: Final = msgspec.json.Encoder().encode


def render_lines(
    lines: Iterable[SourceLine], parents: Mapping[str, Mapping[str, str | None]]
) -> Iterator[bytes]:
    """Every line as it should be, with its line ending if it was handed in with one.

    Args:
        lines: In the order of each log.
        parents: For each session, by its name, the parents that a replay gives.
    """
    seen: set[tuple[str, str, str]] = set()
    for path, _, byte_offset, raw in lines:
        row = _row(raw, byte_offset)
        uuid = None if row is None else row.get("uuid")
        if row is None or not isinstance(uuid, str):
            yield raw
            continue
        session = session_of(row)
        wanted = parents.get(session or session_name(path), {})
        key = (path, session, uuid)
        is_node = uuid in wanted and key not in seen
        if is_node:
            seen.add(key)
        is_other = is_node and wanted[uuid] != link_of(row)
        yield with_parent_uuid(raw, wanted[uuid]) if is_other else raw


def with_parent_uuid(raw: bytes, parent: str | None) -> bytes:
    """A line with another ``parentUuid`` and otherwise its own bytes.

    Args:
        raw: A line that the strict reading accepts, of a row with a uuid.
        parent: The new value. A line without the member gets it as its first.
    """
    value = _encode(parent)
    span = member_span(raw, _KEY)
    if span is not None:
        return raw[: span[0]] + value + raw[span[1] :]
    head, brace, tail = raw.partition(b"{")
    return b"".join((head, brace, b'"parentUuid":', value, b",", tail))


def _row(raw: bytes, byte_offset: int) -> JsonObject | None:
    text = raw.rstrip(b"\r\n")
    if byte_offset == 0:
        text = text.removeprefix(_BOM)
    outcome = None if not text.strip() else read_line(text, _STRICT)
    return None if outcome is None or isinstance(outcome, Verdict) else outcome[0]
