"""What a record of the pipeline must hold, and the rows that it becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.errors import RejectionError, UsageError
from evidentia.event.canonical import INTEGER_MAX, canonical_bytes
from evidentia.event.envelope import content_of
from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.tables import LedgerEvent, Refusal, TableRow
from evidentia.packs.pipeline.kinds import KINDS, RecordKind, kind_named
from evidentia.packs.pipeline.mapped_values import MAPPED_VALUES
from evidentia.packs.pipeline.members import Member, MemberType
from evidentia.packs.pipeline.records import (
    MALFORMED,
    UNKNOWN_TYPE,
    UNMAPPED_VALUE,
    draft_of,
    rows_of,
)
from evidentia.packs.pipeline.tables import TABLES
from evidentia.packs.pipeline.vocabulary import OPERATION, STAGE, Rule, Vocabulary

WHEN = "2026-01-29T17:25:27Z"
WHEN_STORED = "2026-01-29T17:25:27.000000Z"
RECORDED = "2026-02-01T00:00:00.000001Z"
RECEIPT: JsonObject = {
    "execution_id": "exec-1",
    "agent_id": "agent-1",
    "operation": "generation",
    "status": "passed",
    "timestamp": WHEN,
    "duration_ms": 2000,
}
SESSION: JsonObject = {
    "session_id": "s",
    "start_time": WHEN,
    "status": "running",
    "agent_count": 2,
}
MEMORY: JsonObject = {"agent_id": "agent-1", "memory_json": {"state": "on"}}
SLO: JsonObject = {
    "execution_id": "exec-1",
    "metric": "first_build_seconds",
    "target_value": 15,
    "actual_value": 16.5,
    "severity": "warning",
    "timestamp": WHEN,
}
STAGED: JsonObject = {"stage": "μ₁_normalize", "status": "completed", "duration_ms": 400}


def _typed(event_type: str, payload: JsonValue) -> LedgerEvent:
    return LedgerEvent(
        sequence=7,
        id="e-7",
        event_type=event_type,
        observed_at=WHEN_STORED,
        recorded_at=RECORDED,
        payload=payload,
    )


def _event(kind: str, payload: JsonValue) -> LedgerEvent:
    return _typed(KINDS[kind].event_type, payload)


def _rows(kind: str, payload: JsonObject) -> tuple[TableRow, ...]:
    rows = rows_of(_event(kind, payload))
    assert not isinstance(rows, Refusal), rows
    return rows


def _refusal(kind: str, payload: JsonValue) -> Refusal:
    refusal = rows_of(_event(kind, payload))
    assert isinstance(refusal, Refusal)
    return refusal


def test_a_receipt_becomes_a_row() -> None:
    """Each member has its column; what is not there has the table's default."""
    (row,) = _rows("receipt", RECEIPT)

    assert row == TableRow(
        table="receipts",
        values={
            **RECEIPT,
            "timestamp": WHEN_STORED,
            "manifest_hash": None,
            "ontology_hash": None,
            "files_generated": 0,
            "files_modified": 0,
            "receipt_json": canonical_bytes(RECEIPT).decode(),
            "error_message": None,
            "environment": None,
        },
    )


def test_the_latest_memory_takes_the_place_of_the_last() -> None:
    """Every column is named, so that nothing of an earlier state stays behind; it is kept aside."""
    row, former = _rows("memory", MEMORY)

    assert (row.table, former.table) == ("agent_memory", "agent_memory_history")
    assert row.values == former.values
    assert row.values == {
        "agent_id": "agent-1",
        "memory_json": '{"state":"on"}',
        "collision_history": None,
        "retry_count": 0,
        "last_error": None,
    }


def test_a_real_column_gets_a_real_number() -> None:
    """An integer in a REAL column would make two digests of one value."""
    (row,) = _rows("slo", SLO)

    assert repr(row.values["target_value"]) == "15.0"


@pytest.mark.parametrize(
    ("stated", "stored", "rule"),
    [
        ("generation", "generation", None),
        ("Generation", "generation", Rule.SPELLING),
        ("dry-run", "dry_run", Rule.SPELLING),
        ("dry run", "dry_run", Rule.SPELLING),
        ("test", "validation", Rule.SYNONYM),
        ("error-recovery", "generation", Rule.SYNONYM),
        ("error_recovery", "generation", Rule.SYNONYM),
    ],
)
def test_an_operation_is_mapped_by_rule(stated: str, stored: str, rule: Rule | None) -> None:
    """The row has a word of the table; what was stated stands beside it (SC-04)."""
    row, *mapped = _rows("receipt", {**RECEIPT, "operation": stated})

    assert row.values["operation"] == stored
    assert f'"operation":"{stated}"' in str(row.values["receipt_json"])
    assert [each.values for each in mapped] == (
        []
        if rule is None
        else [
            {
                "table_name": "receipts",
                "row_key": "exec-1",
                "column_name": "operation",
                "stated_value": stated,
                "stored_value": stored,
                "rule": rule.value,
            }
        ]
    )


@pytest.mark.parametrize(
    "stated", ["µ₁_normalize", "μ1_normalize", "Μ₁_Normalize", "mu1_normalize", "normalize"]
)
def test_a_stage_keeps_its_greek_name(stated: str) -> None:
    """However the letter and the digit are typed, the table holds the one name."""
    found = STAGE.find(stated)

    assert found is not None
    assert found.value == "μ₁_normalize"


def _vocabularies() -> list[Vocabulary]:
    return [
        member.vocabulary
        for kind in KINDS.values()
        for member in kind.members
        if member.vocabulary is not None
    ]


@pytest.mark.parametrize("words", _vocabularies(), ids=str)
def test_every_synonym_is_found_and_leads_to_a_word(words: Vocabulary) -> None:
    """No rule leads out of a vocabulary, and none is out of reach."""
    for synonym, value in words.synonyms.items():
        found = words.find(synonym)
        assert found is not None
        assert (found.value, found.rule) == (value, Rule.SYNONYM)
        assert value in words.values


def test_a_word_that_no_rule_maps_is_refused_with_its_name() -> None:
    """The ledger takes the record all the same; the database says why there is no row."""
    payload = {**RECEIPT, "operation": "deploy", "status": "exploded"}

    assert draft_of(KINDS["receipt"], payload).payload == payload
    refusal = _refusal("receipt", payload)
    assert refusal.reason == UNMAPPED_VALUE
    assert refusal.detail == (
        f"operation 'deploy' is none of {OPERATION}, and no rule maps it; "
        "status 'exploded' is none of passed, failed, partial, cancelled, and no rule maps it"
    )


@pytest.mark.parametrize(
    ("kind", "payload", "problem"),
    [
        ("receipt", [1], "the record is an array and no object"),
        ("receipt", {**RECEIPT, "duration_ms": "2000"}, "duration_ms is '2000', not a whole"),
        ("receipt", {**RECEIPT, "duration_ms": 1.5}, "duration_ms is 1.5, not a whole number"),
        ("receipt", {**RECEIPT, "duration_ms": True}, "duration_ms is true, not a whole number"),
        ("receipt", {**RECEIPT, "duration_ms": -1}, "duration_ms is -1, not a whole number"),
        ("receipt", {**RECEIPT, "duration_ms": 2**53}, "duration_ms is a number beyond 2^53"),
        ("receipt", {**RECEIPT, "duration_ms": None}, "duration_ms is missing"),
        ("receipt", {**RECEIPT, "timestamp": "yesterday"}, "timestamp is 'yesterday', not a time"),
        ("receipt", {**RECEIPT, "timestamp": "1769707527"}, "timestamp is '1769707527', not a"),
        ("receipt", {**RECEIPT, "timestamp": 1769707527}, "timestamp is 1769707527, not a time"),
        ("receipt", {**RECEIPT, "timestamp": "2026-01-29 17:25:27"}, "timestamp is '2026-01-29 17"),
        ("receipt", {**RECEIPT, "receipt_json": "{}"}, "receipt_json is '{}', not an object"),
        ("receipt", {**RECEIPT, "agent_id": ""}, "agent_id is '', not a text of 1 to 256"),
        ("receipt", {**RECEIPT, "agent_id": " "}, "agent_id is ' ', not a text of 1 to 256"),
        ("receipt", {**RECEIPT, "agent_id": "a\nb"}, r"agent_id is 'a\nb', not a text of 1 to 256"),
        ("receipt", {**RECEIPT, "agent_id": "x" * 300}, "…, not a text of 1 to 256"),
        ("receipt", {**RECEIPT, "agent": "a"}, "'agent' is no member of such a record; did you"),
        ("receipt", {**RECEIPT, "error_message": "\0"}, r"error_message is '\x00', not a text"),
        ("receipt", {**RECEIPT, "error_message": "\ud800"}, r"error_message is '\ud800', not a"),
        ("receipt", {**RECEIPT, "receipt_json": {"a": "\0"}}, "receipt_json is an object, not an"),
        ("receipt", {**RECEIPT, "receipt_json": {"a": 2**60}}, "receipt_json is an object, not an"),
        ("receipt", {**RECEIPT, "measurements": {"a": "b"}}, "measurements is an object, not an"),
        ("receipt", {**RECEIPT, "stages": {}}, "stages is an object, not an array of objects"),
        ("receipt", {**RECEIPT, "stages": [1]}, "stages is an array, not an array of objects"),
        ("receipt", {**RECEIPT, "stages": [{**STAGED, "stage": 1}]}, "stages[0].stage is 1, not"),
        ("receipt", {**RECEIPT, "stages": [STAGED, {}]}, "stages[1].status is missing"),
        ("receipt", {**RECEIPT, "stages": [{"x": 1}]}, "stages[0].'x' is no member of such a"),
        ("memory", {"agent_id": "a"}, "memory_json is missing"),
        ("slo", {**SLO, "actual_value": float("nan")}, "actual_value is nan, not a finite number"),
        ("slo", {**SLO, "actual_value": False}, "actual_value is false, not a finite number"),
    ],
)
def test_a_member_is_what_it_must_be(kind: str, payload: JsonValue, problem: str) -> None:
    """SC-03: the door refuses it by name, and so does the projection of what came otherwise."""
    with pytest.raises(RejectionError) as refusal:
        draft_of(KINDS[kind], payload)

    assert problem in refusal.value.what
    assert problem in _refusal(kind, payload).detail
    assert _refusal(kind, payload).reason == MALFORMED


def test_all_problems_are_told_at_once() -> None:
    """Nobody mends a record one message at a time."""
    payload = {**RECEIPT, "status": None, "duration_ms": "1", "manifest": "x"}

    assert _refusal("receipt", payload).detail == (
        "'manifest' is no member of such a record; did you mean manifest_hash?; "
        "status is missing; duration_ms is '1', not a whole number from 0 to 2^53 - 1"
    )


def test_a_text_that_only_spells_a_zero_is_kept() -> None:
    r"""A backslash before ``u0000`` is text, not U+0000."""
    rows = _rows("receipt", {**RECEIPT, "error_message": "\\u0000"})

    assert rows[0].values["error_message"] == "\\u0000"


def test_events_of_others_become_no_rows() -> None:
    """The ledger's own events, and those of another domain, are none of the pipeline's."""
    for event_type in ("evidentia.ledger.created", "build.started", "pipelines.receipt.v1"):
        assert rows_of(_typed(event_type, {})) == ()


def test_an_unknown_record_is_refused_by_its_type() -> None:
    """A later version is not read as if it were this one."""
    refusal = rows_of(_typed("pipeline.receipt.v2", {}))

    assert refusal == Refusal(
        reason=UNKNOWN_TYPE, detail="there is no record 'pipeline.receipt.v2'"
    )


def test_a_kind_is_found_by_its_name() -> None:
    """A mistyped kind is answered with the nearest."""
    assert kind_named("receipt") is KINDS["receipt"]
    with pytest.raises(UsageError) as refusal:
        kind_named("reciept")
    assert refusal.value.fix == "did you mean receipt?"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_record_fits_its_table(kind: RecordKind) -> None:
    """Every column is a member or stamped, with the same words and the same need of a value."""
    table = next(table for table in TABLES if table.name == kind.table)
    columns = {column.name: column for column in table.columns if column.stamp is None}

    members = {member.name: member for member in kind.members if member.has_column}

    assert members.keys() == columns.keys()
    for name, member in members.items():
        assert member.is_required == columns[name].is_required, name
        assert member.default == columns[name].default, name
        words = () if member.vocabulary is None else member.vocabulary.values
        assert words == columns[name].values, name


def test_only_states_are_ever_changed() -> None:
    """A second receipt with the same id is never put in the place of the first (RR-16)."""
    states = {table.name for table in TABLES if table.state_key}

    assert states == {"agent_memory", "workflow_sessions"}


_NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20
)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
_COUNTS = st.integers(min_value=0, max_value=INTEGER_MAX)
_TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda when: when.isoformat())
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)
_VALUES: dict[MemberType, st.SearchStrategy[object]] = {
    MemberType.NAME: _NAMES,
    MemberType.TEXT: _TEXTS,
    MemberType.COUNT: _COUNTS,
    MemberType.NUMBER: st.floats(-1e15, 1e15) | _COUNTS,
    MemberType.TIME: _TIMES,
    MemberType.TIMESTAMP: _TIMES,
    MemberType.JSON: st.dictionaries(_TEXTS, _JSON, max_size=3) | st.lists(_JSON, max_size=3),
    MemberType.RECORDS: st.just([]),
    MemberType.NUMBERS: st.dictionaries(_NAMES, _COUNTS, max_size=3),
}


def _value(member: Member) -> st.SearchStrategy[object]:
    words = member.vocabulary
    return _VALUES[member.type] if words is None else st.sampled_from(words.values)


@st.composite
def _payloads(draw: st.DrawFn, kind: RecordKind) -> JsonObject:
    payload = {
        member.name: draw(_value(member))
        for member in kind.members
        if member.is_required or draw(st.booleans())
    }
    return cast("JsonObject", payload)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
@given(data=st.data())
def test_a_record_comes_back_from_its_rows(kind: RecordKind, data: st.DataObject) -> None:
    """What was recorded is in the row as it was, times and JSON in their one form."""
    payload = data.draw(_payloads(kind))

    draft = draft_of(kind, payload)
    content_of(draft)
    rows = rows_of(_typed(draft.event_type, draft.payload))

    assert not isinstance(rows, Refusal), rows
    former = ["agent_memory_history"] if kind.name == "memory" else []
    assert [row.table for row in rows] == [kind.table, *former]
    columns = {member.name for member in kind.members if member.has_column}
    if kind.is_partial:
        columns &= payload.keys()
    assert rows[0].values.keys() == columns
    for member in kind.members:
        if member.has_column and payload.get(member.name) is not None:
            _assert_same(member, rows[0].values[member.name], payload[member.name])


def _assert_same(member: Member, stored: object, stated: JsonValue) -> None:
    if member.type is MemberType.JSON:
        assert stored == canonical_bytes(stated).decode()
    elif member.type in (MemberType.TIME, MemberType.TIMESTAMP):
        assert isinstance(stored, str)
        assert isinstance(stated, str)
        zoned = stored if member.type is MemberType.TIME else f"{stored}+00:00"
        assert len(stored.rstrip("Z")) == len("2026-01-29 17:25:27.000000")
        assert datetime.fromisoformat(zoned) == datetime.fromisoformat(stated)
    else:
        assert stored == stated


@given(
    kind=st.sampled_from([*KINDS.values()]),
    payload=st.dictionaries(
        st.sampled_from([member.name for kind in KINDS.values() for member in kind.members])
        | st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.text(max_size=3), inner, max_size=2)
            ),
            max_leaves=4,
        ),
    ),
)
def test_whatever_is_recorded_is_rows_or_a_refusal(kind: RecordKind, payload: JsonObject) -> None:
    """Nothing raises, and what the door lets in is refused for its words only."""
    outcome = rows_of(_event(kind.name, payload))

    try:
        draft_of(kind, payload)
    except RejectionError:
        assert isinstance(outcome, Refusal)
    else:
        assert not isinstance(outcome, Refusal) or outcome.reason == UNMAPPED_VALUE


def test_mapped_values_are_told_for_every_kind_with_words() -> None:
    """A stage's status ``completed`` becomes ``passed``, and that is told too."""
    payload: JsonObject = {
        "execution_id": "exec-1",
        "stage": "normalize",
        "status": "completed",
        "duration_ms": 400,
        "timestamp": WHEN,
    }

    row, *mapped = _rows("metric", payload)

    assert (row.values["stage"], row.values["status"]) == ("μ₁_normalize", "passed")
    assert [
        (each.table, each.values["column_name"], each.values["stated_value"]) for each in mapped
    ] == [(MAPPED_VALUES.name, "stage", "normalize"), (MAPPED_VALUES.name, "status", "completed")]


def test_a_session_that_ended_keeps_what_it_does_not_name_again() -> None:
    """A session is recorded when it begins and when it ends; times are as SQL writes them."""
    (row,) = _rows("session", {**SESSION, "status": "completed", "end_time": WHEN})

    assert row.values == {
        "session_id": "s",
        "start_time": "2026-01-29 17:25:27.000000",
        "end_time": "2026-01-29 17:25:27.000000",
        "status": "completed",
        "agent_count": 2,
    }


def test_the_stages_of_a_receipt_come_and_go_with_it() -> None:
    """They are rows of one event: a receipt that is refused leaves none of them behind."""
    payload: JsonObject = {
        **RECEIPT,
        "stages": [STAGED, {**STAGED, "stage": "emit", "timestamp": "2026-01-29T18:00:00+01:00"}],
        "slo_violations": [
            {"metric": "m", "target_value": 1, "actual_value": 2, "severity": "warning"}
        ],
    }

    rows = _rows("receipt", payload)

    told = [(row.table, row.values.get("column_name")) for row in rows]
    assert told == [
        ("receipts", None),
        ("pipeline_metrics", None),
        ("mapped_values", "status"),
        ("pipeline_metrics", None),
        ("mapped_values", "stage"),
        ("mapped_values", "status"),
        ("slo_violations", None),
    ]
    assert {row.values.get("execution_id", "exec-1") for row in rows} == {"exec-1"}
    assert [row.values["timestamp"] for row in rows if "timestamp" in row.values] == [
        WHEN_STORED,
        WHEN_STORED,
        "2026-01-29T17:00:00.000000Z",
        WHEN_STORED,
    ]


def test_an_unmapped_stage_names_its_place() -> None:
    """The reason leads to the one stage among many."""
    payload = {**RECEIPT, "stages": [STAGED, {**STAGED, "stage": "μ₆_ship"}]}

    refusal = _refusal("receipt", payload)

    assert refusal.reason == UNMAPPED_VALUE
    assert refusal.detail.startswith("stages[1].stage 'μ₆_ship' is none of μ₁_normalize, ")
