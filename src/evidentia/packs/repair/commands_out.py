"""``repair export``, ``render`` and ``archive``: new files, made from conversations and the ledger.

None of them changes a conversation, the ledger or the store. A file that is there is not written
over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

from evidentia.errors import EvidentiaError, UsageError
from evidentia.event.line import read_line
from evidentia.event.timestamp import format_time, parse_time
from evidentia.event.values import JsonObject, JsonValue, Policy, Verdict
from evidentia.pack.command import (
    Argument,
    CommandResult,
    Line,
    Note,
    Option,
    PackCommand,
)
from evidentia.pack.workspace import SourceLine as PlacedLine
from evidentia.pack.workspace import Workspace
from evidentia.packs.repair.commands_past import (
    moment_us,
    problem_notes,
    sessions_of,
)
from evidentia.packs.repair.desk import (
    Repairs,
    conversations,
    played,
    repairs,
    require_readable,
    tree_of_session,
)
from evidentia.packs.repair.export import export_document, verify_export
from evidentia.packs.repair.render import render_lines
from evidentia.packs.repair.repair_event import RepairEvent

ARCHIVE_TYPE: Final = "repair_archive"
FORMAT_VERSION: Final = "1.0"

OutOption = Annotated[
    str, Option(names=("--out", "-o"), metavar="FILE", help="The file to write; it must be new.")
]


def export(
    workspace: Workspace,
    *,
    session: Annotated[str, Argument(metavar="SESSION", help="The session.")],
    out: OutOption,
) -> CommandResult:
    """Write every repair event of a session, with statistics, as one JSON document.

    What was written is read back, and each digest and number in it is computed anew.
    """
    found = repairs(workspace, session)
    require_readable(found, session)
    events = found.of_session(session)
    if not events:
        raise UsageError(
            f"the ledger has no repair event of session {session!r}",
            fix="list operators and sessions: evidentia repair stats",
        )
    document = export_document(session, events, exported_at=format_time(workspace.now_us()))
    size = workspace.write_new(out, [_text(document)])
    warnings = _verified(workspace, out, [document])
    return CommandResult(
        document={
            "path": out,
            "bytes": size,
            "session_id": session,
            "event_count": len(events),
            "metadata": document["metadata"],
            "warnings": list(warnings),
        },
        parts=(
            Line(text=f"wrote {len(events):,} repair events of {session} to {out}, and read back"),
            *(Note(text=warning) for warning in warnings),
        ),
    )


def _text(document: JsonObject) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _verified(workspace: Workspace, path: str, wanted: Sequence[JsonObject]) -> tuple[str, ...]:
    """Read a file of exports back; what it warns of.

    Raises:
        EvidentiaError: It does not hold what was to be written.
    """
    # The documents are indented, and the strict reading is of one line.
    found = read_line(workspace.document(path).replace(b"\n", b" "), Policy())
    if isinstance(found, Verdict):
        raise _unlike(path, found.detail)
    value = found[0]
    sessions = value.get("sessions", [value])
    if sessions != list(wanted) or not isinstance(sessions, list):
        raise _unlike(path, "it holds something else than was written")
    warnings: list[str] = []
    for document in sessions:
        result = verify_export(document if isinstance(document, dict) else {})
        if not result.is_valid:
            raise _unlike(path, "; ".join(result.errors))
        warnings += result.warnings
    return tuple(warnings)


def _unlike(path: str, detail: str) -> EvidentiaError:
    return EvidentiaError(
        f"the file does not verify: {detail}",
        where=path,
        fix="see what is wrong with the ledger: evidentia repair check",
    )


def render(
    workspace: Workspace,
    *,
    file: Annotated[str, Argument(metavar="FILE", help="The conversation; it stays as it is.")],
    out: OutOption,
    session: Annotated[
        str | None, Option(metavar="SESSION", help="Only the repairs of this session.")
    ] = None,
) -> CommandResult:
    """Write a copy of a conversation with the parents that its repairs give.

    Of a repaired message the value of parentUuid is another; every other byte is the original's.
    """
    parents = _parents(workspace, file, session)
    changed = _Counted()
    lines = changed.watched(workspace.lines(file))
    rendered = render_lines(
        ((each.path, each.line_no, each.byte_offset, _whole(each)) for each in lines), parents
    )
    size = workspace.write_new(out, changed.compared(rendered))
    return CommandResult(
        document={
            "path": out,
            "bytes": size,
            "lines": changed.lines,
            "changed_lines": changed.changed,
            "sessions": [*parents],
        },
        parts=(
            Line(
                text=f"wrote {changed.lines:,} lines to {out},"
                f" {changed.changed:,} of them with another parent"
            ),
        ),
    )


def _parents(
    workspace: Workspace, file: str, session: str | None
) -> dict[str, dict[str, str | None]]:
    """The parents that repairs give, by session.

    Raises:
        UsageError: It is not one file that can be read whole, or has no such session.
        EvidentiaError: The ledger's events cannot be relied on.
    """
    reading, problems = conversations(workspace, file)
    paths = {tree.path for tree in reading.trees}
    if problems or len(paths) > 1:
        raise UsageError(
            problems[0] if problems else f"{len(paths)} files are to be rendered into one",
            where=file,
            fix="render one whole file at a time",
        )
    trees = reading.trees if session is None else (tree_of_session(reading, session),)
    found = repairs(workspace)
    parents: dict[str, dict[str, str | None]] = {}
    for tree in trees:
        require_readable(found, tree.name)
        result = played(found.of_session(tree.name), tree.parents, found.problems).result()
        if result.stopped is not None:
            raise EvidentiaError(
                f"the repairs hold only up to {result.stopped.event_id}: {result.stopped.detail}",
                where=tree.name,
                fix="see everything that is wrong: evidentia repair check",
            )
        parents[tree.name] = dict(result.message_parents)
    return parents


def _whole(line: PlacedLine) -> bytes:
    return line.raw + b"\n" * line.has_newline


class _Counted:
    """Counts lines, and those that came out other than they went in."""

    def __init__(self) -> None:
        self.lines = 0
        self.changed = 0
        self._last = b""

    def watched(self, lines: Iterator[PlacedLine]) -> Iterator[PlacedLine]:
        """The lines, each remembered until it comes out."""
        for line in lines:
            self._last = _whole(line)
            yield line

    def compared(self, rendered: Iterator[bytes]) -> Iterator[bytes]:
        """What came out, counted."""
        for line in rendered:
            self.lines += 1
            self.changed += line != self._last
            yield line


def archive(
    workspace: Workspace,
    *,
    older_than: Annotated[
        str, Option(metavar="AGE", help="What was recorded before this: 90d, or a time.")
    ],
    out: OutOption,
) -> CommandResult:
    """Copy older repair events into a file of their own, by session, and verify the copy.

    Nothing is removed: a ledger is only ever appended to, and there is no retention for it yet.
    """
    found = repairs(workspace)
    for problem in found.problems:
        require_readable(found, problem.session_id or "")
    cutoff = moment_us(older_than, workspace.now_us())
    documents = _archived(found, cutoff, format_time(workspace.now_us()))
    if not documents:
        return _nothing_archived(older_than)
    sessions: list[JsonValue] = [*documents]
    whole: JsonObject = {
        "format_version": FORMAT_VERSION,
        "export_type": ARCHIVE_TYPE,
        "older_than": format_time(cutoff),
        "sessions": sessions,
    }
    size = workspace.write_new(out, [_text(whole)])
    warnings = _verified(workspace, out, documents)
    count = sum(_count(document) for document in documents)
    return CommandResult(
        document={
            "path": out,
            "bytes": size,
            "sessions": len(documents),
            "events": count,
            "removed_events": 0,
            "warnings": list(warnings),
        },
        parts=(
            Line(
                text=f"copied {count:,} repair events of {len(documents):,} sessions to {out},"
                " and read back"
            ),
            Note(text="nothing was removed: the ledger and the store still have them"),
            *(Note(text=warning) for warning in warnings),
            *problem_notes(found),
        ),
    )


def _nothing_archived(older_than: str) -> CommandResult:
    return CommandResult(
        document={
            "path": None,
            "bytes": 0,
            "sessions": 0,
            "events": 0,
            "removed_events": 0,
            "warnings": [],
        },
        parts=(Line(text=f"no repair event is older than {older_than}; nothing was written"),),
    )


def _count(document: JsonObject) -> int:
    events = document["events"]
    return len(events) if isinstance(events, list) else 0


def _archived(found: Repairs, cutoff_us: int, now: str) -> list[JsonObject]:
    """The older events of each session: a prefix of each, for they are in the ledger's order."""
    documents = []
    for session_id, events in sessions_of(found.events).items():
        older: list[RepairEvent] = []
        for event in events:
            recorded = parse_time(event.created_at or event.timestamp).us
            if recorded is None or recorded >= cutoff_us:
                break
            older.append(event)
        if older:
            documents.append(export_document(session_id, older, exported_at=now))
    return documents


COMMANDS: Final = (
    PackCommand(
        name="export",
        run=export,
        example="evidentia repair export s-1 --out s-1.repairs.json",
        reads_ledger=True,
    ),
    PackCommand(
        name="render",
        run=render,
        example="evidentia repair render conversation.jsonl --out repaired.jsonl",
        reads_ledger=True,
    ),
    PackCommand(
        name="archive",
        run=archive,
        example="evidentia repair archive --older-than 90d --out repairs-2026q1.json",
        reads_ledger=True,
    ),
)
