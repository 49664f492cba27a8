"""From the messages of a session to its tree: roots, orphans, cycles, threads.

Parents may be missing, come later in the log, or go in circles. All passes are loops; each visits
a message a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evidentia.packs.repair.conversation import (
    Message,
    Orphan,
    OrphanReason,
    Repeated,
    Thread,
    Tree,
)


@dataclass(slots=True, kw_only=True)
class Draft:
    """A session while its lines are read.

    Attributes:
        hashes: Of the line of each message, to know an equal one again.
    """

    path: str
    session_id: str
    messages: dict[str, Message] = field(default_factory=dict)
    repeated: list[Repeated] = field(default_factory=list)
    hashes: dict[str, bytes] = field(default_factory=dict)


def build_trees(drafts: Iterable[Draft]) -> tuple[Tree, ...]:
    """The trees of all sessions, in the order in which they begin."""
    given = tuple(drafts)
    elsewhere = frozenset((draft.path, uuid) for draft in given for uuid in draft.messages)
    trees = []
    for draft in given:
        parents = {uuid: each.link for uuid, each in draft.messages.items()}
        known = _known_elsewhere(draft.path, parents, elsewhere)
        trees.append(
            _tree(draft.path, draft.session_id, draft.messages, parents, known, draft.repeated)
        )
    return tuple(trees)


def with_parents(tree: Tree, parents: Mapping[str, str | None]) -> Tree:
    """The tree as it is with other parents, such as those that a replay gives.

    Args:
        tree: The tree.
        parents: The parent of messages that have another one. Messages of other trees are left out.
    """
    changed = {uuid: parent for uuid, parent in parents.items() if uuid in tree.messages}
    known = {
        each.parent_uuid
        for each in tree.orphans
        if each.reason is OrphanReason.OTHER_SESSION and each.parent_uuid is not None
    }
    merged = {**tree.parents, **changed}
    return _tree(tree.path, tree.session_id, tree.messages, merged, known, tree.repeated)


def _known_elsewhere(
    path: str, parents: Mapping[str, str | None], elsewhere: frozenset[tuple[str, str]]
) -> set[str]:
    """Parents that the session does not have and another session of the log has."""
    wanted = {parent for parent in parents.values() if parent is not None and parent not in parents}
    return {parent for parent in wanted if (path, parent) in elsewhere}


def _tree(
    path: str,
    session_id: str,
    messages: Mapping[str, Message],
    parents: Mapping[str, str | None],
    elsewhere: set[str],
    repeated: Iterable[Repeated],
) -> Tree:
    roots, orphans = _roots_and_orphans(messages, parents, elsewhere)
    heads, cycles = _heads(messages, parents)
    return Tree(
        path=path,
        session_id=session_id,
        messages=messages,
        parents=parents,
        roots=tuple(roots),
        orphans=tuple(orphans),
        cycles=tuple(cycles),
        repeated=tuple(repeated),
        threads=_threads(messages, heads),
        heads=heads,
    )


def _roots_and_orphans(
    messages: Mapping[str, Message], parents: Mapping[str, str | None], elsewhere: set[str]
) -> tuple[list[str], list[Orphan]]:
    roots: list[str] = []
    orphans: list[Orphan] = []
    begun: set[str] = set()
    for uuid, message in messages.items():
        parent = parents[uuid]
        is_first = _begins(message, begun)
        if parent is None and is_first:
            roots.append(uuid)
        elif parent is None or parent not in messages:
            reason = _reason(parent, elsewhere)
            orphans.append(
                Orphan(uuid=uuid, reason=reason, parent_uuid=parent, place=message.place)
            )
    return roots, orphans


def _begins(message: Message, begun: set[str]) -> bool:
    """Whether a message is the first of the conversation or of a side chain.

    Inline side chains of agents without an id follow each other without a mark. Each begins with
    what the agent was asked, so there a ``user`` row begins one; any other row has lost its parent.
    """
    chain = ""
    if message.is_sidechain:
        chain = f"agent {message.agent_id}" if message.agent_id else "side"
    is_first = chain not in begun
    begun.add(chain)
    return is_first or (chain == "side" and message.type == "user")


def _reason(parent: str | None, elsewhere: set[str]) -> OrphanReason:
    if parent is None:
        return OrphanReason.NULL_PARENT
    return OrphanReason.OTHER_SESSION if parent in elsewhere else OrphanReason.MISSING_PARENT


def _heads(
    messages: Mapping[str, Message], parents: Mapping[str, str | None]
) -> tuple[dict[str, str], list[tuple[str, ...]]]:
    """The head of each message's thread, and the cycles that were met on the way."""
    heads: dict[str, str] = {}
    cycles: list[tuple[str, ...]] = []
    for uuid in messages:
        trail: list[str] = []
        walked: dict[str, int] = {}
        node: str | None = uuid
        while node is not None and node in messages and node not in heads and node not in walked:
            walked[node] = len(trail)
            trail.append(node)
            node = parents[node]
        if not trail:
            continue
        head = trail[-1]
        if node is not None and node in walked:
            cycle = _from_first(trail[walked[node] :], messages)
            cycles.append(cycle)
            head = cycle[0]
        elif node is not None and node in heads:
            head = heads[node]
        heads.update(dict.fromkeys(trail, head))
    return heads, cycles


def _from_first(circle: list[str], messages: Mapping[str, Message]) -> tuple[str, ...]:
    """A cycle from its first message in the log upwards, to that message again."""
    at = min(range(len(circle)), key=lambda index: messages[circle[index]].number)
    turned = circle[at:] + circle[:at]
    return (*turned, turned[0])


def _threads(messages: Mapping[str, Message], heads: Mapping[str, str]) -> tuple[Thread, ...]:
    counts: dict[str, int] = {}
    last: dict[str, str] = {}
    # Threads stand in the order of their heads, though a child may stand before its parent.
    for uuid in messages:
        if heads[uuid] == uuid:
            counts[uuid] = 0
    for uuid in messages:
        counts[heads[uuid]] += 1
        last[heads[uuid]] = uuid
    return tuple(
        Thread(
            head=head,
            is_sidechain=messages[head].is_sidechain,
            message_count=count,
            last=last[head],
        )
        for head, count in counts.items()
    )
