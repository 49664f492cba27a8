"""The workspace of a pack's command: its protocol filled with files, a ledger, a store, a clock."""

from __future__ import annotations

import getpass
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from evidentia.app.ledger_events import events_of
from evidentia.app.ledgers import Ledgers
from evidentia.app.line_source import lines_of_files
from evidentia.app.recording import recorder_of
from evidentia.app.references import LedgerEntry
from evidentia.app.workspace import Workspace, utc_microseconds
from evidentia.app.writing import write_new
from evidentia.errors import UsageError
from evidentia.event.envelope import Draft
from evidentia.ledger.verifying import VerifyRules
from evidentia.log.globbing import expand
from evidentia.pack.contract import Pack
from evidentia.pack.recorder import Recorder
from evidentia.pack.workspace import (
    Appended,
    LedgerEvent,
    LedgerFinding,
    LedgerState,
    ProjectionReport,
    SourceLine,
    StoredRows,
)
from evidentia.proof.claims import claim_for
from evidentia.proof.policy import Contribution, Outcome, compose
from evidentia.report.queries import ask, bind, find_query

DOCUMENT_BYTES_MAX: Final = 64 * 1024 * 1024
"""A document is held whole; what is larger belongs into lines."""
WAIT_SECONDS: Final = 10.0
"""How long an append waits for another process that appends; such a one is done in moments."""
_STANDARD_INPUT: Final = "-"


@dataclass(frozen=True, kw_only=True)
class PackWorkspace:
    """Fills ``evidentia.pack.workspace.Workspace``.

    Attributes:
        command: What is run, for the record: ``repair apply``.
        ledger: The ledger that the command line names; without it, the pack's own.
        key: Where its signing key is, if not where the configuration says.
        appends: The command may append.
        database: The pack's own database that the command line names; without it, the usual one.
        records: The command may record into it.
    """

    workspace: Workspace
    pack: Pack
    command: str
    ledger: str | None = None
    key: str | None = None
    appends: bool = False
    database: Path | None = None
    records: bool = False

    def lines(self, pattern: str) -> Iterator[SourceLine]:
        """Every line of the files that a path or glob stands for."""
        return lines_of_files(pattern, self.workspace.config.options.limits)

    def document(self, path: str) -> bytes:
        """The bytes of a small file, or of standard input.

        Raises:
            UsageError: It is not there, cannot be read, or is too large.
        """
        try:
            if path == _STANDARD_INPUT:
                data = sys.stdin.buffer.read(DOCUMENT_BYTES_MAX + 1)
            else:
                with Path(path).open("rb") as file:
                    data = file.read(DOCUMENT_BYTES_MAX + 1)
        except OSError as error:
            raise UsageError(
                f"the document cannot be read: {error.strerror or error}",
                where=path,
                fix="correct the path, or give it on standard input with -",
            ) from error
        if len(data) > DOCUMENT_BYTES_MAX:
            raise UsageError(
                f"the document is larger than {DOCUMENT_BYTES_MAX} bytes",
                where=path,
                fix="divide it",
            )
        return data

    def write_new(self, path: str, parts: Iterable[bytes], *, is_overwriting: bool = False) -> int:
        """Write a file that was not there before, and return its bytes.

        Raises:
            UsageError: The file is there, or is evidence.
            EvidentiaError: The disk refuses.
        """
        place = Path(path)
        self._refuse_evidence(place)
        return write_new(place, parts, is_overwriting=is_overwriting)

    def _refuse_evidence(self, place: Path) -> None:
        real = place.resolve()
        ledgers = [entry.folder.resolve() for entry in self.workspace.config.ledgers]
        if self.ledger is not None:
            ledgers.append(self._entry.folder.resolve())
        logs = (
            Path(name).resolve()
            for source in self.workspace.config.sources
            for name in expand(source.pattern).names
        )
        if real in logs or any(real.is_relative_to(folder) for folder in ledgers):
            raise UsageError(
                "this is a log, or lies in a ledger, and evidence is not written to",
                where=path_text(place),
                fix="name a file elsewhere",
            )

    @cached_property
    def _ledgers(self) -> Ledgers:
        return Ledgers(self.workspace)

    @cached_property
    def _entry(self) -> LedgerEntry:
        if self.ledger is not None:
            return self._ledgers.entry(self.ledger, self.key)
        own = [each for each in self.workspace.config.ledgers if each.pack == self.pack.name]
        if len(own) != 1:
            names = ", ".join(each.name for each in own)
            raise UsageError(
                f"the pack {self.pack.name!r} has several ledgers: {names}"
                if own
                else f"the configuration names no ledger for the pack {self.pack.name!r}",
                fix="name one with --ledger"
                if own
                else f'add pack = "{self.pack.name}" to a [[ledgers]] table of evidentia.toml, '
                "or name a ledger's folder with --ledger",
            )
        return self._ledgers.entry(own[0].name, self.key)

    @property
    def ledger_name(self) -> str:
        """The ledger's name in the configuration, or its folder."""
        return self._entry.name

    def ledger_events(self, since: int = 0) -> Iterator[LedgerEvent]:
        """The ledger's events in order."""
        return events_of(self._entry.folder, since)

    def ledger_state(self) -> LedgerState:
        """The ledger verified from its lines, keys and heads."""
        entry = self._entry
        verdict = self._ledgers.verify(entry, VerifyRules(is_deep=True))
        return LedgerState(
            name=entry.name,
            folder=str(entry.folder),
            size=verdict.size,
            level=None if verdict.level is None else verdict.level.value,
            sentence="" if verdict.level is None else claim_for(verdict.level).sentence,
            findings=tuple(
                LedgerFinding(
                    kind=each.kind.value,
                    sequence=each.sequence,
                    where=f"{path_text(each.path)}, byte {each.byte_offset}",
                    detail=each.detail,
                )
                for each in verdict.failures
            ),
            finding_count=verdict.failure_count,
        )

    def append(
        self,
        drafts: Sequence[Draft],
        *,
        reason: str,
        operator: str | None = None,
        expected_size: int | None = None,
    ) -> tuple[Appended, ...]:
        """Append events to the ledger, all or none, and to the store if the ledger is mirrored.

        Raises:
            UsageError: The command does not declare that it appends.
            RejectionError: Refused; nothing was written.
            LedgerError: The ledger is held by another process, or fails.
            StoreError: The events are in the ledger, and not in the store.
        """
        if not self.appends:
            raise UsageError(f"the command {self.command!r} does not declare that it appends")
        asked = Contribution(
            rule_id="ledger.append.operator",
            outcome=Outcome.ALLOW,
            reason=f"{self.command}, asked for by {operator or self.operator()}: {reason}",
        )
        entry = replace(self._entry, wait_seconds=max(self._entry.wait_seconds, WAIT_SECONDS))
        with self._ledgers.opened(entry, self.command) as opened:
            policy = compose((asked, *opened.contributions()))
            done = opened.append(drafts, policy, expected_size=expected_size)
            return tuple(
                Appended(
                    id=each.id,
                    sequence=each.sequence,
                    event_hash=each.event_hash,
                    is_repeat=each.is_repeat,
                    is_stored=opened.mirror is not None,
                )
                for each in done
            )

    def recorder(self) -> Recorder:
        """What records into the pack's own database.

        Raises:
            UsageError: The command does not declare that it records, or the pack has no database.
        """
        if not self.records:
            raise UsageError(f"the command {self.command!r} does not declare that it records")
        return recorder_of(
            self.workspace,
            self.pack,
            self.database,
            ledger=self.ledger,
            key=self.key,
            asked_by=f"{self.command}, {self.operator()}",
        )

    def query(self, name: str, parameters: Mapping[str, str] | None = None) -> StoredRows:
        """The answer of one of the pack's named queries."""
        found = find_query(f"{self.pack.name}.{name}", self.workspace.packs)
        bound = bind(found, parameters or {}, self.now_us())
        with self.workspace.store.reader() as reader:
            answer = ask(reader, found, bound)
        return StoredRows(
            columns=tuple(each.name for each in answer.columns),
            rows=tuple(
                tuple(bytes(value) if isinstance(value, bytearray) else value for value in row)
                for row in answer.rows
            ),
        )

    def complete_store(self) -> int:
        """Read into the store what it lacks of the ledger, and return how many events that were.

        Raises:
            UsageError: The ledger is not mirrored.
            DivergenceError: Ledger and store hold other bytes in one place; nothing was written.
            StoreError: The store is held by another process, refuses or fails.
        """
        entry = self._entry
        if not entry.is_mirrored:
            raise UsageError(
                f"the ledger {entry.name!r} is not mirrored, so the store does not have it",
                fix="name it in a [[ledgers]] table of evidentia.toml",
            )
        return self._ledgers.complete(entry).replayed

    def check_projection(self, name: str, sample: int | None = None) -> ProjectionReport:
        """Compute one of the pack's summaries or states anew from the store, and compare."""
        (found,) = self.workspace.check_projections((self._projection(name),), sample)
        return ProjectionReport(
            name=name,
            rows=found.rows,
            drifted=tuple(", ".join(map(str, each.key.values())) for each in found.drifts),
            drift_count=found.drift_count,
            problem=found.problem,
        )

    def rebuild_projection(self, name: str) -> None:
        """Make one of the pack's summaries or states anew."""
        self.workspace.rebuild_projections((self._projection(name),))

    def _projection(self, name: str) -> str:
        own = {each.name for each in self.pack.summaries} | {each.name for each in self.pack.states}
        if name not in own:
            raise UsageError(
                f"the pack {self.pack.name!r} has no summary or state {name!r}",
                fix="list them: evidentia projection list",
            )
        return name

    def now_us(self) -> int:
        """The time now."""
        return utc_microseconds()

    def random_hex(self, count: int) -> str:
        """So many random bytes, as hex."""
        return secrets.token_hex(count)

    def operator(self) -> str:
        """Who runs the command."""
        try:
            return f"user:{getpass.getuser()}"
        except (KeyError, OSError):
            # A process without a login, as in a container.
            return f"user:{os.getuid()}"


def path_text(path: Path) -> str:
    """A path for people; bytes that are no text are shown escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
