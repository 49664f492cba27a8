"""The one meaning of repairs and reverts: what an event does to a session. Everything else asks it.

1. Events apply in the order in which they are handed over, which is that of their positions. The
   times they state order nothing.
2. A revert sets no parent. It switches a repair off, and a revert of that revert switches the
   repair on again; so a repair is a switch, and every accepted revert turns one.
3. The parent of a message is the new parent of its last repair that is on, or else its original.
4. A revert is accepted while its target is in force: a repair that is on, or the revert that
   turned its repair last. Its message must be the target's, and its outcome may close no cycle.
5. Repairs whose validation failed, second occurrences of an id, and what would close a cycle have
   no effect and are listed.

The fold is plain JSON, so that a store keeps it with the row and goes on from it. One event costs
a few steps, whatever came before: the repairs of a message are a heap, and whether a parent closes
a cycle is found by two walks that take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import chain

from evidentia.packs.repair.digest import (
    DigestStanding,
    digest_of,
    digest_standing,
    next_session_digest,
)
from evidentia.packs.repair.fold_values import (
    NO_ORIGINALS,
    Fold,
    Originals,
    Refused,
    Stopped,
)
from evidentia.packs.repair.lineage import closing_path
from evidentia.packs.repair.repair_event import RepairEvent
from evidentia.packs.repair.values import (
    PATH_KEPT,
    Refusal,
    RefusalReason,
    Stop,
    StopReason,
    path_text,
)


def apply_event(
    fold: Fold, event: RepairEvent, position: int, originals: Originals = NO_ORIGINALS
) -> None:
    """Let an event have its effect; the fold is changed in place.

    Args:
        fold: The session so far.
        event: An event behind all that the fold has seen.
        position: Its place in the order.
        originals: The conversation's own parents, the same with every event.
    """
    if _is_past_a_stop(fold):
        return
    fields = event.fields()
    computed = digest_of(fields)
    if digest_standing(fields, event.event_digest, computed) is DigestStanding.INVALID:
        stop_at(fold, position, event.event_id, StopReason.BAD_DIGEST, "its digest does not match")
        return
    _count(fold, event, position, computed)
    if event.event_id in fold["positions"]:
        _refuse_second(fold, event, position)
        return
    fold["positions"][event.event_id] = position
    if not event.validation_passed:
        detail = "its writer's own validation had failed"
        _refuse(fold, event, RefusalReason.VALIDATION_FAILED, detail)
    elif event.is_reverted:
        _apply_revert(fold, event, originals)
    else:
        _apply_repair(fold, event, originals)


def skip_event(fold: Fold, event: RepairEvent, position: int) -> None:
    """Leave an event out because somebody said so; that it was is kept."""
    if _is_past_a_stop(fold):
        return
    _count(fold, event, position, digest_of(event.fields()))
    fold["positions"].setdefault(event.event_id, position)
    fold["skipped"].append(event.event_id)


def stop_at(fold: Fold, position: int, event_id: str, reason: StopReason, detail: str) -> None:
    """End the fold at an event that cannot be trusted or read; later ones are only counted."""
    if _is_past_a_stop(fold):
        return
    fold["stop"] = Stopped(position=position, event_id=event_id, reason=reason.value, detail=detail)
    fold["pending"] = 1


def refusals_of(fold: Fold) -> tuple[Refusal, ...]:
    """The events without effect, in their order."""
    return tuple(
        Refusal(
            position=each["position"],
            event_id=each["event_id"],
            reason=RefusalReason(each["reason"]),
            detail=each["detail"],
            earlier_position=each["earlier_position"],
            path=tuple(each["path"]),
        )
        for each in fold["refusals"]
    )


def stop_of(fold: Fold) -> Stop | None:
    """Where the fold ended before its last event, if it did."""
    stop = fold["stop"]
    if stop is None:
        return None
    return Stop(
        position=stop["position"],
        event_id=stop["event_id"],
        reason=StopReason(stop["reason"]),
        detail=stop["detail"],
    )


def is_active(fold: Fold, event_id: str) -> bool:
    """Whether an event is in force: a repair that is on, or the last revert of its repair."""
    root = fold["roots"].get(event_id)
    if root is not None:
        return fold["turned_by"][root] == event_id
    return event_id in fold["repairs"] and event_id not in fold["off"]


def parent_lookup(fold: Fold, originals: Originals) -> Callable[[str], str | None]:
    """A function from a message to its parent now."""
    parents, known = fold["parents"], originals.parents

    def parent_of(message: str) -> str | None:
        return parents[message] if message in parents else known.get(message)

    return parent_of


def children_lookup(fold: Fold, originals: Originals) -> Callable[[str], Iterable[str]]:
    """A function from a message to those whose parent it is now."""
    parents, children = fold["parents"], fold["children"]

    def children_of(message: str) -> Iterable[str]:
        kept = (child for child in originals.children(message) if child not in parents)
        return chain(children.get(message, ()), kept)

    return children_of


def _is_past_a_stop(fold: Fold) -> bool:
    if fold["stop"] is None:
        return False
    fold["pending"] += 1
    return True


def _count(fold: Fold, event: RepairEvent, position: int, computed: str) -> None:
    fold["session_id"] = event.session_id
    fold["event_count"] += 1
    fold["last_event_id"] = event.event_id
    fold["last_timestamp"] = event.timestamp
    fold["last_position"] = position
    fold["digest"] = next_session_digest(fold["digest"], event.event_digest, computed)


def _refuse(
    fold: Fold,
    event: RepairEvent,
    reason: RefusalReason,
    detail: str,
    *,
    path: tuple[str, ...] = (),
) -> None:
    refused = Refused(
        position=fold["positions"][event.event_id],
        event_id=event.event_id,
        reason=reason.value,
        detail=detail,
        earlier_position=None,
        path=[*path] if len(path) <= 2 * PATH_KEPT else [*path[:PATH_KEPT], *path[-PATH_KEPT:]],
    )
    fold["refusals"].append(refused)


def _refuse_second(fold: Fold, event: RepairEvent, position: int) -> None:
    first = fold["positions"][event.event_id]
    refused = Refused(
        position=position,
        event_id=event.event_id,
        reason=RefusalReason.DUPLICATE_ID.value,
        detail=f"the event at {first} has the same id",
        earlier_position=first,
        path=[],
    )
    fold["refusals"].append(refused)


def _is_closed(fold: Fold, event: RepairEvent, parent: str | None, originals: Originals) -> bool:
    """Whether this parent closes a cycle; if it does, the event is refused."""
    if parent is None:
        return False
    up, down = parent_lookup(fold, originals), children_lookup(fold, originals)
    path = closing_path(event.message_id, parent, up, down)
    if path is None:
        return False
    detail = f"it would close the cycle {path_text(path)}"
    _refuse(fold, event, RefusalReason.CYCLE, detail, path=path)
    return True


def _apply_repair(fold: Fold, event: RepairEvent, originals: Originals) -> None:
    message, parent = event.message_id, event.new_parent_uuid
    if parent is None or _is_closed(fold, event, parent, originals):
        return
    if message not in fold["bases"]:
        base = originals.parents.get(message, event.old_parent_uuid)
        fold["bases"][message] = base
        fold["stacks"][message] = []
    number = len(fold["repair_ids"])
    fold["repairs"][event.event_id] = number
    fold["repair_ids"].append(event.event_id)
    fold["repair_messages"].append(message)
    fold["repair_parents"].append(parent)
    fold["repair_olds"].append(event.old_parent_uuid)
    heappush(fold["stacks"][message], -number)
    _set_parent(fold, message, parent)


def _apply_revert(fold: Fold, event: RepairEvent, originals: Originals) -> None:
    target = event.reverts_event_id or ""
    root = fold["roots"].get(target, target)
    number = fold["repairs"].get(root)
    if number is None:
        is_known = target in fold["positions"] and target != event.event_id
        reason = RefusalReason.NOT_ACTIVE if is_known else RefusalReason.UNKNOWN_TARGET
        detail = f"{target} was refused itself" if is_known else f"no earlier event is {target}"
        _refuse(fold, event, reason, detail)
    elif fold["repair_messages"][number] != event.message_id:
        detail = f"{target} is about message {fold['repair_messages'][number]}"
        _refuse(fold, event, RefusalReason.OTHER_MESSAGE, detail)
    elif not is_active(fold, target):
        detail = f"{target} is not in force: {fold['turned_by'][root]} came after it"
        _refuse(fold, event, RefusalReason.NOT_ACTIVE, detail)
    else:
        _turn(fold, event, root, originals)


def _turn(fold: Fold, event: RepairEvent, root: str, originals: Originals) -> None:
    """Turn the switch of a repair, unless that would close a cycle."""
    message, was_off = event.message_id, root in fold["off"]
    _switch(fold, root, is_on=was_off)
    parent = _last_parent(fold, message)
    if parent != fold["parents"][message] and _is_closed(fold, event, parent, originals):
        _switch(fold, root, is_on=not was_off)
        _last_parent(fold, message)
        return
    fold["roots"][event.event_id] = root
    fold["turned_by"][root] = event.event_id
    _set_parent(fold, message, parent)


def _switch(fold: Fold, root: str, *, is_on: bool) -> None:
    if not is_on:
        fold["off"][root] = 1
        return
    del fold["off"][root]
    number = fold["repairs"][root]
    # It may be there already, below those that came after it; twice does no harm.
    heappush(fold["stacks"][fold["repair_messages"][number]], -number)


def _last_parent(fold: Fold, message: str) -> str | None:
    stack = fold["stacks"][message]
    while stack and fold["repair_ids"][-stack[0]] in fold["off"]:
        heappop(stack)
    return fold["repair_parents"][-stack[0]] if stack else fold["bases"][message]


def _set_parent(fold: Fold, message: str, parent: str | None) -> None:
    children = fold["children"]
    before = fold["parents"].get(message)
    if before is not None:
        siblings = children[before]
        del siblings[message]
        if not siblings:
            del children[before]
    fold["parents"][message] = parent
    if parent is not None:
        children.setdefault(parent, {})[message] = 1
