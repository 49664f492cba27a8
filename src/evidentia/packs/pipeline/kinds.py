"""The seven kinds of record of the pipeline, and the members that each has.

A record is an event of the pipeline's ledger, whose type is ``pipeline.<kind>.v1`` and whose
payload has the members listed here. Members have the names of the columns. The event keeps each
word as it was stated; in the rows it is one of the column's vocabulary.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from evidentia.errors import UsageError
from evidentia.packs.pipeline import vocabulary
from evidentia.packs.pipeline.members import Member, MemberType
from evidentia.packs.pipeline.vocabulary import Vocabulary

PREFIX: Final = "pipeline."
SUFFIX: Final = ".v1"
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


def _parts(kind: RecordKind) -> tuple[Member, ...]:
    """The members of a record that stands inside a receipt, whose id and time are its own."""
    return tuple(
        replace(member, is_required=False) if member.name == "timestamp" else member
        for member in kind.members
        if member.name != kind.key
    )


def _records(name: str, kind: RecordKind) -> Member:
    return Member(name=name, type=MemberType.RECORDS, parts=_parts(kind), has_column=False)


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
        # Rows of tables of their own, which come and go with the receipt's.
        _records("stages", METRIC),
        _records("slo_violations", SLO),
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
KINDS: Final[Mapping[str, RecordKind]] = {
    kind.name: kind for kind in (RECEIPT, AUDIT, MEMORY, SESSION, COLLISION, METRIC, SLO)
}
BY_EVENT_TYPE: Final = {kind.event_type: kind for kind in KINDS.values()}


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
