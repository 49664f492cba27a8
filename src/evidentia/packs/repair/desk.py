"""What the commands work on: conversations from files, repair events from the pack's ledger.

Reads through a ``Workspace``. Everything that decides is in ``tree``, ``fold`` and their like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from evidentia.errors import EvidentiaError, RejectionError, UsageError
from evidentia.event.line import read_line
from evidentia.event.values import JsonObject, Policy, Verdict
from evidentia.pack.workspace import LedgerEvent, Workspace
from evidentia.packs.repair.conversation import Reading, SourceLine, Tree
from evidentia.packs.repair.fold import stop_at
from evidentia.packs.repair.reading import read_conversations, with_parents
from evidentia.packs.repair.repair_event import KIND, RepairEvent
from evidentia.packs.repair.replay import Replay
from evidentia.packs.repair.rows import read_repair_event
from evidentia.packs.repair.values import StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A repair event of the ledger that cannot be read."""

    sequence: int
    event_id: str
    session_id: str | None
    where: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairs:
    """The repair events of a ledger, in its order; their positions are its sequences.

    Attributes:
        size: How many events the ledger has in all, which an append can insist on.
        problems: Events that say they are repairs and cannot be read.
    """

    events: tuple[RepairEvent, ...]
    size: int
    problems: tuple[Problem, ...]

    def of_session(self, session_id: str) -> tuple[RepairEvent, ...]:
        """Those of one session."""
        return tuple(each for each in self.events if each.session_id == session_id)

    def find(self, event_id: str) -> RepairEvent:
        """The first event of an id.

        Raises:
            UsageError: There is none.
        """
        for event in self.events:
            if event.event_id == event_id:
                return event
        raise UsageError(
            f"the ledger has no repair event {event_id!r}",
            fix="look ids up: evidentia repair history",
        )


def conversations(workspace: Workspace, pattern: str) -> tuple[Reading, tuple[str, ...]]:
    """What the files of a pattern hold, and sentences about lines that could not be read whole.

    Raises:
        LogError: There is no such file, or it cannot be read.
    """
    problems: list[str] = []

    def lines() -> Iterator[SourceLine]:
        for line in workspace.lines(pattern):
            if line.problem:
                problems.append(f"{line.path}:{line.line_no}: {line.problem}")
            yield line.path, line.line_no, line.byte_offset, line.raw

    reading = read_conversations(lines())
    return reading, tuple(problems)


def repairs(workspace: Workspace, session_id: str | None = None) -> Repairs:
    """The repair events of the ledger, or those of one session.

    Of other sessions only the envelope is read then; one that names no session is always read.

    Raises:
        UsageError: No ledger was named, and the configuration names none for the pack.
        LedgerError: It cannot be read.
    """
    events: list[RepairEvent] = []
    problems: list[Problem] = []
    size = 0
    for each in workspace.ledger_events():
        size = each.sequence + 1
        is_other = session_id is not None and each.session_id not in {None, session_id}
        if each.event_type != KIND or is_other:
            continue
        found = read_repair(each)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            events.append(found)
    return Repairs(events=tuple(events), size=size, problems=tuple(problems))


def read_repair(event: LedgerEvent) -> RepairEvent | Problem:
    """The repair of a ledger's event, or why it cannot be read."""
    try:
        return read_repair_event(_row(event), event.sequence)
    except RejectionError as error:
        return Problem(
            sequence=event.sequence,
            event_id=event.id,
            session_id=event.session_id,
            where=f"{event.path}, byte {event.byte_offset}",
            detail=error.what,
        )


def _row(event: LedgerEvent) -> JsonObject:
    """The line read by the strict parser, as the store reads it."""
    found = read_line(event.raw, Policy())
    if isinstance(found, Verdict):
        raise RejectionError(f"the line is no event: {found.detail}")
    return found[0]


def require_readable(found: Repairs, session_id: str) -> None:
    """Pass if every repair event of a session can be read, so that a decision may rest on them.

    Raises:
        EvidentiaError: One cannot.
    """
    for problem in found.problems:
        if problem.session_id in {None, session_id}:
            raise EvidentiaError(
                f"event {problem.sequence} of the ledger is no readable repair: {problem.detail}",
                where=problem.where,
                fix="see everything that is wrong: evidentia repair check",
            )


def played(
    events: Iterable[RepairEvent],
    originals: Mapping[str, str | None] | None = None,
    problems: Iterable[Problem] = (),
) -> Replay:
    """A replay of the events of one session; it stops where one cannot be read.

    Args:
        events: In the ledger's order.
        originals: The parents that the conversation says, where it is at hand.
        problems: Those of the ledger. One that names no session might be of any.
    """
    replay = Replay(originals)
    left = sorted(problems, key=lambda each: each.sequence)
    for event in events:
        while left and left[0].sequence < (event.position or 0):
            problem = left.pop(0)
            if problem.session_id in {None, event.session_id}:
                at, reason = problem.sequence, StopReason.UNREADABLE
                stop_at(replay.fold, at, problem.event_id, reason, problem.detail)
        replay.apply(event)
    return replay


def repaired(tree: Tree, found: Repairs) -> Tree:
    """The tree as its repairs leave it."""
    replay = played(found.of_session(tree.name), tree.parents, found.problems)
    return with_parents(tree, replay.result().message_parents)


def tree_with(reading: Reading, message_id: str) -> Tree:
    """The tree of a message.

    Raises:
        UsageError: No tree has it, or several have.
    """
    trees = [tree for tree in reading.trees if message_id in tree.messages]
    if len(trees) == 1:
        return trees[0]
    if not trees:
        raise UsageError(
            f"no conversation that was read has the message {message_id!r}",
            fix="list messages without a parent: evidentia repair scan",
        )
    places = ", ".join(f"{tree.path} ({tree.name})" for tree in trees)
    raise UsageError(
        f"several conversations have the message {message_id!r}",
        where=places,
        fix="name one file",
    )


def by_session(reading: Reading) -> dict[str, Tree]:
    """The trees by the name of their session.

    Raises:
        UsageError: Two files have one of the same name, so it is not clear which is meant.
    """
    found: dict[str, Tree] = {}
    for tree in reading.trees:
        if tree.name in found:
            raise UsageError(
                f"two files have the session {tree.name!r}",
                where=f"{found[tree.name].path} and {tree.path}",
                fix="name one file",
            )
        found[tree.name] = tree
    return found


def tree_of_session(reading: Reading, session_id: str) -> Tree:
    """The tree of a session by its id or name.

    Raises:
        UsageError: There is none, or several files have one.
    """
    trees = [tree for tree in reading.trees if session_id in {tree.session_id, tree.name}]
    if len(trees) == 1:
        return trees[0]
    known = ", ".join(sorted({tree.name for tree in reading.trees})[:_SHOWN])
    raise UsageError(
        f"{len(trees)} files have the session {session_id!r}",
        fix="name one file" if trees else f"what was read has: {known}",
    )


_SHOWN = 5
