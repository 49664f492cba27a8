"""``repair browse``: conversations as a tree in which orphans get their parents back.

A long conversation is one long chain, so a row is not nested below its parent: a chain is a flat
list, and only where a message has several children does each begin a list of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from evidentia.errors import UsageError
from evidentia.pack.browsing import BrowseChoice, BrowseNode, PackBrowser
from evidentia.pack.workspace import Workspace
from evidentia.packs.repair.commands_change import (
    Wish,
    append_plan,
    decide_repair,
    decide_revert,
)
from evidentia.packs.repair.conversation import Message, Tree
from evidentia.packs.repair.desk import conversations, repaired, repairs
from evidentia.packs.repair.suggest import Suggester

CHOICES_MAX: Final = 9
_TEXT_SHOWN: Final = 120
_DETAIL_LINES: Final = 4


class _Shape:
    """A tree as it is drawn: chains, and what hangs on their messages."""

    def __init__(self, number: int, tree: Tree) -> None:
        self.number = number
        self.tree = tree
        self.orphans = {each.uuid: each for each in tree.orphans}
        self.children: dict[str, list[str]] = {}
        for uuid, parent in tree.parents.items():
            if parent is not None and parent in tree.messages:
                self.children.setdefault(parent, []).append(uuid)
        cycles = {uuid for cycle in tree.cycles for uuid in cycle}
        self.heads = [each.head for each in tree.threads]
        self.in_cycles = cycles
        self.chain_of: dict[str, str] = {}
        self.above: dict[str, str | None] = {}
        # Its indexes are made when a candidate is first asked for, and kept.
        self.suggester = Suggester(tree)
        self._lay_out()

    def chain(self, first: str) -> Iterator[str]:
        """The messages of the chain that begins with one."""
        node: str | None = first
        while node is not None:
            yield node
            below = self._below(node)
            node = below[0] if len(below) == 1 else None

    def branches(self, uuid: str) -> list[str]:
        """Where chains of their own begin below a message."""
        below = self._below(uuid)
        return below if len(below) > 1 else []

    def _below(self, uuid: str) -> list[str]:
        # A cycle is left where it began.
        return [each for each in self.children.get(uuid, ()) if each not in self.heads_set]

    def _lay_out(self) -> None:
        """For each message the chain that it is in, and for each chain the message above it."""
        self.heads_set = frozenset(self.heads)
        pending: list[tuple[str, str | None]] = [(head, None) for head in self.heads]
        while pending:
            first, above = pending.pop()
            self.above[first] = above
            for uuid in self.chain(first):
                self.chain_of[uuid] = first
                pending += [(each, uuid) for each in self.branches(uuid)]


class ConversationBrowser:
    """Fills ``evidentia.pack.browsing.Browser``.

    Args:
        workspace: Where conversations and ledger are.
        pattern: The conversations.
    """

    def __init__(self, workspace: Workspace, pattern: str) -> None:
        self._workspace = workspace
        reading, self._problems = conversations(workspace, pattern)
        self._originals = reading.trees
        self._done: list[str] = []
        self._load()

    def _load(self) -> None:
        found = repairs(self._workspace)
        self._shapes = [
            _Shape(number, repaired(tree, found)) for number, tree in enumerate(self._originals)
        ]

    def summary(self) -> str:
        """How many messages there are, and how many are without a parent."""
        messages = sum(len(each.tree.messages) for each in self._shapes)
        orphans = sum(len(each.orphans) for each in self._shapes)
        cycles = sum(len(each.tree.cycles) for each in self._shapes)
        text = f"{messages:,} messages, {orphans:,} without a parent"
        text += f", cycles: {cycles:,}" if cycles else ""
        return text + (f", unreadable lines: {len(self._problems):,}" if self._problems else "")

    def children(self, node: str | None) -> Sequence[BrowseNode]:
        """Sessions; below one its threads; below a thread its messages; below a fork its chains."""
        if node is None:
            return [self._session(each) for each in self._shapes]
        shape, chain, uuid = self._found(node)
        if not uuid and not chain:
            return [self._chain(shape, head) for head in shape.heads]
        if not uuid:
            return [self._message(shape, each) for each in shape.chain(chain)]
        return [self._chain(shape, each) for each in shape.branches(uuid)]

    def marked(self) -> Sequence[tuple[str, ...]]:
        """The way to each orphan: its session, then the thread that it is the head of."""
        return [
            (_id(shape.number), _id(shape.number, uuid))
            for shape in self._shapes
            for uuid in shape.orphans
        ]

    def details(self, node: str) -> Sequence[str]:
        """What a message says, and what its parent is."""
        shape, chain, uuid = self._found(node)
        if not (uuid or chain):
            return [shape.tree.path]
        message = shape.tree.messages[uuid or chain]
        orphan = shape.orphans.get(message.uuid)
        parent = shape.tree.parents[message.uuid]
        first = f"{message.uuid}  line {message.place.line_no}  {message.ts_text or 'no time'}"
        why = f"parent: {parent or 'none'}" + (f" ({orphan.reason.value})" if orphan else "")
        return [first, why, *message.text.splitlines()[:_DETAIL_LINES]]

    def choices(self, node: str) -> Sequence[BrowseChoice]:
        """The likeliest parents of a message."""
        shape, chain, uuid = self._found(node)
        wanted = uuid or (chain if chain in shape.orphans else "")
        if not wanted:
            return []
        found = shape.suggester.suggest(wanted, CHOICES_MAX)
        return [
            BrowseChoice(
                id=each.uuid,
                label=f"{each.score:.3f}  {_line(shape.tree.messages[each.uuid])}",
                reason=f"chosen among candidates, score {each.score:.3f}",
            )
            for each in found
        ]

    def apply(self, node: str, choice: str, reason: str) -> str:
        """Append a repair, with the candidate's score."""
        shape, chain, uuid = self._found(node)
        tree = self._originals[shape.number]
        wanted = uuid or chain
        found = shape.suggester.suggest(wanted, CHOICES_MAX)
        scores = {each.uuid: each.score for each in found}
        wish = Wish(
            message=wanted,
            parent=choice,
            reason=reason,
            operator=None,
            score=scores.get(choice, 0.0),
        )
        plan, done = append_plan(
            self._workspace, lambda: decide_repair(self._workspace, tree, wish)
        )
        self._done.append(plan.event.event_id)
        self._load()
        return f"{wanted} hangs on {choice} now: event {done.sequence:,} of the ledger"

    def undo(self, reason: str) -> str:
        """Append a revert of the last repair of this browser that it has not taken back."""
        if not self._done:
            raise UsageError("nothing was repaired here that could be taken back")
        event_id = self._done[-1]
        plan, done = append_plan(
            self._workspace, lambda: decide_revert(self._workspace, event_id, reason)
        )
        self._done.pop()
        self._load()
        return f"took back {event_id} by event {done.sequence:,}: {plan.event.message_id}"

    def _found(self, node: str) -> tuple[_Shape, str, str]:
        number, chain, uuid = json.loads(node)
        return self._shapes[number], chain, uuid

    def _session(self, shape: _Shape) -> BrowseNode:
        tree = shape.tree
        orphans = f", {len(shape.orphans):,} without a parent" if shape.orphans else ""
        return BrowseNode(
            id=_id(shape.number),
            label=f"{tree.name}: {len(tree.messages):,} messages{orphans}",
            has_children=True,
            is_open=len(self._shapes) == 1,
        )

    def _chain(self, shape: _Shape, first: str) -> BrowseNode:
        message = shape.tree.messages[first]
        orphan = shape.orphans.get(first)
        kind = "side chain" if message.is_sidechain else "thread"
        if first in shape.in_cycles:
            kind = "cycle"
        if shape.above[first] is not None:
            kind = "branch"
        why = f"ORPHAN ({orphan.reason.value}) " if orphan else ""
        return BrowseNode(
            id=_id(shape.number, first),
            label=f"{why}{kind} from {_line(message)}",
            is_marked=orphan is not None,
            has_children=True,
            is_open=len(shape.heads) == 1,
        )

    def _message(self, shape: _Shape, uuid: str) -> BrowseNode:
        return BrowseNode(
            id=_id(shape.number, shape.chain_of[uuid], uuid),
            label=_line(shape.tree.messages[uuid]),
            is_marked=uuid in shape.orphans,
            has_children=bool(shape.branches(uuid)),
        )


def _id(number: int, chain: str = "", uuid: str = "") -> str:
    return json.dumps([number, chain, uuid])


def _line(message: Message) -> str:
    text = " ".join(message.text[:_TEXT_SHOWN].split())
    return (
        f"{message.place.line_no} {message.kind}: {text}"
        if text
        else (f"{message.place.line_no} {message.kind} {message.uuid}")
    )


BROWSER: Final = PackBrowser(
    open=ConversationBrowser,
    help="Look through conversations, and give orphans their parents back.\n\n"
    "The conversations are never changed: repairs, and what takes them back, are appended to the "
    "ledger.",
    example="evidentia repair browse conversation.jsonl",
)
