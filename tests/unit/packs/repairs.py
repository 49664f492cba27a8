"""Repair events and conversations for tests, and a small model of what a replay must give."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from evidentia.packs.repair.conversation import SourceLine
from evidentia.packs.repair.repair_event import RepairEvent

NOON = "2026-01-01T12:00:00Z"


def repair(
    event_id: str, message: str, new: str, old: str | None = None, **more: object
) -> RepairEvent:
    """A repair of a message in session ``s``."""
    fields: dict[str, object] = {
        "event_id": event_id,
        "session_id": "s",
        "message_id": message,
        "timestamp": NOON,
        "old_parent_uuid": old,
        "new_parent_uuid": new,
        "operator": "user:robin",
        "reason": "lost its parent",
        "similarity_score": 0.25,
    }
    return RepairEvent(**{**fields, **more})  # type: ignore[arg-type]


def revert(event_id: str, target: str, message: str, **more: object) -> RepairEvent:
    """A revert of an event."""
    fields: dict[str, object] = {
        "event_id": event_id,
        "session_id": "s",
        "message_id": message,
        "timestamp": NOON,
        "old_parent_uuid": "whatever",
        "new_parent_uuid": None,
        "operator": "agent:mender",
        "reason": "it was wrong",
        "is_reverted": True,
        "reverts_event_id": target,
    }
    return RepairEvent(**{**fields, **more})  # type: ignore[arg-type]


def rows(*messages: Mapping[str, object], path: str = "talk.jsonl") -> list[SourceLine]:
    """The lines of one log of session ``s``; a member ``None`` stays, ``...`` leaves it out."""
    lines, byte_offset = [], 0
    for line_no, given in enumerate(messages, start=1):
        row = {"type": "user", "sessionId": "s", "parentUuid": None, **given}
        raw = json.dumps({key: value for key, value in row.items() if value is not ...}).encode()
        lines.append((path, line_no, byte_offset, raw))
        byte_offset += len(raw) + 1
    return lines


@dataclass
class Model:
    """What events come to, in the plainest way: everything is computed anew each time."""

    originals: Mapping[str, str | None] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    accepted: list[RepairEvent] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def is_on(self, event: RepairEvent) -> bool:
        """Whether no revert that is on takes the event back."""
        return not any(
            each.reverts_event_id == event.event_id and self.is_on(each) for each in self.accepted
        )

    def named(self, event_id: str | None) -> RepairEvent | None:
        """The accepted event of an id."""
        return next((each for each in self.accepted if each.event_id == event_id), None)

    def root(self, event: RepairEvent) -> RepairEvent:
        """The repair that an event is, or turns in the end."""
        while event.reverts_event_id is not None:
            found = self.named(event.reverts_event_id)
            assert found is not None
            event = found
        return event

    def is_in_force(self, event: RepairEvent) -> bool:
        """Whether it may be taken back: it is on, and nothing turned its repair after it."""
        root = self.root(event)
        turns = [each for each in self.accepted if each.is_reverted and self.root(each) is root]
        return self.is_on(event) if event is root else turns[-1] is event

    def parents(self) -> dict[str, str | None]:
        """The parent of every message, as the conversation and the repairs that are on say."""
        found = dict(self.originals)
        for event in self.accepted:
            if not event.is_reverted and event.message_id not in found:
                found[event.message_id] = event.old_parent_uuid
        for event in self.accepted:
            if not event.is_reverted and self.is_on(event):
                found[event.message_id] = event.new_parent_uuid
        return found

    def closes_cycle(self, message: str) -> bool:
        """Whether a message is above itself."""
        parents, node, steps = self.parents(), message, 0
        while steps <= len(parents):
            above = parents.get(node)
            if above is None:
                return False
            if above == message:
                return True
            node, steps = above, steps + 1
        return False

    def is_welcome(self, event: RepairEvent) -> bool:
        """Whether an event passes everything but the question of cycles."""
        if event.event_id in self.seen or not event.validation_passed:
            return False
        if not event.is_reverted:
            return True
        target = self.named(event.reverts_event_id)
        if target is None or target.message_id != event.message_id:
            return False
        return self.is_in_force(target)

    def apply(self, event: RepairEvent) -> None:
        """Let one event have its effect."""
        is_welcome = self.is_welcome(event)
        self.seen.append(event.event_id)
        if not is_welcome:
            self.refused.append(event.event_id)
            return
        before = self.parents().get(event.message_id)
        self.accepted.append(event)
        is_changed = not event.is_reverted or self.parents().get(event.message_id) != before
        if is_changed and self.closes_cycle(event.message_id):
            self.accepted.pop()
            self.refused.append(event.event_id)

    def message_parents(self) -> dict[str, str | None]:
        """The parents of repaired messages."""
        repaired = {each.message_id for each in self.accepted}
        return {
            message: parent for message, parent in self.parents().items() if message in repaired
        }

    def active(self) -> list[str]:
        """The repairs that are on."""
        return [e.event_id for e in self.accepted if not e.is_reverted and self.is_on(e)]


def model_of(events: Iterable[RepairEvent], originals: Mapping[str, str | None]) -> Model:
    """The model after all events."""
    model = Model(originals=originals)
    for event in events:
        model.apply(event)
    return model


def placed(events: Sequence[RepairEvent], step: int = 10) -> list[RepairEvent]:
    """The events with positions in their order."""
    return [replace(each, position=number * step) for number, each in enumerate(events)]
