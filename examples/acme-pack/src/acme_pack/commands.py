"""``evidentia acme ..``: a command is a plain function that is handed a workspace."""

from collections import Counter
from typing import Annotated

from evidentia.event.line import read_line
from evidentia.event.values import Policy, Verdict
from evidentia.pack.command import (
    Argument,
    CommandResult,
    Line,
    Note,
    Option,
    PackCommand,
    Table,
    TableColumn,
)
from evidentia.pack.workspace import Workspace


def refused(
    workspace: Workspace,
    *,
    log: Annotated[str, Argument(metavar="FILE", help="A door log, or a glob of them.")],
    limit: Annotated[int, Option(metavar="N", help="At most so many doors.", at_least=1)] = 10,
) -> CommandResult:
    """Count refusals by door, without a store; exit status 1 if there are any."""
    doors: Counter[str] = Counter()
    bad_lines = 0
    for line in workspace.lines(log):
        found = read_line(line.raw, Policy())
        if isinstance(found, Verdict):
            bad_lines += 1
        elif found[0].get("what") == "refused":
            doors[str(found[0].get("door"))] += 1
    rows = doors.most_common(limit)
    return CommandResult(
        document={"refused": [{"door": door, "count": count} for door, count in rows]},
        parts=(
            Line(text=f"{doors.total()} refusals"),
            Table(
                columns=(TableColumn(title="door"), TableColumn(title="refused", is_number=True)),
                rows=rows,
            ),
            *([Note(text=f"{bad_lines} lines are no events")] if bad_lines else []),
        ),
        is_finding=bool(doors),
    )


COMMANDS = (PackCommand(name="refused", run=refused, example="evidentia acme refused doors.jsonl"),)
