"""``repair scan`` and ``repair suggest``: what is wrong with conversations, and what would mend it.

Both read only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

from evidentia.errors import UsageError
from evidentia.event.values import JsonObject, JsonValue
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
from evidentia.pack.workspace import Workspace
from evidentia.packs.repair.conversation import LineClass, Orphan, Place, Reading, Repeated, Tree
from evidentia.packs.repair.desk import conversations, repaired, repairs, tree_with
from evidentia.packs.repair.scoring import Candidate
from evidentia.packs.repair.suggest import Suggester, suggest_parents

FileArgument = Annotated[
    str, Argument(metavar="FILE", help="A conversation, or a glob of them; never changed.")
]
SHOWN_MAX: Final = 50
"""Rows of a table for people; the object for programs has all."""


def scan(
    workspace: Workspace,
    *,
    file: FileArgument,
    is_repaired: Annotated[
        bool, Option(help="Look at them as the repairs in the ledger leave them.")
    ] = False,
) -> CommandResult:
    """List messages without a parent and why, repeated messages, cycles, and what is no message.

    Each line is counted in exactly one class. Exit status 1 if there are orphans, cycles or lines
    that are no JSON object.
    """
    reading, problems = conversations(workspace, file)
    trees = reading.trees
    if is_repaired:
        found = repairs(workspace)
        trees = tuple(repaired(tree, found) for tree in trees)
    orphans = [(tree, orphan) for tree in trees for orphan in tree.orphans]
    cycles = [(tree, cycle) for tree in trees for cycle in tree.cycles]
    return CommandResult(
        document={
            "is_repaired": is_repaired,
            "line_count": reading.line_count,
            "counts": {each.value: reading.counts[each] for each in LineClass},
            "sessions": [_session_json(tree) for tree in trees],
            "orphans": [_orphan_json(tree, orphan) for tree, orphan in orphans],
            "cycles": [_cycle_json(tree, cycle) for tree, cycle in cycles],
            "repeated": list(_repeated_json(trees)),
            "refused": list(_refused_json(reading)),
            "standalone": _standalone_json(reading),
            "problems": list(problems),
        },
        parts=tuple(_scan_parts(reading, trees, orphans, problems)),
        is_finding=bool(orphans or cycles or reading.refused or problems),
    )


def _session_json(tree: Tree) -> JsonObject:
    return {
        "path": tree.path,
        "session_id": tree.name,
        "messages": len(tree.messages),
        "roots": len(tree.roots),
        "orphans": len(tree.orphans),
        "cycles": len(tree.cycles),
        "threads": len(tree.threads),
        "sidechains": sum(each.is_sidechain for each in tree.threads),
        "repeated": len(tree.repeated),
    }


def place_json(place: Place) -> JsonObject:
    """Where a line stands."""
    return {"path": place.path, "line_no": place.line_no, "byte_offset": place.byte_offset}


def _orphan_json(tree: Tree, orphan: Orphan) -> JsonObject:
    return {
        **place_json(orphan.place),
        "session_id": tree.name,
        "message_id": orphan.uuid,
        "reason": orphan.reason.value,
        "parent_uuid": orphan.parent_uuid,
    }


def _cycle_json(tree: Tree, cycle: Sequence[str]) -> JsonObject:
    return {"path": tree.path, "session_id": tree.name, "messages": [*cycle]}


def _repeated_json(trees: Sequence[Tree]) -> Iterator[JsonValue]:
    for tree in trees:
        for each in tree.repeated:
            yield {
                **place_json(each.place),
                "session_id": tree.name,
                "message_id": each.uuid,
                "first_line_no": each.first.line_no,
                "is_equal": each.is_equal,
            }


def _refused_json(reading: Reading) -> Iterator[JsonValue]:
    for each in reading.refused:
        yield {**place_json(each.place), "reason": each.reason.value, "detail": each.detail}


def _standalone_json(reading: Reading) -> JsonObject:
    return dict(sorted(Counter(each.kind for each in reading.standalone).items()))


def _scan_parts(
    reading: Reading,
    trees: Sequence[Tree],
    orphans: Sequence[tuple[Tree, Orphan]],
    problems: Sequence[str],
) -> Iterator[Part]:
    counts = ", ".join(f"{reading.counts[each]:,} {each.value}" for each in LineClass)
    yield Line(text=f"{reading.line_count:,} lines: {counts}")
    names = ("session", "messages", "roots", "orphans", "cycles", "threads", "repeated")
    yield Table(
        columns=tuple(
            TableColumn(title=name, is_number=name != "session", is_optional=name == "repeated")
            for name in names
        ),
        rows=[
            (tree.name, *(_session_json(tree)[name] for name in names[1:]))
            for tree in trees[:SHOWN_MAX]
        ],
    )
    if orphans:
        yield Line(text=f"without a parent: {len(orphans):,}")
        yield _orphan_table(orphans[:SHOWN_MAX])
    repeated = [each for tree in trees for each in tree.repeated]
    if repeated:
        yield Line(text=f"repeated: {len(repeated):,}")
        yield _repeated_table(repeated[:SHOWN_MAX])
    for tree in trees:
        for cycle in tree.cycles[:SHOWN_MAX]:
            yield Line(text=f"cycle in {tree.name}: {' -> '.join(cycle[:SHOWN_MAX])}")
    for each in reading.refused[:SHOWN_MAX]:
        place = f"{each.place.path}:{each.place.line_no}"
        yield Line(text=f"{place} is no JSON object: {each.reason.value}: {each.detail}")
    yield from (Note(text=problem) for problem in problems[:SHOWN_MAX])
    counts_shown = (trees, orphans, repeated, reading.refused, problems)
    if max(map(len, counts_shown)) > SHOWN_MAX:
        yield Note(text=f"of each kind the first {SHOWN_MAX} are shown; --json has all")


def _repeated_table(repeated: Sequence[Repeated]) -> Table:
    return Table(
        columns=(
            TableColumn(title="line", is_number=True),
            TableColumn(title="message"),
            TableColumn(title="first line", is_number=True),
            TableColumn(title="equal"),
        ),
        rows=[
            (each.place.line_no, each.uuid, each.first.line_no, "yes" if each.is_equal else "no")
            for each in repeated
        ],
    )


def _orphan_table(orphans: Sequence[tuple[Tree, Orphan]]) -> Table:
    return Table(
        columns=(
            TableColumn(title="line", is_number=True),
            TableColumn(title="message"),
            TableColumn(title="why"),
            TableColumn(title="names", is_optional=True),
            TableColumn(title="session", is_cut=True, is_optional=True),
        ),
        rows=[
            (orphan.place.line_no, orphan.uuid, orphan.reason.value, orphan.parent_uuid, tree.name)
            for tree, orphan in orphans
        ],
    )


def suggest(
    workspace: Workspace,
    *,
    file: FileArgument,
    orphan: Annotated[
        str | None, Option(metavar="MESSAGE", help="Only for this message (default: all orphans).")
    ] = None,
    top: Annotated[
        int, Option(metavar="N", help="At most so many candidates.", at_least=1, at_most=1_000)
    ] = 5,
    is_repaired: Annotated[
        bool, Option(help="Look at them as the repairs in the ledger leave them.")
    ] = False,
) -> CommandResult:
    """Name the likeliest parents of messages that have none, with the score and its parts.

    A candidate stands strictly earlier than the message and closes no cycle. The score is half the
    share of common words, three tenths for nearness in time, and a fifth for who answers whom.
    """
    reading, problems = conversations(workspace, file)
    trees = reading.trees if orphan is None else (tree_with(reading, orphan),)
    if is_repaired:
        found = repairs(workspace)
        trees = tuple(repaired(tree, found) for tree in trees)
    answers = [
        (tree, uuid, suggester.suggest(uuid, top))
        for tree, suggester in ((tree, Suggester(tree)) for tree in trees)
        for uuid in ([each.uuid for each in tree.orphans] if orphan is None else [orphan])
    ]
    return CommandResult(
        document={
            "suggestions": [
                {
                    **place_json(tree.messages[uuid].place),
                    "session_id": tree.name,
                    "message_id": uuid,
                    "candidates": [candidate_json(each) for each in candidates],
                }
                for tree, uuid, candidates in answers
            ],
            "problems": list(problems),
        },
        parts=(
            *_suggestion_parts(answers),
            *(Note(text=problem) for problem in problems),
        ),
    )


def candidate_json(candidate: Candidate) -> JsonObject:
    """A candidate with the parts of its score."""
    return {
        "parent_uuid": candidate.uuid,
        "score": candidate.score,
        "similarity": candidate.similarity,
        "closeness": candidate.closeness,
        "type_factor": candidate.type_factor,
    }


def _suggestion_parts(
    answers: Sequence[tuple[Tree, str, Sequence[Candidate]]],
) -> Iterator[Part]:
    if not answers:
        yield Line(text="no message is without a parent")
    for tree, uuid, candidates in answers[:SHOWN_MAX]:
        message = tree.messages[uuid]
        yield Line(text=f"{uuid} ({message.kind}, line {message.place.line_no}):")
        if not candidates:
            yield Line(text="  no earlier message can be its parent")
            continue
        yield Table(
            columns=(
                TableColumn(title="parent"),
                TableColumn(title="score", is_number=True),
                TableColumn(title="words", is_number=True, is_optional=True),
                TableColumn(title="time", is_number=True, is_optional=True),
                TableColumn(title="type", is_number=True, is_optional=True),
                TableColumn(title="line", is_number=True, is_optional=True),
                TableColumn(title="says", is_cut=True, is_optional=True),
            ),
            rows=[_candidate_row(tree, each) for each in candidates],
        )
    if len(answers) > SHOWN_MAX:
        yield Note(text=f"the first {SHOWN_MAX} of {len(answers):,} are shown; --json has all")


def _candidate_row(tree: Tree, candidate: Candidate) -> tuple[object, ...]:
    parent = tree.messages[candidate.uuid]
    scores = (candidate.score, candidate.similarity, candidate.closeness, candidate.type_factor)
    first = parent.text.partition("\n")[0]
    return (
        candidate.uuid,
        *(f"{each:.3f}" for each in scores),
        parent.place.line_no,
        first[:200],
    )


def best_candidate(tree: Tree, uuid: str) -> Candidate:
    """The likeliest parent of a message.

    Raises:
        UsageError: There is none.
    """
    found = suggest_parents(tree, uuid, 1)
    if not found:
        raise UsageError(
            f"no earlier message can be the parent of {uuid!r}",
            where=tree.path,
            fix="name a parent yourself, if there is one",
        )
    return found[0]


COMMANDS: Final = (
    PackCommand(
        name="scan",
        run=scan,
        example="evidentia repair scan 'conversations/*.jsonl'",
        reads_ledger=True,
    ),
    PackCommand(
        name="suggest",
        run=suggest,
        example="evidentia repair suggest conversation.jsonl --top 3",
        reads_ledger=True,
    ),
)
