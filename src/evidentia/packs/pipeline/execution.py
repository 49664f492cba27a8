"""One execution as it runs: its stages timed, and what came of it recorded at the end.

    with pipeline.execution(agent_id="code-generator", operation="generation") as run:
        with run.stage("μ₁_normalize") as stage:
            stage.sizes(input_bytes=48_000)
            ...

Two audit rows are written: ``started`` on entry, by itself, so that a process that dies leaves a
trace; and ``completed`` or ``failed`` at the end, in one batch with the receipt. The receipt
carries its stages and the service levels that it missed. All this happens also when the block
raises; the exception goes on. What cannot be recorded is refused where it is said, not at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self, cast

from evidentia.errors import EvidentiaError, RejectionError, UsageError
from evidentia.event.envelope import Draft
from evidentia.event.timestamp import format_time
from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.recorder import Recorded, Recorder
from evidentia.packs.pipeline.kinds import AUDIT, BUILDS, METRIC, RECEIPT, kind_named
from evidentia.packs.pipeline.members import TEXT_CHARACTERS_MAX, problems_of
from evidentia.packs.pipeline.records import draft_of
from evidentia.packs.pipeline.slo import SloRule, rules_from, violations_of
from evidentia.packs.pipeline.vocabulary import (
    AUDIT_STATUS,
    OPERATION,
    RECEIPT_STATUS,
    STAGE,
    Vocabulary,
)

_ID_BYTES: Final = 4
_US_PER_MS: Final = 1_000
_SIZES: Final = tuple(each for each in METRIC.members if each.name.endswith("_size_bytes"))


class Stage:
    """A stage that is running."""

    def __init__(self, name: str) -> None:
        self.row: JsonObject = {"stage": name, "status": "passed"}

    def sizes(self, *, input_bytes: int | None = None, output_bytes: int | None = None) -> None:
        """Say how much went in and came out.

        Raises:
            RejectionError: A size is no whole number, or less than 0.
        """
        sizes: JsonObject = {"input_size_bytes": input_bytes, "output_size_bytes": output_bytes}
        problems = problems_of(sizes, _SIZES)
        if problems:
            raise RejectionError("; ".join(problems), where=f"stage {self.row['stage']}")
        self.row.update({name: size for name, size in sizes.items() if size is not None})

    def fail(self, message: str) -> None:
        """Say that the stage failed, without raising."""
        self.row["status"] = "failed"
        self.row["error_message"] = clean(message)


class Execution:
    """One execution: a context manager that can be entered once. Threads may not share it.

    Attributes:
        execution_id: Its id, given or made.
        recorded: What became of its records, audit row first; empty until it ended.
    """

    def __init__(self, recorder: Recorder, rules: Sequence[SloRule], receipt: JsonObject) -> None:
        self._recorder = recorder
        self._rules = rules
        self._receipt = receipt
        self._stages: list[JsonValue] = []
        self._measurements: JsonObject = {}
        self._drafts: list[Draft] = []
        self._began_us: int | None = None
        self.execution_id = str(receipt["execution_id"])
        self.recorded: tuple[Recorded, ...] = ()

    def __enter__(self) -> Self:
        """Record that it began.

        Raises:
            UsageError: It was entered before, or what it is said to be fits no receipt.
            EvidentiaError: It cannot be recorded; the block does not run.
        """
        if self._began_us is not None:
            raise UsageError("an execution is entered once", fix="make another one")
        self._receipt["timestamp"] = self._now()
        self._check()
        self._began_us = self._recorder.elapsed_us()
        self._recorder.record([self._audit("started")])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Record what came of it.

        Raises:
            RejectionError: The receipt is in the ledger, but no row: its id is taken, for instance.
            EvidentiaError: It cannot be recorded. Where the block raised, that exception goes on
                instead, with a note about this.
        """
        try:
            self._finish(error)
        except EvidentiaError as problem:
            if error is None:
                raise
            error.add_note(f"evidentia: the execution was not recorded: {problem}")

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time a stage. What its block raises makes it a failed one, and goes on.

        Raises:
            UsageError: There is no such stage.
        """
        stage = Stage(_word(STAGE, "stage", name))
        stage.row["timestamp"] = self._now()
        began_us = self._recorder.elapsed_us()
        try:
            yield stage
        except BaseException as error:
            stage.fail(described(error))
            raise
        finally:
            stage.row["duration_ms"] = (self._recorder.elapsed_us() - began_us) // _US_PER_MS
            self._stages.append(stage.row)

    def measure(self, **numbers: float) -> None:
        """Note numbers that the rules on service levels look at, such as ``triples``.

        Raises:
            RejectionError: One is no number that a record can hold.
        """
        self._set("measurements", {**self._measurements, **numbers})
        self._measurements.update(numbers)

    def files(self, *, generated: int = 0, modified: int = 0) -> None:
        """Add to the files that were generated and modified.

        Raises:
            RejectionError: There would be fewer than none.
        """
        for name, count in (("files_generated", generated), ("files_modified", modified)):
            self._set(name, cast("int", self._receipt.get(name, 0)) + count)

    def hashes(self, *, manifest: str | None = None, ontology: str | None = None) -> None:
        """Note the hashes of what went in.

        Raises:
            RejectionError: One is no name.
        """
        if manifest is not None:
            self._set("manifest_hash", manifest)
        if ontology is not None:
            self._set("ontology_hash", ontology)

    def attach(self, receipt_json: JsonObject) -> None:
        """Note a whole receipt of the program's own, kept with the record as it is.

        Raises:
            RejectionError: It is no JSON that a record can hold.
        """
        self._set("receipt_json", receipt_json)

    def audit(
        self, operation: str, status: str, *, duration_ms: int | None = None, **context: JsonValue
    ) -> None:
        """Note a step, to be recorded with the receipt.

        Raises:
            UsageError: There is no such status.
            RejectionError: It is no audit record.
        """
        _word(AUDIT_STATUS, "status", status)
        row: JsonObject = {
            "timestamp": self._now(),
            "agent_id": self._receipt["agent_id"],
            "operation": operation,
            "status": status,
            "duration_ms": duration_ms,
            "context_json": {"execution_id": self.execution_id, **context},
        }
        self._drafts.append(draft_of(AUDIT, row))

    def end_as(self, status: str, message: str | None = None) -> None:
        """Say how it ends, where that is not by the block's own end.

        Raises:
            UsageError: There is no such status.
        """
        self._receipt["status"] = _word(RECEIPT_STATUS, "status", status)
        if message is not None:
            self._receipt["error_message"] = clean(message)

    def _set(self, name: str, value: JsonValue) -> None:
        self._check({name: value})
        self._receipt[name] = value

    def _check(self, changes: JsonObject | None = None) -> None:
        """Refuse what the receipt could not be recorded with at the end."""
        _word(OPERATION, "operation", str(self._receipt["operation"]))
        if self._receipt["build"] is not None:
            self._receipt["build"] = _word(BUILDS, "build", str(self._receipt["build"]))
        draft_of(
            RECEIPT, {"status": "passed", "duration_ms": 0, **self._receipt, **(changes or {})}
        )

    def _finish(self, error: BaseException | None) -> None:
        duration_us = self._recorder.elapsed_us() - (self._began_us or 0)
        self._receipt["duration_ms"] = duration_us // _US_PER_MS
        if error is not None:
            # What stops a program from outside is no failure of its work.
            is_failure = isinstance(error, Exception)
            self.end_as("failed" if is_failure else "cancelled", described(error))
        elif "status" not in self._receipt:
            self._receipt["status"] = self._own_status()
        if self._stages:
            self._receipt["stages"] = self._stages
        if self._measurements:
            self._receipt["measurements"] = self._measurements
        missed = violations_of(self._rules, self._receipt)
        if missed:
            self._receipt["slo_violations"] = [*missed]
        receipt = draft_of(RECEIPT, self._receipt)
        is_bad = self._receipt["status"] in {"failed", "cancelled"}
        end = self._audit("failed" if is_bad else "completed")
        self.recorded = self._recorder.record([*self._drafts, receipt, end])
        self._refuse_refused(self.recorded)

    def _own_status(self) -> str:
        is_failed = any(isinstance(row, dict) and row["status"] == "failed" for row in self._stages)
        return "partial" if is_failed else "passed"

    def _refuse_refused(self, recorded: Sequence[Recorded]) -> None:
        for each in recorded:
            if each.refusal is not None:
                raise RejectionError(
                    f"event {each.sequence} is in the ledger, but not in the tables: "
                    f"{each.refusal.detail}",
                    where=f"execution {self.execution_id}",
                    fix="see 'evidentia pipeline query refused_records'",
                )

    def _audit(self, status: str) -> Draft:
        row: JsonObject = {
            "timestamp": self._now(),
            "agent_id": self._receipt["agent_id"],
            "operation": self._receipt["operation"],
            "status": status,
            "duration_ms": self._receipt.get("duration_ms"),
            "error_message": self._receipt.get("error_message"),
            "context_json": {"execution_id": self.execution_id},
        }
        return draft_of(AUDIT, row)

    def _now(self) -> str:
        return format_time(self._recorder.now_us())


class Pipeline:
    """What a program records its executions with.

    Args:
        recorder: The ledger, the tables and the clock.
        rules: The service levels that receipts are held against; None for those of the settings.
    """

    def __init__(self, recorder: Recorder, rules: Sequence[SloRule] | None = None) -> None:
        self._recorder = recorder
        self._rules = rules_from(recorder.settings()) if rules is None else tuple(rules)

    def execution(
        self,
        *,
        agent_id: str,
        operation: str,
        execution_id: str | None = None,
        environment: str | None = None,
        build: str | None = None,
    ) -> Execution:
        """An execution, to be entered by ``with``.

        Args:
            agent_id: Who runs it.
            operation: What is done.
            execution_id: Its id, unlike any other; made where it is not given.
            environment: Where, for instance ``staging``.
            build: ``first`` or ``incremental``, for the service levels of builds.
        """
        made = f"exec-{self._recorder.now_us()}-{self._recorder.random_hex(_ID_BYTES)}"
        receipt: JsonObject = {
            "execution_id": made if execution_id is None else execution_id,
            "agent_id": agent_id,
            "operation": operation,
            "environment": environment,
            "build": build,
        }
        return Execution(self._recorder, self._rules, receipt)

    @contextmanager
    def held(self) -> Iterator[Pipeline]:
        """The same with ledger and database held open, for many records at once.

        Nobody else can record meanwhile. It is for one thread.
        """
        with self._recorder.held() as recorder:
            yield Pipeline(recorder, self._rules)

    def record(self, kind: str, payload: JsonObject) -> Recorded:
        """Record one payload of a kind: ``receipt``, ``audit``, ``memory`` and so on.

        A receipt is held against the service levels as it arrives.

        Raises:
            UsageError: There is no such kind.
            RejectionError: The payload is no record of that kind; nothing was written.
        """
        return self._recorder.record([self.draft(kind, payload)])[0]

    def draft(self, kind: str, payload: JsonObject, event_id: str | None = None) -> Draft:
        """The event of a record, with the service levels that a receipt misses."""
        found = kind_named(kind)
        draft = draft_of(found, payload, event_id=event_id)
        missed = violations_of(self._rules, payload) if found is RECEIPT else ()
        if missed and not payload.get("slo_violations"):
            payload = {**payload, "slo_violations": [*missed]}
            draft = draft_of(found, payload, event_id=event_id)
        return draft


def _word(words: Vocabulary, what: str, stated: str) -> str:
    """The word that a stated one stands for.

    Raises:
        UsageError: There is none.
    """
    word = words.find(stated)
    if word is None:
        raise UsageError(f"there is no {what} {stated!r}", fix=f"use one of {words}")
    return word.value


def described(error: BaseException) -> str:
    """An exception in one line."""
    text = str(error)
    return clean(f"{type(error).__name__}: {text}" if text else type(error).__name__)


def clean(text: str) -> str:
    """A text that a record can hold: what it cannot is written out, what is too long is cut."""
    kept = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
    return kept[:TEXT_CHARACTERS_MAX]
