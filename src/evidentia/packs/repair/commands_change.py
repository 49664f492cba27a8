"""``repair apply`` and ``repair revert``: the only commands that append, one event each.

A decision is made from the ledger's events and appended only if the ledger has grown by none since.
Conversations are read and never written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

from evidentia.errors import DuplicateIdError, RejectionError, SequenceError, UsageError
from evidentia.event.timestamp import format_time
from evidentia.event.values import JsonObject
from evidentia.pack.command import (
    Argument,
    CommandResult,
    Line,
    Note,
    Option,
    PackCommand,
    Part,
    Table,
    TableColumn,
)
from evidentia.pack.workspace import Appended, Workspace
from evidentia.packs.repair.commands_look import best_candidate
from evidentia.packs.repair.conversation import Tree
from evidentia.packs.repair.desk import (
    Repairs,
    conversations,
    played,
    repaired,
    repairs,
    require_readable,
    tree_of_session,
    tree_with,
)
from evidentia.packs.repair.repair_event import (
    RepairEvent,
    create_revert_event,
    draft_of,
    generate_event_id,
)
from evidentia.packs.repair.reverting import Dependent, ParentChange, preview_event
from evidentia.packs.repair.validation import Decision, create_repair_event, validate_repair

_TRIES_MAX: Final = 5
"""How often a decision is made anew because another process appended meanwhile."""
_ID_BYTES: Final = 3

OperatorOption = Annotated[
    str | None,
    Option(metavar="WHO", help="user:NAME, agent:NAME or system:NAME (default: user:LOGIN)."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An event to be appended, and what it changes.

    Attributes:
        size: The ledger's size that it rests on.
    """

    event: RepairEvent
    changes: tuple[ParentChange, ...]
    dependents: tuple[Dependent, ...]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to be repaired.

    Attributes:
        parent: The new parent; the best candidate if it is None.
        reason: Why; for the best candidate it may be left open.
        score: Of a parent that was chosen among candidates; 0 where a person just says so.
    """

    message: str
    parent: str | None
    reason: str | None
    operator: str | None
    score: float = 0.0


def decide_repair(workspace: Workspace, tree: Tree, wish: Wish) -> Plan:
    """The event that a wish comes to, checked against conversation and ledger.

    Args:
        workspace: Where the ledger is.
        tree: The conversation as its log says it.
        wish: What is wanted.

    Raises:
        RejectionError: The parent is refused; the message says why.
        UsageError: There is no candidate, no reason, or nothing would change.
        EvidentiaError: The session's events in the ledger cannot be relied on.
    """
    found = repairs(workspace, tree.name)
    require_readable(found, tree.name)
    now = repaired(tree, found)
    parent, score, reason = _parent_of(now, wish)
    if now.parents[wish.message] == parent:
        raise UsageError(f"{parent!r} is the parent of {wish.message!r} already")
    verdict = validate_repair(now, wish.message, parent)
    if not verdict.is_valid:
        raise RejectionError(
            f"the repair is refused: {'; '.join(verdict.errors)}",
            where=wish.message,
            fix="see other candidates: evidentia repair suggest",
        )
    decision = Decision(
        **_identity(workspace),
        operator=wish.operator or workspace.operator(),
        reason=reason,
        similarity_score=score,
    )
    event = create_repair_event(now, wish.message, parent, decision)
    return _plan(found, event, tree.parents)


def _parent_of(now: Tree, wish: Wish) -> tuple[str, float, str]:
    """The parent, its score (0 where a person decided), and the reason."""
    if wish.parent is not None:
        if not wish.reason:
            raise UsageError("a repair needs a reason", fix="say why with --reason")
        return wish.parent, wish.score, wish.reason
    best = best_candidate(now, wish.message)
    return best.uuid, best.score, wish.reason or f"best candidate, score {best.score:.3f}"


def _identity(workspace: Workspace) -> dict[str, str]:
    now = workspace.now_us()
    return {
        "event_id": generate_event_id(now, workspace.random_hex(_ID_BYTES)),
        "timestamp": format_time(now),
    }


def decide_revert(
    workspace: Workspace,
    event_id: str,
    reason: str,
    *,
    operator: str | None = None,
    originals: Mapping[str, str | None] | None = None,
) -> Plan:
    """The event that takes another one back, checked against the ledger.

    Raises:
        UsageError: There is no such event.
        RejectionError: It cannot be taken back; the message says why.
        EvidentiaError: The session's events in the ledger cannot be relied on.
    """
    found = repairs(workspace)
    target = found.find(event_id)
    require_readable(found, target.session_id)
    event = create_revert_event(
        target, operator or workspace.operator(), reason, **_identity(workspace)
    )
    return _plan(found, event, originals)


def _plan(found: Repairs, event: RepairEvent, originals: Mapping[str, str | None] | None) -> Plan:
    events = found.of_session(event.session_id)
    result = played(events, originals, found.problems).result()
    if result.stopped is not None:
        raise RejectionError(
            f"the ledger's events of this session hold only up to {result.stopped.event_id}:"
            f" {result.stopped.detail}",
            where=event.session_id,
            fix="see everything that is wrong: evidentia repair check",
        )
    seen = preview_event(events, event, originals)
    if seen.refusal is not None:
        raise RejectionError(
            f"the event would have no effect: {seen.refusal.detail}",
            where=event.reverts_event_id or event.message_id,
            fix="see what is in force: evidentia repair history",
        )
    # The first repair of a message changes a parent that no earlier event speaks of.
    known = seen.before.message_parents
    changes = tuple(
        each if each.message_id in known else replace(each, before=event.old_parent_uuid)
        for each in seen.changes
    )
    return Plan(event=event, changes=changes, dependents=seen.dependents, size=found.size)


def append_plan(workspace: Workspace, decide: Callable[[], Plan]) -> tuple[Plan, Appended]:
    """Decide, and append if the ledger is still the one that the decision rests on.

    Raises:
        SequenceError: Other processes were faster, again and again.
        LedgerError: The ledger refuses or fails.
    """
    for left in range(_TRIES_MAX, 0, -1):
        plan = decide()
        event = plan.event
        try:
            done = workspace.append(
                [draft_of(event)],
                reason=event.reason,
                operator=event.operator,
                expected_size=plan.size,
            )
        except (SequenceError, DuplicateIdError):
            if left == 1:
                raise
            continue
        return plan, done[0]
    raise AssertionError


def apply(
    workspace: Workspace,
    *,
    file: Annotated[
        str, Argument(metavar="FILE", help="The conversation, or a glob; never changed.")
    ],
    message: Annotated[str, Argument(metavar="MESSAGE", help="The message that gets a parent.")],
    parent: Annotated[
        str | None, Argument(metavar="PARENT", help="The parent; left out with --best.")
    ] = None,
    reason: Annotated[
        str | None, Option(metavar="TEXT", help="Why; needed unless --best is given.")
    ] = None,
    operator: OperatorOption = None,
    is_best: Annotated[bool, Option(help="Take the best candidate, and record its score.")] = False,
    is_dry_run: Annotated[bool, Option(help="Check and show; append nothing.")] = False,
) -> CommandResult:
    """Give a message a parent: append a repair event to the ledger.

    The parent must be in the conversation, stand strictly earlier, and close no cycle, all of it
    with the repairs so far. The conversation itself stays as it is: see 'repair render'.
    """
    if is_best == (parent is not None):
        raise UsageError("give either a PARENT or --best")
    reading, problems = conversations(workspace, file)
    tree = tree_with(reading, message)
    wish = Wish(message=message, parent=parent, reason=reason, operator=operator)
    if is_dry_run:
        return _result(decide_repair(workspace, tree, wish), None, problems)
    return _result(*append_plan(workspace, lambda: decide_repair(workspace, tree, wish)), problems)


def revert(
    workspace: Workspace,
    *,
    event: Annotated[
        str, Argument(metavar="EVENT", help="The repair or revert that is taken back.")
    ],
    reason: Annotated[str, Option(metavar="TEXT", help="Why.")],
    operator: OperatorOption = None,
    file: Annotated[
        str | None,
        Option(metavar="FILE", help="The conversation, so that cycles through it are found."),
    ] = None,
    is_dry_run: Annotated[
        bool,
        Option(names=("--dry-run/--write",), help="Only show what would change (the default)."),
    ] = True,
) -> CommandResult:
    """Take a repair back by another event; nothing is removed. Shows what changes first.

    The message gets the parent of its last repair that is then in force, or its original one, none
    included. Later repairs that build on it are listed. A revert can be taken back as well.
    """
    originals: Mapping[str, str | None] | None = None
    problems: tuple[str, ...] = ()
    if file is not None:
        reading, problems = conversations(workspace, file)
        session_id = repairs(workspace).find(event).session_id
        originals = tree_of_session(reading, session_id).parents

    def decide() -> Plan:
        return decide_revert(workspace, event, reason, operator=operator, originals=originals)

    if is_dry_run:
        return _result(decide(), None, problems)
    return _result(*append_plan(workspace, decide), problems)


def _result(plan: Plan, done: Appended | None, problems: Sequence[str]) -> CommandResult:
    return CommandResult(
        document={
            "is_dry_run": done is None,
            "event": plan.event.to_dict(),
            "sequence": None if done is None else done.sequence,
            "event_hash": None if done is None else done.event_hash,
            "is_stored": done is not None and done.is_stored,
            "changes": [_change_json(plan, each) for each in plan.changes],
            "dependents": [_dependent_json(each) for each in plan.dependents],
            "problems": list(problems),
        },
        parts=(
            *_parts(plan, done),
            *(Note(text=problem) for problem in problems),
        ),
    )


def _change_json(plan: Plan, change: ParentChange) -> JsonObject:
    return {
        "session_id": plan.event.session_id,
        "message_id": change.message_id,
        "before": change.before,
        "after": change.after,
    }


def _dependent_json(dependent: Dependent) -> JsonObject:
    return {
        "event_id": dependent.event_id,
        "message_id": dependent.message_id,
        "relation": dependent.relation.value,
        "on": dependent.on,
    }


def _parts(plan: Plan, done: Appended | None) -> list[Part]:
    event = plan.event
    parts: list[Part] = [
        Table(
            columns=_titled("message", "parent now", "then"),
            rows=[
                (each.message_id, each.before or "-", each.after or "-") for each in plan.changes
            ],
            is_whole=True,
        )
        if plan.changes
        else Line(text="no message gets another parent")
    ]
    if plan.dependents:
        parts.append(Line(text="later repairs that rely on it:"))
        parts.append(
            Table(
                columns=tuple(
                    TableColumn(title=name) for name in ("event", "message", "how", "on")
                ),
                rows=[
                    (each.event_id, each.message_id, each.relation.value, each.on)
                    for each in plan.dependents
                ],
                is_whole=True,
            )
        )
    if done is None:
        hint = " Add --write to do it." if event.is_reverted else ""
        parts.append(Line(text=f"nothing was appended.{hint}"))
    else:
        kind = "revert" if event.is_reverted else "repair"
        parts.append(Line(text=f"{kind} {event.event_id} is event {done.sequence:,} of the ledger"))
        if not done.is_stored:
            parts.append(
                Note(
                    text="it is in the ledger; the store does not have it yet, or is not to have it"
                )
            )
    return parts


def _titled(*titles: str) -> tuple[TableColumn, ...]:
    return tuple(TableColumn(title=each) for each in titles)


COMMANDS: Final = (
    PackCommand(
        name="apply",
        run=apply,
        example="evidentia repair apply conversation.jsonl msg-9 msg-4 --reason 'lost in a crash'",
        appends=True,
    ),
    PackCommand(
        name="revert",
        run=revert,
        example="evidentia repair revert evt_20260131_120000_0a1b2c --reason 'wrong parent'",
        appends=True,
    ),
)
