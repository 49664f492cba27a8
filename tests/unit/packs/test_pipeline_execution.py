"""Executions recorded as they run: stages, audit rows, receipts and missed service levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pytest

from evidentia.errors import LedgerFullError, RejectionError, UsageError
from evidentia.event.envelope import Draft, content_of
from evidentia.event.timestamp import format_time
from evidentia.event.values import JsonObject
from evidentia.pack.recorder import Recorded
from evidentia.pack.tables import LedgerEvent, Refusal
from evidentia.packs.pipeline.execution import Execution, Pipeline, clean
from evidentia.packs.pipeline.records import rows_of
from evidentia.packs.pipeline.slo import SloRule

START_US: Final = 1_767_225_600_000_000
AGENT: Final = "code-generator"


class FakeRecorder:
    """Keeps batches in memory; its clocks stand still unless they are moved."""

    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        self.batches: list[list[Draft]] = []
        self.us = 0
        self.refusal: Refusal | None = None
        self.error: Exception | None = None
        self._settings = settings or {}

    def record(self, drafts: Sequence[Draft]) -> tuple[Recorded, ...]:
        """Keep a batch, or fail as it was told to."""
        if self.error is not None:
            raise self.error
        for draft in drafts:
            content_of(draft)
        self.batches.append([*drafts])
        return tuple(
            Recorded(id=f"e-{number}", sequence=number, refusal=self.refusal)
            for number, _ in enumerate(drafts)
        )

    def settings(self) -> Mapping[str, object]:
        """What it was made with."""
        return self._settings

    def now_us(self) -> int:
        """The start of 2026, moved."""
        return START_US + self.us

    def elapsed_us(self) -> int:
        """How far it was moved."""
        return self.us

    def random_hex(self, count: int) -> str:
        """Always the same."""
        return "ab" * count

    def payloads(self, event_type: str) -> list[JsonObject]:
        """The payloads of one type, in order."""
        return [
            draft.payload
            for batch in self.batches
            for draft in batch
            if draft.event_type == event_type and isinstance(draft.payload, dict)
        ]

    def rows(self) -> list[tuple[str, Mapping[str, object]]]:
        """The rows that everything becomes."""
        found = []
        for draft in (draft for batch in self.batches for draft in batch):
            now = format_time(self.now_us())
            event = LedgerEvent(
                sequence=0,
                id="e",
                event_type=draft.event_type,
                observed_at=draft.observed_at or now,
                recorded_at=now,
                payload=draft.payload,
            )
            rows = rows_of(event)
            assert not isinstance(rows, Refusal), rows
            found += [(row.table, row.values) for row in rows]
        return found


@pytest.fixture
def recorder() -> FakeRecorder:
    """A recorder whose clock stands at the start of 2026."""
    return FakeRecorder()


def _execution(recorder: FakeRecorder, **stated: str) -> Execution:
    pipeline = Pipeline(recorder)
    return pipeline.execution(**{"agent_id": AGENT, "operation": "generation", **stated})


def _receipt(recorder: FakeRecorder) -> JsonObject:
    (receipt,) = recorder.payloads("pipeline.receipt.v1")
    return receipt


def test_an_execution_is_recorded_with_its_stages(recorder: FakeRecorder) -> None:
    """Every stage has its own time and sizes; the end comes in one batch with the receipt."""
    with _execution(recorder, environment="staging") as run:
        recorder.us += 5_000
        with run.stage("μ₁_normalize") as stage:
            recorder.us += 400_900
            stage.sizes(input_bytes=1_240, output_bytes=99)
        with run.stage("emit"):
            recorder.us += 600_000
        run.files(generated=5)
        run.files(generated=1, modified=2)
        run.hashes(manifest="m" * 64, ontology="o" * 64)

    assert _receipt(recorder) == {
        "execution_id": "exec-1767225600000000-abababab",
        "agent_id": AGENT,
        "operation": "generation",
        "status": "passed",
        "timestamp": "2026-01-01T00:00:00.000000Z",
        "duration_ms": 1_005,
        "environment": "staging",
        "manifest_hash": "m" * 64,
        "ontology_hash": "o" * 64,
        "files_generated": 6,
        "files_modified": 2,
        "stages": [
            {
                "stage": "μ₁_normalize",
                "status": "passed",
                "timestamp": "2026-01-01T00:00:00.005000Z",
                "duration_ms": 400,
                "input_size_bytes": 1_240,
                "output_size_bytes": 99,
            },
            {
                "stage": "μ₃_emit",
                "status": "passed",
                "timestamp": "2026-01-01T00:00:00.405900Z",
                "duration_ms": 600,
            },
        ],
    }
    assert [[draft.event_type for draft in batch] for batch in recorder.batches] == [
        ["pipeline.audit.v1"],
        ["pipeline.receipt.v1", "pipeline.audit.v1"],
    ]
    assert [table for table, _ in recorder.rows()] == [
        *("audit_log", "receipts", "pipeline_metrics", "pipeline_metrics", "audit_log"),
    ]


def test_the_beginning_is_recorded_before_the_block_runs(recorder: FakeRecorder) -> None:
    """A process that dies in the block leaves the trace that it began."""
    with _execution(recorder) as run:
        (started,) = recorder.payloads("pipeline.audit.v1")

    assert started == {
        "timestamp": "2026-01-01T00:00:00.000000Z",
        "agent_id": AGENT,
        "operation": "generation",
        "status": "started",
        "context_json": {"execution_id": run.execution_id},
    }


def test_a_block_that_raises_is_recorded_and_the_exception_goes_on(
    recorder: FakeRecorder,
) -> None:
    """The stage and the execution failed, with what was raised; the audit row says so too."""

    def work() -> None:
        with _execution(recorder) as run, run.stage("extract"):
            recorder.us += 7_000
            _ = 1 // 0

    with pytest.raises(ZeroDivisionError):
        work()

    receipt = _receipt(recorder)
    message = "ZeroDivisionError: integer division or modulo by zero"
    assert (receipt["status"], receipt["error_message"]) == ("failed", message)
    assert receipt["stages"] == [
        {
            "stage": "μ₂_extract",
            "status": "failed",
            "error_message": message,
            "timestamp": "2026-01-01T00:00:00.000000Z",
            "duration_ms": 7,
        }
    ]
    started, ended = recorder.payloads("pipeline.audit.v1")
    assert started["status"] == "started"
    assert (ended["status"], ended["duration_ms"]) == ("failed", 7)
    assert ended["error_message"] == message


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_stops_a_block_from_outside_cancels_it(
    recorder: FakeRecorder, stop: type[BaseException]
) -> None:
    """Ctrl-C is no failure of the work, and is recorded all the same."""
    with pytest.raises(stop), _execution(recorder):
        raise stop

    assert _receipt(recorder)["status"] == "cancelled"
    assert recorder.payloads("pipeline.audit.v1")[-1]["status"] == "failed"


def test_a_stage_that_failed_quietly_makes_it_partial(recorder: FakeRecorder) -> None:
    """An exception that the block caught itself leaves its stage failed."""
    with _execution(recorder) as run:
        try:
            with run.stage("emit"):
                raise OSError("disk")  # noqa: TRY301 - what the stage's work would do
        except OSError:
            pass
        with run.stage("canonicalize") as stage:
            stage.fail("not canonical")

    receipt = _receipt(recorder)
    assert receipt["status"] == "partial"
    assert recorder.payloads("pipeline.audit.v1")[-1]["status"] == "completed"


def test_a_block_may_say_how_it_ends(recorder: FakeRecorder) -> None:
    """What the block said counts, unless it raises afterwards."""
    with _execution(recorder) as run:
        run.end_as("failed", "nothing to do")

    receipt = _receipt(recorder)
    assert (receipt["status"], receipt["error_message"]) == ("failed", "nothing to do")


def test_steps_of_the_block_are_recorded_with_the_receipt(recorder: FakeRecorder) -> None:
    """Audit rows of the block come between its beginning and its end."""
    with _execution(recorder) as run:
        run.audit("RDF normalization", "completed", duration_ms=450, triples=1_240)

    _, step, _ = recorder.payloads("pipeline.audit.v1")
    assert (step["operation"], step["duration_ms"]) == ("RDF normalization", 450)
    assert step["context_json"] == {"execution_id": run.execution_id, "triples": 1_240}


def test_missed_service_levels_stand_in_the_receipt(recorder: FakeRecorder) -> None:
    """They are checked by the rules of the settings when the execution ends."""
    recorder = FakeRecorder({"slo": {"memory_megabytes": {"target": 50}}})
    with _execution(recorder, build="incremental") as run:
        with run.stage("normalize"):
            recorder.us += 3_000_000
        run.measure(triples=500, memory_bytes=60_000_000)
        run.measure(files=3)

    receipt = _receipt(recorder)
    assert receipt["measurements"] == {"triples": 500, "memory_bytes": 60_000_000, "files": 3}
    missed = [values for table, values in recorder.rows() if table == "slo_violations"]
    assert [(row["metric"], row["actual_value"], row["severity"]) for row in missed] == [
        ("incremental_build_seconds", 3.0, "warning"),
        ("rdf_seconds_per_1000_triples", 6.0, "warning"),
        ("memory_megabytes", 60.0, "warning"),
    ]


@pytest.mark.parametrize(
    ("stated", "error"),
    [
        ({"agent_id": ""}, RejectionError),
        ({"operation": "deploy"}, UsageError),
        ({"build": "third"}, UsageError),
        ({"environment": "a\nb"}, RejectionError),
        ({"execution_id": "x" * 300}, RejectionError),
    ],
)
def test_what_fits_no_receipt_is_refused_before_the_block_runs(
    recorder: FakeRecorder, stated: dict[str, str], error: type[Exception]
) -> None:
    """Nobody learns at the end of a long run that it cannot be recorded."""
    with pytest.raises(error), _execution(recorder, **stated):
        pytest.fail("the block ran")

    assert recorder.batches == []


def test_what_cannot_be_recorded_is_refused_where_it_is_said(recorder: FakeRecorder) -> None:
    """A mistake in a call raises there, and what was recorded before stays."""
    with _execution(recorder) as run:
        for mistake in (
            lambda: run.measure(triples=float("nan")),
            lambda: run.files(generated=-1),
            lambda: run.hashes(manifest=""),
            lambda: run.attach({"a": {1, 2}}),
            lambda: run.audit("x", "completed", duration_ms=-1),
        ):
            with pytest.raises(RejectionError):
                mistake()
        for misnamed in (
            lambda: run.end_as("done and dusted"),
            lambda: run.audit("x", "done and dusted"),
            lambda: run.stage("polish").__enter__(),
        ):
            with pytest.raises(UsageError):
                misnamed()
        with run.stage("emit") as stage, pytest.raises(RejectionError):
            stage.sizes(input_bytes=-1)

    assert _receipt(recorder)["status"] == "passed"


def test_an_execution_is_entered_once(recorder: FakeRecorder) -> None:
    """A second entry would give two receipts one id."""
    run = _execution(recorder)
    with run:
        pass

    with pytest.raises(UsageError, match="once"):
        run.__enter__()


def test_a_receipt_that_is_refused_raises(recorder: FakeRecorder) -> None:
    """A taken id is told to the program, not only to the database."""

    def work() -> None:
        with _execution(recorder):
            recorder.refusal = Refusal(reason="unique", detail="taken")

    with pytest.raises(RejectionError, match="is in the ledger, but not in the tables: taken"):
        work()


def test_a_failing_ledger_does_not_hide_what_the_block_raised(recorder: FakeRecorder) -> None:
    """The block's exception goes on, with a note; without one the ledger's error is raised."""
    full = LedgerFullError("no space")

    def work() -> None:
        with _execution(recorder):
            recorder.error = full
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine") as caught:
        work()
    recorder.error = None

    assert caught.value.__notes__ == ["evidentia: the execution was not recorded: no space"]
    with pytest.raises(LedgerFullError), _execution(recorder):
        recorder.error = full


def test_a_message_is_made_fit_to_record() -> None:
    """Whatever an exception says can be stored."""
    assert clean("a\0b\ud800") == "a\\x00b\\ud800"
    assert len(clean("x" * 100_000)) == 65_536


def test_a_single_receipt_is_held_against_the_service_levels(recorder: FakeRecorder) -> None:
    """Receipts that arrive are checked like those that are made; stated violations stay."""
    pipeline = Pipeline(recorder, [SloRule(metric="ms", target=10, measure="duration_ms")])
    receipt: JsonObject = {
        "execution_id": "exec-1",
        "agent_id": AGENT,
        "operation": "generation",
        "status": "passed",
        "timestamp": "2026-01-01T00:00:00Z",
        "duration_ms": 20,
    }

    pipeline.record("receipt", receipt)

    (violation,) = _receipt(recorder)["slo_violations"]
    assert violation == {
        "metric": "ms",
        "target_value": 10,
        "actual_value": 20.0,
        "severity": "critical",
        "description": "20 where at most 10 is well",
    }
    stated = {**receipt, "slo_violations": [{**violation, "severity": "warning"}]}
    assert pipeline.draft("receipt", stated).payload == stated


def test_other_records_are_recorded_as_they_are(recorder: FakeRecorder) -> None:
    """Only receipts are held against service levels."""
    memory: JsonObject = {"agent_id": AGENT, "memory_json": {"state": "on"}}

    Pipeline(recorder).record("memory", memory)

    assert recorder.payloads("pipeline.memory.v1") == [memory]
