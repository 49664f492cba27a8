"""Whether a message may get a parent, and the event that says so.

Public functions::

    validate_repair(tree, message_id, parent_id) -> ValidationResult
    create_repair_event(tree, message_id, parent_id, decision) -> RepairEvent

The tree is the one of the moment: ``with_parents(tree, result.message_parents)``.
"""

from __future__ import annotations

from dataclasses import dataclass

from evidentia.packs.repair.conversation import Message, Tree
from evidentia.packs.repair.repair_event import RepairEvent
from evidentia.packs.repair.values import ValidationResult, path_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decides, when, why and how surely.

    Attributes:
        event_id: Of the event to be made; see ``generate_event_id``.
        timestamp: ISO 8601 with a zone.
        similarity_score: The score of the candidate; 0 where a person decides.
    """

    event_id: str
    timestamp: str
    operator: str
    reason: str
    similarity_score: float = 0.0


def is_earlier(parent: Message, message: Message) -> bool:
    """Whether a parent is strictly earlier: by time where both have one, else by place."""
    if parent.ts is not None and message.ts is not None:
        return parent.ts < message.ts
    return parent.number < message.number


def validate_repair(tree: Tree, message_id: str, parent_id: str) -> ValidationResult:
    """Whether a message of a tree may get a parent: it exists, is earlier, and closes no cycle."""
    message, parent = tree.messages.get(message_id), tree.messages.get(parent_id)
    errors, warnings = [], []
    if message is None:
        errors.append(f"there is no message {message_id} in session {tree.name}")
    if parent is None:
        errors.append(f"there is no message {parent_id} in session {tree.name}")
    if message is None or parent is None:
        return ValidationResult(is_valid=False, errors=tuple(errors))
    path = _closing_path(tree, message_id, parent_id)
    if path is not None:
        errors.append(f"it would close the cycle {path_text(path)}")
    if not is_earlier(parent, message):
        errors.append(f"{parent_id} is not earlier than {message_id}")
    if tree.parents[message_id] == parent_id:
        warnings.append(f"{parent_id} is the parent already")
    if parent.is_sidechain != message.is_sidechain:
        warnings.append("one of the two is in a side chain and the other is not")
    return ValidationResult(is_valid=not errors, errors=tuple(errors), warnings=tuple(warnings))


def create_repair_event(
    tree: Tree, message_id: str, parent_id: str, decision: Decision
) -> RepairEvent:
    """The event of a repair. Where validation fails it says so, and a replay does not apply it.

    Raises:
        RejectionError: An id, the operator, the reason or the score is malformed.
    """
    return RepairEvent(
        event_id=decision.event_id,
        session_id=tree.name,
        message_id=message_id,
        timestamp=decision.timestamp,
        old_parent_uuid=tree.parents.get(message_id),
        new_parent_uuid=parent_id,
        operator=decision.operator,
        reason=decision.reason,
        similarity_score=decision.similarity_score,
        validation_passed=validate_repair(tree, message_id, parent_id).is_valid,
    )


def _closing_path(tree: Tree, message_id: str, parent_id: str) -> tuple[str, ...] | None:
    """The cycle that this parent would close, by a walk upwards: one check needs no children."""
    trail = [message_id]
    seen: set[str] = set()
    node: str | None = parent_id
    while node is not None and node not in seen:
        trail.append(node)
        if node == message_id:
            return tuple(trail)
        seen.add(node)
        node = tree.parents.get(node)
    return None
