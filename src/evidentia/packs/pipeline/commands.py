"""``evidentia pipeline record`` and ``pipeline head``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Final

from evidentia.errors import RejectionError
from evidentia.event.envelope import Draft
from evidentia.event.line import read_line
from evidentia.event.values import JsonObject, JsonValue, Policy, Verdict
from evidentia.pack.command import Argument, CommandResult, Line, Note, PackCommand, Part
from evidentia.pack.recorder import Recorded
from evidentia.pack.workspace import Workspace
from evidentia.packs.pipeline.execution import Pipeline
from evidentia.packs.pipeline.kinds import RECEIPT
from evidentia.packs.pipeline.receipt_head import HeadVerdict, check_head
from evidentia.packs.pipeline.tier2 import event_id_of, is_document, payload_of

BATCH_EVENTS_MAX: Final = 500
"""Records of one append: all or none of them."""
_SHOWN_MAX: Final = 20
_STRICT: Final = Policy()


class Kind(Enum):
    """What can be recorded."""

    RECEIPT = "receipt"
    AUDIT = "audit"
    MEMORY = "memory"
    SESSION = "session"
    COLLISION = "collision"
    METRIC = "metric"
    SLO = "slo"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """A JSON value of a file, or why there is none."""

    place: str
    value: JsonObject | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wrong:
    """A record that was not taken into the ledger."""

    place: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A record that was."""

    place: str
    recorded: Recorded


def record(
    workspace: Workspace,
    *,
    kind: Annotated[Kind, Argument(metavar="KIND", help="What is recorded.")],
    files: Annotated[
        tuple[str, ...],
        Argument(metavar="FILE", help="JSON: one object, or one a line; - is standard input."),
    ] = ("-",),
) -> CommandResult:
    """Record receipts, audit rows, memory, sessions, collisions, metrics or missed service levels.

    KIND is one of receipt, audit, memory, session, collision, metric and slo. A receipt may also be
    a document of the generator ({receipt: ..}), which is recorded once however often it is given.
    Receipts are held against the service levels. A record with a problem is refused and named, and
    holds up none of the others; what the tables refuse is in the ledger, with the reason in
    refused_records. Both give exit status 1.
    """
    pipeline = Pipeline(recorder := workspace.recorder())
    wrong: list[_Wrong] = []
    taken: list[_Taken] = []
    waiting: list[tuple[str, Draft]] = []

    def flush() -> None:
        done = recorder.record([draft for _, draft in waiting]) if waiting else ()
        for (place, _), each in zip(waiting, done, strict=True):
            taken.append(_Taken(place=place, recorded=each))
        waiting.clear()

    for given in _values(workspace, files):
        try:
            waiting.append((given.place, _draft(pipeline, kind, given)))
        except RejectionError as problem:
            wrong.append(_Wrong(place=given.place, problem=problem.what))
        if len(waiting) == BATCH_EVENTS_MAX:
            flush()
    flush()
    return _result(kind, taken, wrong)


def _values(workspace: Workspace, files: tuple[str, ...]) -> Iterator[_Given]:
    for path in files:
        yield from _values_of(path, workspace.document(path))


def _values_of(path: str, data: bytes) -> Iterator[_Given]:
    """The one object that a file is, else one for each of its lines."""
    whole = data.strip()
    outcome = read_line(whole, _STRICT) if whole else None
    if outcome is not None and not isinstance(outcome, Verdict):
        yield _Given(place=path, value=outcome[0])
        return
    lines = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    if not lines:
        yield _Given(place=path, problem="there is no record")
    judged = [_judged(f"{path}, line {number}", line) for number, line in lines]
    if isinstance(outcome, Verdict) and all(each.value is None for each in judged):
        # One object over several lines, with a mistake in it.
        judged = [_Given(place=path, problem=_said(outcome))]
    yield from judged


def _judged(place: str, line: bytes) -> _Given:
    outcome = read_line(line, _STRICT)
    if isinstance(outcome, Verdict):
        return _Given(place=place, problem=_said(outcome))
    return _Given(place=place, value=outcome[0])


def _said(verdict: Verdict) -> str:
    return f"no JSON object: {verdict.reason.value} at byte {verdict.column}: {verdict.detail}"


def _draft(pipeline: Pipeline, kind: Kind, given: _Given) -> Draft:
    if given.value is None:
        raise RejectionError(given.problem)
    if kind.value == RECEIPT.name and is_document(given.value):
        payload = payload_of(given.value)
        return pipeline.draft(kind.value, payload, event_id_of(given.value))
    return pipeline.draft(kind.value, given.value)


def _result(kind: Kind, taken: list[_Taken], wrong: list[_Wrong]) -> CommandResult:
    refused = [each for each in taken if each.recorded.refusal is not None]
    repeats = sum(each.recorded.is_repeat for each in taken)
    counts = [
        f"{len(taken) - repeats:,} recorded",
        *([f"{repeats:,} known already"] if repeats else []),
        *([f"{len(refused):,} without rows"] if refused else []),
        *([f"{len(wrong):,} refused"] if wrong else []),
    ]
    parts: list[Part] = [Line(text=f"{kind.value}: {', '.join(counts)}")]
    told = [
        *(f"{each.place}: {each.problem}" for each in wrong),
        *(f"{each.place}: {_reason(each.recorded)}" for each in refused),
    ]
    parts += [Note(text=text) for text in told[:_SHOWN_MAX]]
    if len(told) > _SHOWN_MAX:
        parts.append(Note(text=f"and {len(told) - _SHOWN_MAX:,} more: see --json"))
    return CommandResult(
        document={
            "kind": kind.value,
            "recorded": [_taken_json(each) for each in taken],
            "refused": [{"place": each.place, "problem": each.problem} for each in wrong],
        },
        parts=tuple(parts),
        is_finding=bool(wrong or refused),
    )


def _reason(recorded: Recorded) -> str:
    detail = "" if recorded.refusal is None else recorded.refusal.detail
    return f"event {recorded.sequence} is in the ledger, but has no rows: {detail}"


def _taken_json(taken: _Taken) -> JsonValue:
    refusal = taken.recorded.refusal
    return {
        "place": taken.place,
        "id": taken.recorded.id,
        "sequence": taken.recorded.sequence,
        "is_repeat": taken.recorded.is_repeat,
        "refusal": None
        if refusal is None
        else {"reason": refusal.reason, "detail": refusal.detail},
    }


_SAID: Final = {
    HeadVerdict.AGREES: "the head is the log's last receipt",
    HeadVerdict.NO_HEAD: "no outside head: whether receipts are missing at the end is not known",
    HeadVerdict.STALE: "stale head: it is an earlier receipt of the log",
    HeadVerdict.TRUNCATED: "the log was cut off: no receipt in it is the head's",
    HeadVerdict.ALTERED: "a receipt has the head's chain hash and other content",
    HeadVerdict.UNREADABLE: "the head is no receipt",
}


def head(
    workspace: Workspace,
    *,
    log: Annotated[str, Argument(metavar="LOG", help="A log of receipts, compressed or not.")],
    head_file: Annotated[
        str | None, Argument(metavar="HEAD", help="The file that repeats its last record.")
    ] = None,
) -> CommandResult:
    """Hold a log of receipts against a head file that was kept elsewhere.

    The head must be the log's last receipt. An earlier one is a stale head, one that the log does
    not have is a truncated log; both give exit status 1, as does a receipt with a broken seal.
    Without a head, nothing is said of the log's end.
    """
    kept = None if head_file is None else workspace.document(head_file)
    reading = check_head((line.raw for line in workspace.lines(log)), kept)
    lines = [
        Line(text=f"{reading.receipts:,} receipts, {reading.broken:,} with a broken seal"),
        Line(text=_SAID[reading.verdict]),
    ]
    if reading.verdict is HeadVerdict.STALE:
        lines.append(Line(text=f"head: receipt {reading.place:,} of {reading.receipts:,}"))
    is_well = reading.verdict in {HeadVerdict.AGREES, HeadVerdict.NO_HEAD}
    return CommandResult(
        document={
            "verdict": reading.verdict.value,
            "receipts": reading.receipts,
            "broken": reading.broken,
            "head_receipt": reading.place or None,
            "head_hash": reading.head_hash or None,
            "last_hash": reading.last_hash or None,
        },
        parts=tuple(lines),
        is_finding=not is_well or reading.broken > 0,
    )


COMMANDS: Final = (
    PackCommand(
        name="record",
        run=record,
        example="evidentia pipeline record receipt receipts/*.json",
        records=True,
    ),
    PackCommand(
        name="head",
        run=head,
        example="evidentia pipeline head receipt-log.jsonl kept-elsewhere/receipt-head.json",
    ),
)
