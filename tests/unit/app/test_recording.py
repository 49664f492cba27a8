"""What a program records with: a ledger, the tables made of it, and the pack's interface."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

import evidentia
from evidentia.app import load_config
from evidentia.app.recording import DeskRecorder, open_recorder
from evidentia.errors import (
    DuplicateIdError,
    LedgerHeldError,
    RejectionError,
    StoreError,
    UsageError,
)
from evidentia.event.values import JsonObject
from evidentia.packs.pipeline.execution import Pipeline
from evidentia.store.values import SqlValue

RECEIPT: JsonObject = {
    "execution_id": "exec-1",
    "agent_id": "agent-1",
    "operation": "generation",
    "status": "passed",
    "timestamp": "2026-01-29T10:00:00Z",
    "duration_ms": 20,
}


def _recorder(folder: Path) -> DeskRecorder:
    return open_recorder("pipeline", folder / "pipeline.db")


def _rows(recorder: DeskRecorder, table: str) -> list[tuple[SqlValue, ...]]:
    with recorder.desk.store.reading() as reader:
        return [*reader.rows(table)]


def test_database_and_ledger_are_made_where_there_are_none(tmp_path: Path) -> None:
    """The ledger lies beside the database and is called like it; a second opening adds to both."""
    _recorder(tmp_path)
    evidentia.open_pipeline(tmp_path / "pipeline.db").record("receipt", RECEIPT)

    assert (tmp_path / "pipeline.ledger").is_dir()
    assert len(_rows(_recorder(tmp_path), "receipts")) == 1


def test_an_execution_ends_in_ledger_and_tables(tmp_path: Path) -> None:
    """The whole way: stages, audit rows, a block that raises, a missed service level."""
    recorder = _recorder(tmp_path)
    pipeline = Pipeline(recorder)

    def work() -> None:
        with pipeline.execution(agent_id="agent-1", operation="sync", build="first") as run:
            run.measure(memory_bytes=10**9)
            with run.stage("μ₁_normalize"):
                raise ValueError("no such ontology")

    with pytest.raises(ValueError, match="ontology"):
        work()

    ((_, _, _, operation, status, *_),) = _rows(recorder, "receipts")
    assert (operation, status) == ("generation", "failed")
    ((_, _, stage, _, _, _, stage_status, message, *_),) = _rows(recorder, "pipeline_metrics")
    assert (stage, stage_status) == ("μ₁_normalize", "failed")
    assert message == "ValueError: no such ontology"
    assert [row[4] for row in _rows(recorder, "audit_log")] == ["started", "failed"]
    assert [row[2] for row in _rows(recorder, "slo_violations")] == ["memory_megabytes"]
    assert [row[3:6] for row in _rows(recorder, "mapped_values")] == [
        ("operation", "sync", "generation")
    ]
    assert recorder.desk.check().is_well


def test_a_taken_execution_id_is_refused_and_told(tmp_path: Path) -> None:
    """RR-16: the first receipt stays; the second is in the ledger, with the reason."""
    pipeline = Pipeline(_recorder(tmp_path))
    pipeline.record("receipt", RECEIPT)

    second = pipeline.record("receipt", {**RECEIPT, "status": "failed"})

    assert second.refusal is not None
    assert second.refusal.reason == "duplicate"
    assert [row[4] for row in _rows(_recorder(tmp_path), "receipts")] == ["passed"]
    with pytest.raises(RejectionError, match="is in the ledger, but not in the tables"):
        pipeline.execution(
            agent_id="a", operation="watch", execution_id="exec-1"
        ).__enter__().__exit__(None, None, None)


def test_an_event_with_an_id_is_recorded_once(tmp_path: Path) -> None:
    """A retry is acknowledged again; another content under the id is refused."""
    recorder = _recorder(tmp_path)
    pipeline = Pipeline(recorder)
    draft = pipeline.draft("receipt", RECEIPT, "receipt-1")

    (first,) = recorder.record([draft])
    (again,) = recorder.record([draft])

    assert (first.is_repeat, again.is_repeat) == (False, True)
    assert first.sequence == again.sequence
    assert len(_rows(recorder, "receipts")) == 1
    with pytest.raises(DuplicateIdError):
        recorder.record([pipeline.draft("receipt", {**RECEIPT, "duration_ms": 1}, "receipt-1")])


def test_threads_share_a_recorder(tmp_path: Path) -> None:
    """Each of their records is there once, and none had to try again."""
    pipeline = Pipeline(_recorder(tmp_path))
    names = [f"exec-{number}" for number in range(12)]

    threads = [
        threading.Thread(
            target=pipeline.record, args=("receipt", {**RECEIPT, "execution_id": name})
        )
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    stored = [row[1] for row in _rows(_recorder(tmp_path), "receipts")]
    assert sorted(map(str, stored)) == sorted(names)


CONFIGURATION = """
[[ledgers]]
name = "pipeline"
path = "ledgers/pipeline"
pack = "pipeline"
mirror = false
{more}
[pack.pipeline.slo.duration_ms]
measure = "duration_ms"
target = 10
"""


def test_the_configuration_names_ledger_and_service_levels(tmp_path: Path) -> None:
    """What the file says of the pack reaches it; its ledger is the one that is recorded in."""
    file = tmp_path / "evidentia.toml"
    file.write_text(CONFIGURATION.format(more=""), "utf-8")

    pipeline = evidentia.open_pipeline(tmp_path / "p.db", config=load_config(file))
    pipeline.record("receipt", RECEIPT)

    lines = (tmp_path / "ledgers" / "pipeline" / f"{0:020}.jsonl").read_bytes().splitlines()
    (violation,) = json.loads(lines[-1])["payload"]["slo_violations"]
    assert (violation["metric"], violation["severity"]) == ("duration_ms", "critical")


def test_one_of_several_ledgers_must_be_named(tmp_path: Path) -> None:
    """Nothing is guessed between two."""
    file = tmp_path / "evidentia.toml"
    more = '[[ledgers]]\nname = "other"\npath = "other"\npack = "pipeline"\nmirror = false'
    file.write_text(CONFIGURATION.format(more=more), "utf-8")

    with pytest.raises(UsageError, match="several ledgers: pipeline, other"):
        evidentia.open_pipeline(tmp_path / "p.db", config=load_config(file))
    evidentia.open_pipeline(tmp_path / "p.db", config=load_config(file), ledger="other")


def test_a_pack_without_a_database_records_nothing(tmp_path: Path) -> None:
    """It is said which pack that is."""
    with pytest.raises(UsageError, match="'cowrie' has no database"):
        open_recorder("cowrie", tmp_path / "x.db")


def test_another_file_is_not_recorded_into(tmp_path: Path) -> None:
    """A file of another program stays as it is, and nothing is appended."""
    (tmp_path / "pipeline.db").write_bytes(b"notes")
    recorder = _recorder(tmp_path)

    with pytest.raises(StoreError):
        Pipeline(recorder).record("receipt", RECEIPT)

    assert (tmp_path / "pipeline.db").read_bytes() == b"notes"
    assert not (tmp_path / "pipeline.ledger").exists()


def test_segments_of_the_ledger_stay_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each record reads the last segment, so others are begun; the former ones still count."""
    monkeypatch.setattr("evidentia.app.pack_database.SEGMENT_BYTES_MAX", 2_000)
    recorder = _recorder(tmp_path)
    pipeline = Pipeline(recorder)
    drafts = [
        pipeline.draft("receipt", {**RECEIPT, "execution_id": f"exec-{number}"}, f"id-{number}")
        for number in range(8)
    ]

    for draft in drafts:
        recorder.record([draft])
    (again,) = recorder.record(drafts[:1])

    segments = [*(tmp_path / "pipeline.ledger").glob("*.jsonl")]
    assert len(segments) > 2
    assert (again.is_repeat, again.sequence) == (True, 1)
    assert len(_rows(recorder, "receipts")) == 8
    assert recorder.desk.check().is_well


def test_what_is_held_open_records_the_same(tmp_path: Path) -> None:
    """For many records: the same rows, repeats and refusals; afterwards others record again."""
    recorder = _recorder(tmp_path)
    pipeline = Pipeline(recorder)

    with pipeline.held() as held:
        first = held.record("receipt", RECEIPT)
        second = held.record("receipt", RECEIPT)
        with held.execution(agent_id="agent-1", operation="watch", execution_id="exec-2"):
            pass
        impatient = replace(recorder, desk=replace(recorder.desk, wait_seconds=0.0))
        with pytest.raises(LedgerHeldError):
            Pipeline(impatient).record("receipt", RECEIPT)
    last = pipeline.record("receipt", {**RECEIPT, "execution_id": "exec-3"})

    assert first.refusal is None
    assert second.refusal is not None
    assert second.refusal.reason == "duplicate"
    assert last.sequence == 6
    assert [row[1] for row in _rows(recorder, "receipts")] == ["exec-1", "exec-2", "exec-3"]
    assert recorder.desk.check().is_well


def test_what_is_held_open_leaves_nothing_of_a_refused_batch(tmp_path: Path) -> None:
    """All or none, and the next batch goes on."""
    recorder = _recorder(tmp_path)
    pipeline = Pipeline(recorder)
    draft = pipeline.draft("receipt", RECEIPT, "receipt-1")
    other = pipeline.draft("receipt", {**RECEIPT, "duration_ms": 1}, "receipt-1")

    with recorder.held() as held:
        held.record([draft])
        with pytest.raises(DuplicateIdError):
            held.record([pipeline.draft("receipt", {**RECEIPT, "execution_id": "x"}), other])
        (again,) = held.record([draft])

    assert again.is_repeat
    assert len(_rows(recorder, "receipts")) == 1
