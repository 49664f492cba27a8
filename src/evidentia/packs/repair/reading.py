"""From the lines of conversation logs to trees.

Public functions::

    read_conversations(lines) -> Reading
    with_parents(tree, parents) -> Tree

A tree is built for each session of each log. The first line of a uuid is the node, later ones are
listed. Every line ends in exactly one class, and nothing is left out in silence. No step is
recursive, and none looks at a message more than a few times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from evidentia.event.line import read_line
from evidentia.event.timestamp import parse_time
from evidentia.event.values import JsonObject, JsonValue, Policy, Verdict
from evidentia.packs.repair.conversation import (
    LineClass,
    Message,
    Place,
    Reading,
    RefusedLine,
    Repeated,
    SourceLine,
    StandaloneLine,
)
from evidentia.packs.repair.text import text_of
from evidentia.packs.repair.tree import Draft, build_trees, with_parents

COMPACT_BOUNDARY: Final = "compact_boundary"
"""The subtype of the row that stands where a conversation was compacted."""

_STRICT: Final = Policy()
_BOM: Final = b"\xef\xbb\xbf"


class _Reader:
    """Sorts lines into their classes, one after the other."""

    def __init__(self) -> None:
        self.drafts: dict[tuple[str, str], Draft] = {}
        self.standalone: list[StandaloneLine] = []
        self.refused: list[RefusedLine] = []
        self.counts: Counter[LineClass] = Counter()
        self.line_count = 0

    def take(self, line: SourceLine) -> None:
        """Sort one line."""
        path, line_no, byte_offset, raw = line
        place = Place(path=path, line_no=line_no, byte_offset=byte_offset)
        self.counts[self._class_of(raw, place)] += 1
        self.line_count += 1

    def _class_of(self, raw: bytes, place: Place) -> LineClass:
        text = raw.rstrip(b"\r\n")
        if place.byte_offset == 0:
            text = text.removeprefix(_BOM)
        if not text.strip():
            return LineClass.BLANK
        outcome = read_line(text, _STRICT)
        if isinstance(outcome, Verdict):
            self.refused.append(
                RefusedLine(
                    reason=outcome.reason,
                    column=outcome.column,
                    detail=outcome.detail,
                    place=place,
                )
            )
            return LineClass.REFUSED
        return self._object(outcome[0], text, place)

    def _object(self, row: JsonObject, text: bytes, place: Place) -> LineClass:
        uuid = row.get("uuid")
        if not isinstance(uuid, str) or not uuid:
            self.standalone.append(_standalone(row, place))
            return LineClass.STANDALONE
        session_id = session_of(row)
        key = (place.path, session_id)
        draft = self.drafts.get(key)
        if draft is None:
            draft = self.drafts[key] = Draft(path=place.path, session_id=session_id)
        first = draft.messages.get(uuid)
        if first is not None:
            is_equal = draft.hashes[uuid] == sha256(text).digest()
            draft.repeated.append(
                Repeated(uuid=uuid, first=first.place, place=place, is_equal=is_equal)
            )
            return LineClass.REPEATED
        draft.messages[uuid] = _message(row, uuid, session_id, self.line_count, place)
        draft.hashes[uuid] = sha256(text).digest()
        return LineClass.MESSAGE


def read_conversations(lines: Iterable[SourceLine]) -> Reading:
    """Everything that lines of conversation logs hold.

    Args:
        lines: In the order of each log; logs one after the other or mixed.
    """
    reader = _Reader()
    for line in lines:
        reader.take(line)
    return Reading(
        trees=build_trees(reader.drafts.values()),
        standalone=tuple(reader.standalone),
        refused=tuple(reader.refused),
        counts={each: reader.counts[each] for each in LineClass},
        line_count=reader.line_count,
    )


def session_of(row: JsonObject) -> str:
    """The session that a row names, in either spelling; empty where it names none."""
    return _text(row.get("sessionId")) or _text(row.get("session_id")) or ""


def kind_of(row: JsonObject) -> str:
    """A row's type, with its subtype where there is one; ``unknown`` without a type."""
    kind, subtype = _text(row.get("type")) or "unknown", _text(row.get("subtype"))
    return f"{kind}.{subtype}" if subtype else kind


def link_of(row: JsonObject) -> str | None:
    """The parent that counts: across the cut of a compacted conversation the logical one."""
    parent = _text(row.get("parentUuid"))
    if parent is None and row.get("subtype") == COMPACT_BOUNDARY:
        return _text(row.get("logicalParentUuid"))
    return parent


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None


def _message(row: JsonObject, uuid: str, session_id: str, number: int, place: Place) -> Message:
    body = row.get("message")
    stamp = row.get("timestamp")
    time = None if stamp is None or stamp == "" else parse_time(stamp)
    return Message(
        uuid=uuid,
        parent_uuid=_text(row.get("parentUuid")),
        link=link_of(row),
        session_id=session_id,
        type=_text(row.get("type")) or "unknown",
        kind=kind_of(row),
        role=_text(body.get("role")) if isinstance(body, dict) else None,
        ts=None if time is None else time.us,
        ts_text=None if time is None else time.text,
        is_sidechain=row.get("isSidechain") is True,
        agent_id=_text(row.get("agentId")),
        text=text_of(row),
        number=number,
        place=place,
    )


def _standalone(row: JsonObject, place: Place) -> StandaloneLine:
    reference = _text(row.get("messageId")) or _text(row.get("leafUuid"))
    note = "" if row.get("uuid") is None else "its uuid is empty or no text"
    return StandaloneLine(
        kind=kind_of(row),
        session_id=session_of(row),
        reference=reference,
        note=note,
        place=place,
    )


__all__ = ["kind_of", "link_of", "read_conversations", "session_of", "with_parents"]
