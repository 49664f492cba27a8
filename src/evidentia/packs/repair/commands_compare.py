"""``repair compare``: whether another copy of a conversation has the parents that the ledger gives.

For the time in which a program still repairs its own files and appends to the ledger as well: the
two must come to the same. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

from evidentia.event.values import JsonObject
from evidentia.pack.command import (
    Argument,
    CommandResult,
    Line,
    Note,
    PackCommand,
    Table,
    TableColumn,
)
from evidentia.pack.workspace import Workspace
from evidentia.packs.repair.conversation import Tree
from evidentia.packs.repair.desk import (
    by_session,
    conversations,
    repaired,
    repairs,
    require_readable,
)

_SHOWN_MAX: Final = 50
_ABSENT: Final = "(not there)"


def compare(
    workspace: Workspace,
    *,
    original: Annotated[
        str, Argument(metavar="ORIGINAL", help="The conversation as it was written.")
    ],
    other: Annotated[str, Argument(metavar="OTHER", help="A copy that a program has repaired.")],
) -> CommandResult:
    """Compare the parents in a repaired copy with those that the ledger's repairs give.

    Messages that only one of the two has are listed as well. Exit status 1 if anything differs.
    """
    reading, problems = conversations(workspace, original)
    others, more_problems = conversations(workspace, other)
    found = repairs(workspace)
    differences: list[JsonObject] = []
    count = 0
    left = {_key(tree): tree for tree in by_session(others).values()}
    for tree in by_session(reading).values():
        require_readable(found, tree.name)
        mine = repaired(tree, found)
        count += len(mine.parents)
        differences += _differences(mine, left.pop(_key(tree), None))
    for tree in left.values():
        differences += [
            _difference(tree, uuid, _ABSENT, tree.parents[uuid]) for uuid in tree.parents
        ]
    return CommandResult(
        document={
            "messages": count,
            "differences": [*differences],
            "problems": [*problems, *more_problems],
        },
        parts=(
            Line(text=f"{count:,} messages compared, {len(differences):,} differ"),
            *([_table(differences[:_SHOWN_MAX])] if differences else []),
            *(Note(text=problem) for problem in (*problems, *more_problems)),
        ),
        is_finding=bool(differences or problems or more_problems),
    )


def _key(tree: Tree) -> str:
    """What a session is paired by: one without an id has the name of its file, which differs."""
    return tree.session_id


def _differences(mine: Tree, theirs: Tree | None) -> Iterator[JsonObject]:
    given = {} if theirs is None else theirs.parents
    for uuid in dict.fromkeys((*mine.parents, *given)):
        from_ledger = mine.parents.get(uuid, _ABSENT)
        in_copy = given.get(uuid, _ABSENT)
        if from_ledger != in_copy:
            yield _difference(mine, uuid, from_ledger, in_copy)


def _difference(tree: Tree, uuid: str, from_ledger: str | None, in_copy: str | None) -> JsonObject:
    return {
        "session_id": tree.name,
        "message_id": uuid,
        "from_ledger": None if from_ledger == _ABSENT else from_ledger,
        "in_copy": None if in_copy == _ABSENT else in_copy,
        "is_in_original": from_ledger != _ABSENT,
        "is_in_copy": in_copy != _ABSENT,
    }


def _table(differences: Sequence[JsonObject]) -> Table:
    return Table(
        columns=tuple(
            TableColumn(title=title) for title in ("session", "message", "ledger", "copy")
        ),
        rows=[
            (
                each["session_id"],
                each["message_id"],
                _shown(each["from_ledger"], is_there=bool(each["is_in_original"])),
                _shown(each["in_copy"], is_there=bool(each["is_in_copy"])),
            )
            for each in differences
        ],
        is_whole=True,
    )


def _shown(parent: object, *, is_there: bool) -> object:
    return (parent or "-") if is_there else _ABSENT


COMMANDS: Final = (
    PackCommand(
        name="compare",
        run=compare,
        example="evidentia repair compare conversation.jsonl repaired-by-program.jsonl",
        reads_ledger=True,
    ),
)
