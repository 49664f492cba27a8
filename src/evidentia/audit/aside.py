"""Events that were not found in their place on the other side, to be matched by their ids. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import blake3

from evidentia.audit.values import EventMismatch, EventSetParity

LISTED_MAX: Final = 1_000
"""Ids that a report lists of each sort; the counts are of all."""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An event of one side that the other does not have in the same place.

    Attributes:
        sha256: Of its bytes.
        shown: The hash that a report shows: the event's own, where it carries one.
    """

    id: str
    sha256: bytes
    shown: str


@dataclass(slots=True, kw_only=True)
class Aside:
    """The unmatched events of one side: all are counted, those of one part of the ids are held.

    Attributes:
        parts: Into how many parts ids fall,
        part: and which is held now.
        held_max: More are counted and not held.
        listed: The ids of the first, whatever part they are of.
        repeated: Ids that another one of those held has as well.
    """

    held_max: int
    parts: int = 1
    part: int = 0
    count: int = 0
    listed: list[str] = field(default_factory=list)
    held: dict[str, Unmatched] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)
    is_over: bool = False

    def add(self, event: Unmatched) -> None:
        """Put an event aside."""
        self.count += 1
        if len(self.listed) < LISTED_MAX:
            self.listed.append(event.id)
        if self.parts > 1 and part_of(event.id, self.parts) != self.part:
            return
        if event.id in self.held:
            # One id a million times over is counted, and shown in part.
            if len(self.repeated) < LISTED_MAX:
                self.repeated.append(event.id)
        elif len(self.held) < self.held_max:
            self.held[event.id] = event
        else:
            self.is_over = True


def part_of(event_id: str, parts: int) -> int:
    """The part of ``parts`` that an id falls into; nobody can choose ids that all fall into one."""
    digest = blake3.blake3(event_id.encode("utf-8", "surrogatepass")).digest(8)
    return int.from_bytes(digest, "big") % parts


class Tally:
    """What a comparison found, counted in full and listed in part."""

    def __init__(self) -> None:
        self._missing_in_sqlite = _List()
        self._missing_in_jsonl = _List()
        self._mismatched: list[EventMismatch] = []
        self._mismatched_count = 0
        self._duplicates: dict[str, None] = {}

    def take_all(self, lines: Aside, rows: Aside) -> None:
        """Take two sides of which one is empty, so that nothing can be matched by id."""
        self._missing_in_sqlite.extend(lines)
        self._missing_in_jsonl.extend(rows)

    def pair(self, line: Unmatched, row: Unmatched) -> None:
        """Take two events with one id: the same bytes elsewhere are no difference."""
        if line.sha256 == row.sha256:
            return
        self._mismatched_count += 1
        if len(self._mismatched) < LISTED_MAX:
            self._mismatched.append(
                EventMismatch(id=line.id, jsonl_event_hash=line.shown, sqlite_event_hash=row.shown)
            )

    def missing_in_sqlite(self, event_id: str) -> None:
        """Take an event that only the log has."""
        self._missing_in_sqlite.add(event_id)

    def missing_in_jsonl(self, event_id: str) -> None:
        """Take an event that only the store has."""
        self._missing_in_jsonl.add(event_id)

    def duplicate(self, event_id: str) -> None:
        """Take an id that more than one event has."""
        if len(self._duplicates) < LISTED_MAX:
            self._duplicates[event_id] = None

    def report(self, line_count: int, row_count: int) -> EventSetParity:
        """The result, with how many events either side holds."""
        return EventSetParity(
            jsonl_event_count=line_count,
            sqlite_event_count=row_count,
            missing_in_sqlite=tuple(self._missing_in_sqlite.listed),
            missing_in_jsonl=tuple(self._missing_in_jsonl.listed),
            mismatched=tuple(self._mismatched),
            duplicate_ids=tuple(self._duplicates),
            missing_in_sqlite_count=self._missing_in_sqlite.count,
            missing_in_jsonl_count=self._missing_in_jsonl.count,
            mismatched_count=self._mismatched_count,
        )


@dataclass(slots=True)
class _List:
    count: int = 0
    listed: list[str] = field(default_factory=list)

    def add(self, event_id: str) -> None:
        self.count += 1
        if len(self.listed) < LISTED_MAX:
            self.listed.append(event_id)

    def extend(self, side: Aside) -> None:
        self.count += side.count
        self.listed += side.listed[: LISTED_MAX - len(self.listed)]
