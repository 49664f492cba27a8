"""A ledger with its store, for the tests of what connects the two."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from evidentia.audit.catch_up import CatchUp
from evidentia.audit.event_mirror import EventMirror
from evidentia.audit.ledger_replay import replay_ledger
from evidentia.audit.mirror import MirroredLedger, parity_contribution
from evidentia.audit.parity import ledger_parity
from evidentia.audit.values import EventSetParity, ReplayReport
from evidentia.event.envelope import Draft
from evidentia.ledger.appending import Ledger
from evidentia.ledger.layout import segment_files
from evidentia.ledger.lines import Line, lines_of
from evidentia.ledger.opening import create_ledger, open_ledger
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import HeadKeeper, LedgerOptions
from evidentia.pack.registry import load_packs
from evidentia.proof.policy import PARITY_RULE, Contribution, Outcome, PolicyDecision, compose
from evidentia.store.opening import Store
from evidentia.store.writer import StoreWriter

ORIGIN = "example.org/mirror"
ALLOW = compose([Contribution(rule_id=PARITY_RULE, outcome=Outcome.ALLOW, reason="a test says so")])
PACKS = load_packs()
EDIT = (
    "UPDATE event_rows SET raw = CAST(replace(CAST(raw AS TEXT), 'hello', 'HELLO') AS BLOB)"
    " WHERE event_id = 'evt-2'"
)
"""An edit of one row behind the store's back."""
NOW_US = 1_700_000_000_000_000


def draft(number: int, text: str = "hello") -> Draft:
    """An event with an id of its own."""
    return Draft(event_type="note.v1", payload={"n": number, "text": text}, id=f"evt-{number}")


def drafts(first: int, count: int) -> list[Draft]:
    """Events one after the other."""
    return [draft(number) for number in range(first, first + count)]


@dataclass
class Mirror:
    """A ledger and a store in one folder."""

    folder: Path
    segment_bytes_max: int = 64 * 1024 * 1024

    @property
    def ledger_folder(self) -> Path:
        """Where the ledger is."""
        return self.folder / "ledger"

    @property
    def store(self) -> Store:
        """The store."""
        return Store(path=self.folder / "evidentia.db")

    def options(self, keeper: HeadKeeper | None = None) -> LedgerOptions:
        """How the ledger is written."""
        return LedgerOptions(
            clock=lambda: NOW_US,
            keeper=keeper,
            segment_bytes_max=self.segment_bytes_max,
            required_rules=(),
        )

    def create(self) -> None:
        """Make the ledger."""
        create_ledger(self.ledger_folder, ORIGIN, Signing.NONE, self.options())

    def ledger(self, keeper: HeadKeeper | None = None) -> Ledger:
        """The ledger, open for appending."""
        return open_ledger(self.ledger_folder, self.options(keeper))

    @contextmanager
    def writer(self) -> Iterator[StoreWriter]:
        """The store, open for writing."""
        with self.store.writer(
            list(PACKS.values()), command="test", clock=lambda: NOW_US, version="0"
        ) as writer:
            yield writer

    def catch_up(self, writer: StoreWriter) -> CatchUp:
        """What reads the ledger into the store."""
        return CatchUp(writer, PACKS, self.ledger_folder, time.monotonic)

    @contextmanager
    def mirrored(self) -> Iterator[MirroredLedger]:
        """Both, to be appended to together."""
        with self.ledger() as ledger, self.writer() as writer:
            yield MirroredLedger(ledger, self.catch_up(writer))

    @contextmanager
    def event_mirror(self) -> Iterator[tuple[StoreWriter, EventMirror]]:
        """The store's writer and what mirrors single events with it."""
        with self.writer() as writer:
            yield writer, EventMirror(writer, PACKS, self.ledger_folder)

    def append(self, *events: Draft, policy: PolicyDecision = ALLOW) -> None:
        """Append to the ledger alone."""
        with self.ledger() as ledger:
            ledger.append(events, policy)

    def replay(self) -> ReplayReport:
        """Replay the ledger into the store."""
        with self.writer() as writer:
            return replay_ledger(self.catch_up(writer))

    def parity(self, held_max: int = 1_000) -> EventSetParity:
        """Whether both hold the same."""
        with self.store.reader() as reader:
            return ledger_parity(reader, self.ledger_folder, PACKS, held_max=held_max)

    def contribution(self) -> Contribution:
        """What the parity rule says."""
        with self.store.reader() as reader:
            return parity_contribution(reader, self.ledger_folder)

    def lines(self) -> list[Line]:
        """Every line of the ledger."""
        return [line for file in segment_files(self.ledger_folder) for line in lines_of(file)]

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """What the database itself answers."""
        with closing(sqlite3.connect(self.store.path)) as connection:
            return connection.execute(sql).fetchall()

    def stored(self) -> list[bytes]:
        """The bytes of every stored event, in order of place."""
        return [bytes(raw) for (raw,) in self.rows("SELECT raw FROM event_rows ORDER BY id")]  # type: ignore[arg-type]

    def tamper(self, *statements: str) -> None:
        """Change the store behind its back, as anyone with the file can."""
        with closing(sqlite3.connect(self.store.path)) as connection, connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in names.fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(statement)
