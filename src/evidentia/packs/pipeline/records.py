"""What the pipeline records: seven kinds of event, and the rows of the tables that each becomes.

A record is an event of the pipeline's ledger, whose type is ``pipeline.<kind>.v1`` and whose
payload has the members listed here. Members have the names of the columns. The event keeps each
word as it was stated; in the rows it is one of the column's vocabulary.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from evidentia.errors import RejectionError, UsageError
from evidentia.event.envelope import Draft
from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.tables import Cell, LedgerEvent, Refusal, TableRow
from evidentia.packs.pipeline import vocabulary
from evidentia.packs.pipeline.mapped_values import MAPPED_VALUES
from evidentia.packs.pipeline.members import (
    Member,
    MemberType,
    json_text,
    problems_of,
    time_text,
    timestamp_text,
)
from evidentia.packs.pipeline.vocabulary import Rule, Vocabulary

PREFIX: Final = "pipeline."
SUFFIX: Final = ".v1"
UNKNOWN_TYPE: Final = "unknown_type"
MALFORMED: Final = "malformed"
UNMAPPED_VALUE: Final = "unmapped_value"

BUILDS: Final = Vocabulary(values=("first", "incremental"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKind:
    """A kind of record.

    Attributes:
        name: As ``pipeline record`` takes it.
        title: One phrase for people.
        table: The table whose rows it makes.
        key: The column that names the row; it is what a mapped value is told by.
        is_partial: Whether a later record with the same key leaves the columns that it does not
            name. Whether it may come at all is for the table to say.
        members: What its payload has.
    """

    name: str
    title: str
    table: str
    key: str
    is_partial: bool = False
    members: tuple[Member, ...]

    @property
    def event_type(self) -> str:
        """The type of its events."""
        return f"{PREFIX}{self.name}{SUFFIX}"


def _name(name: str, vocabulary: Vocabulary | None = None, *, is_required: bool = True) -> Member:
    return Member(name=name, type=MemberType.NAME, is_required=is_required, vocabulary=vocabulary)


def _count(name: str, *, is_required: bool = False, default: int | None = None) -> Member:
    return Member(name=name, type=MemberType.COUNT, is_required=is_required, default=default)


def _text(name: str, *, is_required: bool = False) -> Member:
    return Member(name=name, type=MemberType.TEXT, is_required=is_required)


def _json(name: str, *, is_required: bool = False) -> Member:
    return Member(name=name, type=MemberType.JSON, is_required=is_required)


_TIMESTAMP: Final = Member(name="timestamp", type=MemberType.TIME, is_required=True)


RECEIPT: Final = RecordKind(
    name="receipt",
    title="What came out of one execution",
    table="receipts",
    key="execution_id",
    members=(
        _name("execution_id"),
        _name("agent_id"),
        _name("operation", vocabulary.OPERATION),
        _name("status", vocabulary.RECEIPT_STATUS),
        _TIMESTAMP,
        _count("duration_ms", is_required=True),
        _name("manifest_hash", is_required=False),
        _name("ontology_hash", is_required=False),
        _count("files_generated", default=0),
        _count("files_modified", default=0),
        _json("receipt_json"),
        _text("error_message"),
        _name("environment", is_required=False),
        # What the rules on service levels look at; the tables have no columns for them.
        Member(name="build", type=MemberType.NAME, vocabulary=BUILDS, has_column=False),
        Member(name="measurements", type=MemberType.NUMBERS, has_column=False),
    ),
)
AUDIT: Final = RecordKind(
    name="audit",
    title="One step of an agent",
    table="audit_log",
    key="agent_id",
    members=(
        _TIMESTAMP,
        _name("agent_id"),
        Member(name="operation", type=MemberType.TEXT, is_required=True),
        _name("status", vocabulary.AUDIT_STATUS),
        _count("duration_ms"),
        _text("error_message"),
        _json("context_json"),
    ),
)
MEMORY: Final = RecordKind(
    name="memory",
    title="The state of an agent, which takes the place of its last one",
    table="agent_memory",
    key="agent_id",
    members=(
        _name("agent_id"),
        _json("memory_json", is_required=True),
        _json("collision_history"),
        _count("retry_count", default=0),
        _text("last_error"),
    ),
)
SESSION: Final = RecordKind(
    name="session",
    title="A run of several agents, as it begins or as it ends",
    table="workflow_sessions",
    key="session_id",
    is_partial=True,
    members=(
        _name("session_id"),
        Member(name="start_time", type=MemberType.TIMESTAMP, is_required=True),
        Member(name="end_time", type=MemberType.TIMESTAMP),
        _name("status", vocabulary.SESSION_STATUS),
        _count("agent_count", is_required=True),
        _count("total_duration_ms"),
        _count("successful_operations", default=0),
        _count("failed_operations", default=0),
        _json("context_json"),
    ),
)
COLLISION: Final = RecordKind(
    name="collision",
    title="A conflict of two agents in a session",
    table="collision_detection",
    key="session_id",
    members=(
        _name("session_id"),
        _name("agent_id_1"),
        _name("agent_id_2"),
        _name("collision_type", vocabulary.COLLISION_TYPE),
        _text("description", is_required=True),
        _text("resolution"),
        _name("severity", vocabulary.COLLISION_SEVERITY),
        _TIMESTAMP,
    ),
)
METRIC: Final = RecordKind(
    name="metric",
    title="One stage of an execution",
    table="pipeline_metrics",
    key="execution_id",
    members=(
        _name("execution_id"),
        _name("stage", vocabulary.STAGE),
        _count("duration_ms", is_required=True),
        _count("input_size_bytes"),
        _count("output_size_bytes"),
        _name("status", vocabulary.STAGE_STATUS),
        _text("error_message"),
        _TIMESTAMP,
    ),
)
SLO: Final = RecordKind(
    name="slo",
    title="A service level that an execution missed",
    table="slo_violations",
    key="execution_id",
    members=(
        _name("execution_id"),
        _name("metric"),
        Member(name="target_value", type=MemberType.NUMBER, is_required=True),
        Member(name="actual_value", type=MemberType.NUMBER, is_required=True),
        _name("severity", vocabulary.SLO_SEVERITY),
        _text("description"),
        _TIMESTAMP,
    ),
)
KINDS: Final[Mapping[str, RecordKind]] = {
    kind.name: kind for kind in (RECEIPT, AUDIT, MEMORY, SESSION, COLLISION, METRIC, SLO)
}
_BY_EVENT_TYPE: Final = {kind.event_type: kind for kind in KINDS.values()}


def kind_named(name: str) -> RecordKind:
    """The kind of a name.

    Raises:
        UsageError: There is none.
    """
    if name in KINDS:
        return KINDS[name]
    near = difflib.get_close_matches(name, KINDS, n=1)
    raise UsageError(
        f"there is no record {name!r}",
        fix=f"did you mean {near[0]}?" if near else f"name one of {', '.join(KINDS)}",
    )


def draft_of(kind: RecordKind, payload: JsonValue, *, event_id: str | None = None) -> Draft:
    """The event of a record, which keeps its words as they are.

    A word that no rule maps is no reason to refuse it here: the ledger keeps it, and the database
    says why no row came of it.

    Raises:
        RejectionError: The payload has no such members. All its problems are in the one error.
    """
    problems = problems_of(payload, kind.members)
    if problems or not isinstance(payload, dict):
        raise RejectionError(
            "; ".join(problems),
            where=f"{kind.name} record",
            fix=f"see 'evidentia pipeline record {kind.name} --help' for its members",
        )
    stated = payload.get("timestamp")
    return Draft(
        event_type=kind.event_type,
        # A member without a value says the same as one that is not there.
        payload={name: value for name, value in payload.items() if value is not None},
        id=event_id,
        observed_at=stated if isinstance(stated, str) else None,
    )


def rows_of(event: LedgerEvent) -> tuple[TableRow, ...] | Refusal:
    """The rows that an event of the ledger becomes, or why it becomes none.

    An event of another program, or of the ledger itself, becomes no rows. Whether a key is taken or
    refers to nothing is for the database to say.
    """
    if not event.event_type.startswith(PREFIX):
        return ()
    kind = _BY_EVENT_TYPE.get(event.event_type)
    if kind is None:
        return Refusal(reason=UNKNOWN_TYPE, detail=f"there is no record {event.event_type!r}")
    payload = event.payload
    problems = problems_of(payload, kind.members)
    if problems or not isinstance(payload, dict):
        return Refusal(reason=MALFORMED, detail="; ".join(problems))
    unknown = "; ".join(_word_problems(payload, kind))
    if unknown:
        return Refusal(reason=UNMAPPED_VALUE, detail=unknown)
    values = _columns(payload, kind)
    row = TableRow(table=kind.table, values=values)
    return (row, *_mapped_values(payload, kind, values))


def _columns(payload: JsonObject, kind: RecordKind) -> dict[str, Cell]:
    """A checked payload by column."""
    values = {
        member.name: _cell(member, payload.get(member.name))
        for member in kind.members
        if member.has_column and not (kind.is_partial and payload.get(member.name) is None)
    }
    if kind is RECEIPT and values["receipt_json"] is None:
        values["receipt_json"] = json_text(payload)
    return values


def _word_problems(payload: JsonObject, kind: RecordKind) -> Iterator[str]:
    for member, stated in _words(payload, kind):
        if member.vocabulary is not None and member.vocabulary.find(stated) is None:
            yield f"{member.name} {stated!r} is none of {member.vocabulary}, and no rule maps it"


def _words(payload: JsonObject, kind: RecordKind) -> Iterator[tuple[Member, str]]:
    """The members with a vocabulary, each with the word that is stated for it."""
    for member in kind.members:
        stated = payload.get(member.name)
        if member.vocabulary is not None and isinstance(stated, str):
            yield member, stated


def _cell(member: Member, value: JsonValue) -> Cell:
    """A checked member as its column holds it."""
    if value is None:
        return member.default
    if isinstance(value, str):
        return _text_cell(member, value)
    if isinstance(value, dict | list):
        return json_text(value)
    # The column is REAL, and an integer there would be another value to a digest.
    return float(value) if member.type is MemberType.NUMBER else value


def _text_cell(member: Member, value: str) -> str:
    if member.type is MemberType.TIME:
        return time_text(value)
    if member.type is MemberType.TIMESTAMP:
        return timestamp_text(value)
    word = None if member.vocabulary is None else member.vocabulary.find(value)
    return value if word is None else word.value


def _mapped_values(
    payload: JsonObject, kind: RecordKind, values: Mapping[str, Cell]
) -> Iterator[TableRow]:
    for member, stated in _words(payload, kind):
        word = member.vocabulary.find(stated) if member.vocabulary is not None else None
        if word is not None and word.rule is not Rule.AS_STATED and member.has_column:
            yield TableRow(
                table=MAPPED_VALUES.name,
                values={
                    "table_name": kind.table,
                    "row_key": values[kind.key],
                    "column_name": member.name,
                    "stated_value": stated,
                    "stored_value": word.value,
                    "rule": word.rule.value,
                },
            )
