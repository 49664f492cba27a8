"""What a conversation's log holds: messages, trees, and every line that is none. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from evidentia.event.values import Reason

SourceLine: TypeAlias = "tuple[str, int, int, bytes]"
"""Path, line number, byte offset and raw bytes of a line, with or without its line ending."""


class LineClass(StrEnum):
    """What a line is; each is exactly one of these. The words are stable."""

    MESSAGE = "message"
    """A node of a tree: the first line of its uuid."""
    REPEATED = "repeated"
    """A later line of a uuid that its tree has already."""
    STANDALONE = "standalone"
    """An object without a uuid, such as a summary."""
    REFUSED = "refused"
    """No JSON object, by the strict verdict."""
    BLANK = "blank"


class OrphanReason(StrEnum):
    """Why a message has no parent in its tree and is no root. The words are stable."""

    NULL_PARENT = "null_parent"
    MISSING_PARENT = "missing_parent"
    OTHER_SESSION = "other_session"
    """The parent is in another conversation of the same log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a line stands."""

    path: str
    line_no: int
    byte_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A node of a conversation's tree, which need not be a message in the narrow sense.

    Attributes:
        number: Its place among all lines that were read, from 0.
        parent_uuid: As the line says it.
        link: The parent that counts: that, or where a conversation was compacted the message
            before the cut.
        type: ``user``, ``assistant``, ``system`` ..; ``unknown`` where it is left out.
        kind: The type, with its subtype where there is one.
        role: Who speaks, where the line says so.
        ts: UTC microseconds, or None.
        text: What is said, cut at a limit; for comparing messages.
    """

    uuid: str
    parent_uuid: str | None
    link: str | None
    session_id: str
    type: str
    kind: str
    role: str | None
    ts: int | None
    ts_text: str | None
    is_sidechain: bool
    agent_id: str | None
    text: str
    number: int
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A message whose parent is not there.

    Attributes:
        parent_uuid: The parent that it names, or None.
    """

    uuid: str
    reason: OrphanReason
    parent_uuid: str | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """A line that repeats the uuid of an earlier one, which is the node.

    Attributes:
        is_equal: Whether it is the same line, byte for byte.
    """

    uuid: str
    first: Place
    place: Place
    is_equal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StandaloneLine:
    """An object that is no node of a tree.

    Attributes:
        session_id: Empty where it names none.
        reference: The message that it is about, where it names one.
        note: Why it is none, where that is odd.
    """

    kind: str
    session_id: str
    reference: str | None
    note: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLine:
    """A line that is no JSON object, and at which byte (counted from 1) that shows."""

    reason: Reason
    column: int
    detail: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A message without a parent in the tree, and how many hang on it, itself included.

    Attributes:
        head: A root, an orphan, or the first message of a cycle.
        last: The message of it that stands last in the log.
    """

    head: str
    is_sidechain: bool
    message_count: int
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The conversation of one session in one log. A forest, where messages are orphans.

    Attributes:
        session_id: Empty where its lines name none.
        messages: By uuid, in the order of the log.
        parents: The parent that counts for each message, whether or not it is there.
        heads: For each message the head of its thread.
        cycles: Each from its first message in the log upwards to that again.
    """

    path: str
    session_id: str
    messages: Mapping[str, Message]
    parents: Mapping[str, str | None]
    roots: tuple[str, ...]
    orphans: tuple[Orphan, ...]
    cycles: tuple[tuple[str, ...], ...]
    repeated: tuple[Repeated, ...]
    threads: tuple[Thread, ...]
    heads: Mapping[str, str]

    @property
    def name(self) -> str:
        """What the session is called: its id, or the name of the log where it has none."""
        return self.session_id or session_name(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that was read; the counts of the classes add up to the lines.

    Attributes:
        counts: How many lines are of each class.
    """

    trees: tuple[Tree, ...]
    standalone: tuple[StandaloneLine, ...]
    refused: tuple[RefusedLine, ...]
    counts: Mapping[LineClass, int]
    line_count: int

    def tree(self, session_id: str, path: str | None = None) -> Tree | None:
        """The tree of a session by its id or name, of the first log that has it."""
        for tree in self.trees:
            if session_id in {tree.session_id, tree.name} and path in {None, tree.path}:
                return tree
        return None

    def tree_of(self, uuid: str) -> Tree | None:
        """The first tree that has a message."""
        return next((tree for tree in self.trees if uuid in tree.messages), None)


def session_name(path: str) -> str:
    """A log's name without folders and what follows its first dot."""
    name = path.rpartition("/")[2]
    return name.partition(".")[0] or name or path
