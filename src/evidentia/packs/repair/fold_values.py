"""What repair events have come to, as plain JSON, and the conversation that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypedDict

from evidentia.packs.repair.digest import EMPTY_SESSION


class Refused(TypedDict):
    """An event without effect; see ``Refusal``."""

    position: int
    event_id: str
    reason: str
    detail: str
    earlier_position: int | None
    path: list[str]


class Stopped(TypedDict):
    """Where the fold ended; see ``Stop``."""

    position: int
    event_id: str
    reason: str
    detail: str


class Fold(TypedDict):
    """What a session's events have come to so far. Accepted repairs are numbered from 0.

    Attributes:
        positions: Of every event, by its id.
        repairs: The number of each accepted repair.
        repair_ids: The id of each, by number; so are the messages, and the new and old parents.
        roots: The repair that each accepted revert turns.
        turned_by: The revert that turned a repair last.
        off: Repairs that are switched off.
        stacks: For each message a heap of the numbers of its repairs, negative, so that the last
            is on top; those that are off are taken out when they come to the top.
        bases: The original parent of each repaired message.
        parents: Its parent now.
        children: The messages whose parent a message is now.
        skipped: Ids of events left out on purpose.
        pending: How many events came since the stop, the stopping one included.
        digest: Over all events before a stop.
        kept_bytes: At least as much as the fold takes as JSON; counted where it is kept.
    """

    session_id: str | None
    positions: dict[str, int]
    repairs: dict[str, int]
    repair_ids: list[str]
    repair_messages: list[str]
    repair_parents: list[str]
    repair_olds: list[str | None]
    roots: dict[str, str]
    turned_by: dict[str, str]
    off: dict[str, int]
    stacks: dict[str, list[int]]
    bases: dict[str, str | None]
    parents: dict[str, str | None]
    children: dict[str, dict[str, int]]
    refusals: list[Refused]
    stop: Stopped | None
    skipped: list[str]
    pending: int
    event_count: int
    last_event_id: str | None
    last_timestamp: str | None
    last_position: int | None
    digest: str
    kept_bytes: int


class Originals:
    """The parents that the conversation itself says, and their children.

    Attributes:
        parents: The original parent of each message.
    """

    __slots__ = ("_children", "parents")

    def __init__(self, parents: Mapping[str, str | None]) -> None:
        self.parents = parents
        self._children: dict[str, list[str]] | None = None

    def children(self, message: str) -> Iterable[str]:
        """The messages whose original parent a message is."""
        if self._children is None:
            found: dict[str, list[str]] = {}
            for child, parent in self.parents.items():
                if parent is not None:
                    found.setdefault(parent, []).append(child)
            self._children = found
        return self._children.get(message, ())


NO_ORIGINALS: Final = Originals({})
"""For events alone: what they call the old parent is then the original."""


def new_fold() -> Fold:
    """A session without events."""
    return Fold(
        session_id=None,
        positions={},
        repairs={},
        repair_ids=[],
        repair_messages=[],
        repair_parents=[],
        repair_olds=[],
        roots={},
        turned_by={},
        off={},
        stacks={},
        bases={},
        parents={},
        children={},
        refusals=[],
        stop=None,
        skipped=[],
        pending=0,
        event_count=0,
        last_event_id=None,
        last_timestamp=None,
        last_position=None,
        digest=EMPTY_SESSION,
        kept_bytes=0,
    )
