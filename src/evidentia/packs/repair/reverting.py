"""What an event would change, before it is appended: the parents, and which repairs rely on it.

Public functions::

    preview_event(events, event, original_messages=None) -> Preview
    dependents_of(events, event_id, original_messages=None) -> tuple[Dependent, ..]
    parent_changes(before, after) -> tuple[ParentChange, ..]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from evidentia.errors import UsageError
from evidentia.packs.repair.fold import is_active, parent_lookup
from evidentia.packs.repair.fold_values import NO_ORIGINALS, Fold, Originals
from evidentia.packs.repair.repair_event import RepairEvent
from evidentia.packs.repair.replay import Replay, in_order
from evidentia.packs.repair.values import Refusal, ReplayResult


class Relation(StrEnum):
    """How a later repair relies on an earlier event. The words are stable."""

    BUILDS_ON = "builds_on"
    """It is about the same message, and begins with the parent that the other gave."""
    HANGS_BELOW = "hangs_below"
    """It put another message somewhere below that message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """A later repair in force that relies on an event; ``on`` is the nearest that it relies on."""

    event_id: str
    message_id: str
    relation: Relation
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentChange:
    """The parent of a message before and after."""

    message_id: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What appending an event would do.

    Attributes:
        refusal: Why it would have no effect, if so.
        changes: The parents that would be other ones.
        dependents: For a revert, the later repairs that rely on what it takes back.
        before: The session now.
        after: The session with the event.
    """

    refusal: Refusal | None
    changes: tuple[ParentChange, ...]
    dependents: tuple[Dependent, ...]
    before: ReplayResult
    after: ReplayResult

    @property
    def is_accepted(self) -> bool:
        """Whether it would have its effect."""
        return self.refusal is None and self.before.stopped is None and self.after.stopped is None


def preview_event(
    events: Iterable[RepairEvent],
    event: RepairEvent,
    original_messages: Mapping[str, str | None] | None = None,
) -> Preview:
    """What an event would change behind a session's events; nothing is appended.

    Raises:
        UsageError: As for a replay.
    """
    ordered = in_order(events)
    replay = Replay(original_messages)
    for each in ordered:
        replay.apply(each)
    before = replay.result()
    replay.apply(replace(event, position=None))
    after = replay.result()
    is_refused = after.refused_events > before.refused_events
    dependents: tuple[Dependent, ...] = ()
    if event.reverts_event_id is not None and not is_refused:
        dependents = dependents_of(ordered, event.reverts_event_id, original_messages)
    return Preview(
        refusal=after.refusals[-1] if is_refused else None,
        changes=parent_changes(before.message_parents, after.message_parents),
        dependents=dependents,
        before=before,
        after=after,
    )


def parent_changes(
    before: Mapping[str, str | None], after: Mapping[str, str | None]
) -> tuple[ParentChange, ...]:
    """The messages whose parent is another one, by id.

    A message that is only on one side had its original parent on the other, which its first
    repair changed; there it counts as None where nobody says more.
    """
    return tuple(
        ParentChange(message_id=uuid, before=before.get(uuid), after=after.get(uuid))
        for uuid in sorted(before.keys() | after.keys())
        if before.get(uuid) != after.get(uuid)
    )


def dependents_of(
    events: Iterable[RepairEvent],
    event_id: str,
    original_messages: Mapping[str, str | None] | None = None,
) -> tuple[Dependent, ...]:
    """The later repairs in force that rely on an event, in their order.

    Raises:
        UsageError: There is no such event, or as for a replay.
    """
    ordered = in_order(events)
    at = next((n for n, each in enumerate(ordered) if each.event_id == event_id), None)
    if at is None:
        raise UsageError(f"no repair event is {event_id!r}")
    replay = Replay(original_messages)
    for each in ordered:
        replay.apply(each)
    fold, origin = replay.fold, ordered[at]
    later = [
        each
        for each in ordered[at + 1 :]
        if not each.is_reverted and is_active(fold, each.event_id) and each.new_parent_uuid
    ]
    originals = NO_ORIGINALS if original_messages is None else Originals(original_messages)
    below = _Below(fold, originals, origin.message_id)
    givers = {origin.new_parent_uuid: event_id}
    found = []
    for each in later:
        if each.message_id != origin.message_id:
            if below.has(each.new_parent_uuid or ""):
                found.append(_dependent(each, Relation.HANGS_BELOW, event_id))
        elif each.old_parent_uuid in givers:
            found.append(_dependent(each, Relation.BUILDS_ON, givers[each.old_parent_uuid]))
            givers[each.new_parent_uuid] = each.event_id
    return tuple(found)


def _dependent(event: RepairEvent, relation: Relation, on: str) -> Dependent:
    return Dependent(event_id=event.event_id, message_id=event.message_id, relation=relation, on=on)


class _Below:
    """Which messages hang below one now. What was found is remembered, so each is walked once."""

    def __init__(self, fold: Fold, originals: Originals, message: str) -> None:
        self._parent_of = parent_lookup(fold, originals)
        self._known = {message: True}

    def has(self, message: str) -> bool:
        """Whether a message is that one, or hangs below it."""
        trail: dict[str, None] = {}
        node: str | None = message
        while node is not None and node not in self._known and node not in trail:
            trail[node] = None
            node = self._parent_of(node)
        answer = self._known.get(node, False) if node is not None else False
        self._known.update(dict.fromkeys(trail, answer))
        return answer
