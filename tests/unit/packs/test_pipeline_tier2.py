"""Receipt documents of the generator, read as records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evidentia.errors import RejectionError
from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.tables import LedgerEvent, Refusal, TableRow
from evidentia.packs.pipeline.kinds import RECEIPT
from evidentia.packs.pipeline.records import draft_of, rows_of
from evidentia.packs.pipeline.tier2 import event_id_of, is_document, payload_of

STAGES = ("μ₁_normalize", "μ₂_extract", "μ₃_emit", "μ₄_canonicalize", "μ₅_receipt")
MANIFEST, ONTOLOGY = "11" * 32, "22" * 32


def _document(**changes: JsonValue) -> JsonObject:
    receipt: JsonObject = {
        "execution_id": "exec-1",
        "agent_id": "agent-1",
        "operation": "error-recovery",
        "status": "passed",
        "timestamp": "2026-01-29T17:25:46Z",
        "hashes": {"manifest": MANIFEST, "ontology": ONTOLOGY},
        "files_generated": 47,
        "files_modified": 12,
        "pipeline_stages": {
            name: {"status": "completed", "duration_ms": 100 * number}
            for number, name in enumerate(STAGES, start=1)
        },
        "total_duration_ms": 2000,
        "determinism_guarantee": True,
    }
    return {"receipt": {**receipt, **changes}}


def _rows(document: JsonValue) -> tuple[TableRow, ...] | Refusal:
    draft = draft_of(RECEIPT, payload_of(document), event_id=event_id_of(document))
    return rows_of(
        LedgerEvent(
            sequence=1,
            id=draft.id or "",
            event_type=draft.event_type,
            observed_at="2026-02-01T00:00:00Z",
            recorded_at="2026-02-01T00:00:00Z",
            payload=draft.payload,
        )
    )


def test_a_document_becomes_one_receipt_with_its_stages() -> None:
    """Each member is where the tables have it; the document is kept word for word."""
    document = _document()

    rows = _rows(document)

    assert not isinstance(rows, Refusal)
    receipt = rows[0].values
    assert receipt["duration_ms"] == 2000
    assert (receipt["manifest_hash"], receipt["ontology_hash"]) == (MANIFEST, ONTOLOGY)
    assert (receipt["files_generated"], receipt["files_modified"]) == (47, 12)
    assert receipt["operation"] == "generation"
    assert json.loads(str(receipt["receipt_json"])) == document
    metrics = [row.values for row in rows if row.table == "pipeline_metrics"]
    assert [(row["stage"], row["status"], row["duration_ms"]) for row in metrics] == [
        (name, "passed", 100 * number) for number, name in enumerate(STAGES, start=1)
    ]
    assert {row["timestamp"] for row in metrics} == {"2026-01-29T17:25:46.000000Z"}
    mapped = [row.values for row in rows if row.table == "mapped_values"]
    assert [row["stated_value"] for row in mapped] == ["error-recovery", *["completed"] * 5]


def test_a_guarantee_of_determinism_is_no_fact() -> None:
    """CT-02: no column has it; it is only in the text that the document is."""
    with_claim, without = _rows(_document()), _rows(_document(determinism_guarantee=False))

    assert not isinstance(with_claim, Refusal)
    assert not isinstance(without, Refusal)
    for row, other in zip(with_claim, without, strict=True):
        assert {**row.values, "receipt_json": None} == {**other.values, "receipt_json": None} or (
            row.table != "receipts" and row.values == other.values
        )
    assert "determinism_guarantee" not in with_claim[0].values


def test_a_document_is_recorded_once() -> None:
    """Read again it has the id it had, however it is laid out; another document has another."""
    document = _document()

    again = json.loads(json.dumps(document, indent=8, sort_keys=True))

    assert event_id_of(document) == event_id_of(again)
    assert event_id_of(document) != event_id_of(_document(files_generated=48))


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "receipt is no object"),
        ({"receipt": 1}, "receipt is no object"),
        (_document(hashes=[]), "hashes is no object"),
        (_document(pipeline_stages=[]), "pipeline_stages is no object"),
        (_document(pipeline_stages={"μ₁_normalize": 1}), "μ₁_normalize is no object"),
        (_document(total_duration_ms="2 s"), "duration_ms is '2 s', not a whole number"),
        (_document(total_duration_ms=None), "duration_ms is missing"),
        (_document(pipeline_stages={"x": {}}), "stages[0].status is missing"),
    ],
)
def test_what_is_no_such_document_is_refused(document: JsonValue, problem: str) -> None:
    """The reason names the part; the file stays with whoever has it."""
    with pytest.raises(RejectionError) as refusal:
        draft_of(RECEIPT, payload_of(document))

    assert problem in refusal.value.what


@pytest.mark.parametrize("left_out", ["hashes", "pipeline_stages"])
def test_a_document_may_leave_parts_out(left_out: str) -> None:
    """A receipt without hashes or stages is a receipt."""
    rows = _rows(_document(**{left_out: None}))

    assert not isinstance(rows, Refusal)


def test_a_record_is_no_document() -> None:
    """The command tells one from the other by the member ``receipt``."""
    assert is_document(_document())
    assert not is_document({"execution_id": "exec-1"})
    assert not is_document([])


def test_the_real_receipts_load(shared_data: Path) -> None:
    """SC-04: seven receipts and 35 stages have their rows; what was mapped is told."""
    tables: dict[str, int] = {}
    stated: set[object] = set()
    for path in sorted((shared_data / "pipeline" / "tier2-receipts").glob("*.json")):
        rows = _rows(json.loads(path.read_bytes()))
        assert not isinstance(rows, Refusal), rows
        for row in rows:
            tables[row.table] = tables.get(row.table, 0) + 1
            stated.add(row.values.get("stated_value"))

    # Four operations and 35 times the status of a stage.
    assert tables == {"receipts": 7, "pipeline_metrics": 35, "mapped_values": 39}
    assert stated == {None, "completed", "error-recovery", "test"}
