"""What a pack's command is handed: all that it can see of the world, and all that it can do there.

A protocol only. ``app`` fills it; a test may fill it with lists. Paths are texts, times are UTC
microseconds, errors are those of ``evidentia.errors``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from evidentia.event.envelope import Draft
from evidentia.event.values import JsonValue
from evidentia.pack.recorder import Recorder

CellValue = str | int | float | bytes | None
"""A value of a row of the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A line of a file, and its place.

    Attributes:
        byte_offset: Of its first byte in the (decompressed) file.
        raw: Its bytes without the newline; of a line that is too long, the first ones.
        has_newline: A newline ended it.
        problem: Why the line could not be read whole; empty where it could.
    """

    path: str
    line_no: int
    byte_offset: int
    raw: bytes
    has_newline: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEvent:
    """An event of a ledger, and its place.

    Attributes:
        sequence: Its number in the ledger; the ledger's own first event has 0.
        raw: The bytes of its line.
    """

    sequence: int
    id: str
    event_type: str
    payload: JsonValue
    source: Mapping[str, JsonValue]
    observed_at: str
    recorded_at: str
    session_id: str | None
    trace_id: str | None
    domain_tags: tuple[str, ...]
    event_hash: str
    path: str
    byte_offset: int
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFinding:
    """Something that is wrong with a ledger.

    Attributes:
        kind: A stable word.
        sequence: Of the event that it was found at.
        where: File and byte.
    """

    kind: str
    sequence: int
    where: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerState:
    """What verifying a ledger found.

    Attributes:
        size: How many events it has, its own ones included.
        level: The highest claim level that was reached; None if anything is wrong.
        sentence: What that level means, in the words of ``evidentia.proof.claims``.
        findings: The first of what is wrong.
        finding_count: How much is wrong in all.
    """

    name: str
    folder: str
    size: int
    level: int | None
    sentence: str
    findings: tuple[LedgerFinding, ...]
    finding_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """That an event is in the ledger, on the disk.

    Attributes:
        is_repeat: It was there already, with the same id and content.
        is_stored: The store has it as well.
    """

    id: str
    sequence: int
    event_hash: str
    is_repeat: bool
    is_stored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRows:
    """Rows of the store, in order, with the names of their columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[CellValue, ...], ...]

    def records(self) -> Iterator[dict[str, CellValue]]:
        """Each row by the names of its columns."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectionReport:
    """What computing a projection anew found.

    Attributes:
        rows: Rows compared.
        drifted: The keys of the first rows that differ, each as one text.
        drift_count: How many differ.
        problem: Why it is not current, or could not be compared; empty where all is well.
    """

    name: str
    rows: int
    drifted: tuple[str, ...]
    drift_count: int
    problem: str


class Workspace(Protocol):
    """What a command can reach.

    Reading a file or the ledger is done by the line, in memory that does not grow with either.
    """

    # ---- Files -----------------------------------------------------------------------------
    def lines(self, pattern: str) -> Iterator[SourceLine]:
        """Every line of the files that a path or glob stands for, file by file, read-only.

        Compressed files are read as what they hold. The last line may lack its newline.

        Raises:
            LogError: There is no such file, or it cannot be read.
        """
        ...

    def document(self, path: str) -> bytes:
        """The bytes of a small file, or of standard input where the path is ``-``.

        Raises:
            UsageError: It is not there, cannot be read, or is larger than 64 MiB.
        """
        ...

    def write_new(self, path: str, parts: Iterable[bytes], *, is_overwriting: bool = False) -> int:
        """Write a file that was not there before, and return its bytes; all of it or nothing.

        Args:
            path: Where. Never a log of the configuration, nor anything in a ledger's folder.
            parts: Its bytes. What they raise goes through, and no file is left.
            is_overwriting: Replace a file that is there.

        Raises:
            UsageError: The file is there, or may not be written to.
            EvidentiaError: The disk refuses.
        """
        ...

    # ---- The pack's ledger -----------------------------------------------------------------
    @property
    def ledger_name(self) -> str:
        """The ledger's name in the configuration, or its folder.

        Raises:
            UsageError: No ledger was named, and the configuration names none for the pack.
        """
        ...

    def ledger_events(self, since: int = 0) -> Iterator[LedgerEvent]:
        """The ledger's events in order, its own ones included, as its writer acknowledged them.

        Args:
            since: The sequence to begin with.

        Raises:
            UsageError: As for ``ledger_name``, or there is no ledger.
            LedgerError: It cannot be read, or a line is no event.
        """
        ...

    def ledger_state(self) -> LedgerState:
        """The ledger verified from its lines, keys and heads. Reads only.

        Raises:
            UsageError: As for ``ledger_name``, or there is no ledger.
            LedgerError: It cannot be read.
        """
        ...

    def append(
        self,
        drafts: Sequence[Draft],
        *,
        reason: str,
        operator: str | None = None,
        expected_size: int | None = None,
    ) -> tuple[Appended, ...]:
        """Append events to the ledger, all or none, and to the store if the ledger is mirrored.

        On return they are on the disk. The decision that lets them in says who asked, and why.

        Args:
            drafts: The events.
            reason: Why, for people.
            operator: Who asks; ``operator()`` by default.
            expected_size: Refuse if the ledger has another size by now: what was decided from its
                events would no longer hold.

        Raises:
            UsageError: As for ``ledger_name``, there is no ledger, or the command does not append.
            RejectionError: Refused; nothing was written. ``SequenceError`` for another size.
            LedgerError: The ledger is held by another process, or fails.
            StoreError: The events are in the ledger, and not in the store.
        """
        ...

    # ---- The pack's own database -----------------------------------------------------------
    def recorder(self) -> Recorder:
        """What records into the pack's own database.

        Raises:
            UsageError: The command does not declare that it records, or the pack has no database.
        """
        ...

    # ---- The store -------------------------------------------------------------------------
    def query(self, name: str, parameters: Mapping[str, str] | None = None) -> StoredRows:
        """The answer of one of the pack's named queries.

        Args:
            name: The query, without the pack's name before it.
            parameters: Values as a person would write them; others have their defaults.

        Raises:
            UsageError: There is no such query or parameter.
            StoreError: There is no store, or it fails.
        """
        ...

    def complete_store(self) -> int:
        """Read into the store what it lacks of the ledger, and return how many events that were.

        Raises:
            UsageError: As for ``ledger_name``, or the ledger is not mirrored.
            DivergenceError: Ledger and store hold other bytes in one place; nothing was written.
            StoreError: The store is held by another process, refuses or fails.
        """
        ...

    def check_projection(self, name: str, sample: int | None = None) -> ProjectionReport:
        """Compute one of the pack's summaries or states anew from the store, and compare.

        Args:
            name: Which one.
            sample: Compare only so many of its keys.

        Raises:
            UsageError: There is no such projection.
            StoreError: There is no store, or it fails.
        """
        ...

    def rebuild_projection(self, name: str) -> None:
        """Make one of the pack's summaries or states anew; readers see the old one until then.

        Raises:
            UsageError: There is no such projection.
            StoreError: The store is held by another process, refuses or fails.
        """
        ...

    # ---- The moment ------------------------------------------------------------------------
    def now_us(self) -> int:
        """The time now."""
        ...

    def random_hex(self, count: int) -> str:
        """So many random bytes, as hex."""
        ...

    def operator(self) -> str:
        """Who runs the command, as ``user:<login>``."""
        ...
