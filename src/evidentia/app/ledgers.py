"""Ledgers of a workspace: found by name or folder, opened with key and keeper, mirrored or not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from evidentia.app.references import LedgerEntry, signer_from
from evidentia.app.workspace import Workspace, utc_microseconds
from evidentia.audit.catch_up import CatchUp
from evidentia.audit.keeper import ReadOnlyKeeper, StoreKeeper, kept_head, known_origin
from evidentia.audit.ledger_replay import replay_ledger
from evidentia.audit.mirror import MirroredLedger, parity_contribution
from evidentia.audit.parity import ledger_parity
from evidentia.audit.places import ledger_source
from evidentia.audit.values import EventSetParity, ReplayReport
from evidentia.errors import (
    LedgerDamagedError,
    RejectionError,
    StoreHeldError,
    StoreMissingError,
    UsageError,
)
from evidentia.event.envelope import Draft
from evidentia.ledger.appending import Ledger
from evidentia.ledger.holding import held
from evidentia.ledger.opening import create_ledger, open_ledger
from evidentia.ledger.reading import created_of
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import Acknowledgement, HeadKeeper, KeptHead, LedgerOptions
from evidentia.ledger.verifying import LedgerVerdict, VerifyRules, verify_ledger
from evidentia.proof.keys import Signer
from evidentia.proof.policy import Contribution, PolicyDecision
from evidentia.store.writer import StoreWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLedger:
    """A ledger that is open for appending, and its mirror if it has one.

    Attributes:
        holder: Says which process holds the store of a mirrored ledger, and so fills it.
        parity: What the parity rule says now, where the store is held by another process.
    """

    ledger: Ledger
    mirror: MirroredLedger | None = None
    holder: StoreHeldError | None = None
    parity: Callable[[], Contribution] | None = None

    def contributions(self) -> tuple[Contribution, ...]:
        """What the rules of evidentia itself say of an append now."""
        if self.mirror is not None:
            return (self.mirror.parity_contribution(),)
        return () if self.parity is None else (self.parity(),)

    def append(
        self, drafts: Sequence[Draft], policy: PolicyDecision, *, expected_size: int | None = None
    ) -> tuple[Acknowledgement, ...]:
        """Append events to the ledger, and to the store if it is mirrored.

        Raises:
            RejectionError: Refused; nothing was written.
            LedgerError: The ledger fails.
            StoreError: The events are in the ledger, and not in the store.
        """
        if self.mirror is not None:
            return self.mirror.append(drafts, policy, expected_size=expected_size)
        return self.ledger.append(drafts, policy, expected_size=expected_size)

    def rotate_key(self, signer: Signer, policy: PolicyDecision) -> Acknowledgement:
        """Let another key sign from the next event on, and complete the mirror.

        Raises:
            RejectionError: The ledger has no key pair, or the key has another name.
            LedgerError: The ledger fails.
        """
        done = self.ledger.rotate_key(signer, policy)
        if self.mirror is not None:
            self.mirror.complete()
        return done

    def append_each(
        self, drafts: Sequence[Draft], policy: PolicyDecision
    ) -> tuple[Acknowledgement | RejectionError, ...]:
        """Append events, each for itself; those that are refused hold up none of the others.

        Raises:
            LedgerError: The ledger fails.
            StoreError: The events are in the ledger, and not in the store.
        """
        if self.mirror is not None:
            return self.mirror.append_each(drafts, policy)
        return self.ledger.append_each(drafts, policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A mirrored ledger of the configuration: what its seals show, and whether the store has it."""

    name: str
    verdict: LedgerVerdict
    parity: EventSetParity

    @property
    def is_well(self) -> bool:
        """Whether the ledger holds and the store has the same events."""
        return not self.verdict.failure_count and self.parity.is_consistent


class Ledgers:
    """The ledgers that a workspace's configuration names, and any that a folder holds."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def entry(self, name: str, key: str | None = None) -> LedgerEntry:
        """The ledger of the configuration with a name, or the one in a folder.

        Args:
            name: The name, or the folder.
            key: Where its signing key is, if not where the configuration says.

        Raises:
            UsageError: There is neither.
        """
        entry = self.entry_or_new(name, key)
        if not entry.folder.is_dir():
            known = ", ".join(each.name for each in self._workspace.config.ledgers)
            raise UsageError(
                f"there is no ledger {name!r}",
                fix=f"name one of {known}, or a folder" if known else "name the folder of a ledger",
            )
        return entry

    def entry_or_new(self, name: str, key: str | None = None) -> LedgerEntry:
        """The same, also where the folder is yet to be made."""
        found = LedgerEntry(name=name, folder=Path(name))
        for entry in self._workspace.config.ledgers:
            if name == entry.name or Path(name).resolve() == entry.folder.resolve():
                found = entry
        return found if key is None else replace(found, key=key, base=Path())

    def signer(self, reference: str) -> Signer:
        """The signing key that a reference leads to.

        Raises:
            ConfigError: It leads to nothing, or to something that is no signing key.
        """
        return signer_from(reference, Path(), os.environ)

    def create(self, entry: LedgerEntry, origin: str, signing: Signing) -> None:
        """Make a ledger.

        Raises:
            LedgerError: There is one already, or the disk refuses.
            RejectionError: The key does not fit.
        """
        create_ledger(entry.folder, origin, signing, self._options(entry, None))

    @contextmanager
    def opened(self, entry: LedgerEntry, command: str) -> Iterator[OpenLedger]:
        """A ledger, open for appending; with the store's lease held if it is mirrored.

        While another process holds the store, only the ledger is appended to; see
        ``OpenLedger.holder``.

        Raises:
            LedgerError: The ledger is held, damaged, missing or refuses its key.
        """
        with ExitStack() as stack:
            if not entry.is_mirrored:
                yield OpenLedger(ledger=stack.enter_context(self._open(entry, None)))
                return
            try:
                writer = stack.enter_context(self._workspace.writer(command))
            except StoreHeldError as holder:
                yield self._beside(entry, holder, stack)
                return
            with self._workspace.store.reader() as reader:
                origin = known_origin(reader, entry.folder)
            ledger = stack.enter_context(self._open(entry, StoreKeeper(writer, origin)))
            mirror = MirroredLedger(ledger, self._catch_up(writer, entry))
            yield OpenLedger(ledger=ledger, mirror=mirror)

    def _beside(self, entry: LedgerEntry, holder: StoreHeldError, stack: ExitStack) -> OpenLedger:
        """The ledger while another process writes to the store, such as a follower.

        The store is then filled by that process, or by whoever comes next: it may be behind the
        ledger, as after a crash, and never ahead.
        """
        reader = stack.enter_context(self._workspace.store.reader())
        keeper = ReadOnlyKeeper(reader, known_origin(reader, entry.folder))
        ledger = stack.enter_context(self._open(entry, keeper))
        return OpenLedger(
            ledger=ledger,
            holder=holder,
            parity=lambda: parity_contribution(reader, entry.folder),
        )

    def verify(self, entry: LedgerEntry, rules: VerifyRules) -> LedgerVerdict:
        """Everything that is wrong with a ledger, held against its keys and the head in the store.

        Raises:
            LedgerError: There is none, or it cannot be read.
            ConfigError: A key that the configuration names cannot be read.
        """
        trusted = (*rules.trusted, *entry.trusted(os.environ))
        kept = self._kept(entry) if entry.is_mirrored else None
        return verify_ledger(entry.folder, replace(rules, trusted=trusted, kept=kept))

    def replay(self) -> tuple[tuple[str, ReplayReport], ...]:
        """Put into the store what it lacks of each mirrored ledger, in ledger order.

        The ledgers are held meanwhile, so that nobody appends.

        Returns:
            Each ledger's name, and what was done.

        Raises:
            DivergenceError: Ledger and store hold other bytes under one id or in one place;
                nothing of that ledger was written.
            LedgerError: A ledger is held by another process, or cannot be read.
            StoreError: The store refuses or fails.
        """
        return tuple(
            (entry.name, self.complete(entry))
            for entry in self._workspace.config.ledgers
            if entry.is_mirrored and entry.folder.is_dir()
        )

    def complete(self, entry: LedgerEntry) -> ReplayReport:
        """Put into the store what it lacks of one mirrored ledger, which is held meanwhile.

        Raises:
            DivergenceError: Ledger and store hold other bytes in one place; nothing was written.
            LedgerError: The ledger is held by another process, or cannot be read.
            StoreError: The store refuses or fails.
        """
        with held(entry.folder), self._workspace.writer("recover") as writer:
            return replay_ledger(self._catch_up(writer, entry))

    def _catch_up(self, writer: StoreWriter, entry: LedgerEntry) -> CatchUp:
        return CatchUp(
            writer,
            self._workspace.packs,
            entry.folder,
            time.monotonic,
            source=ledger_source(entry.folder, entry.pack),
            options=replace(self._workspace.config.options, jobs=0),
        )

    def standings(
        self, *, is_deep: bool, on_progress: Callable[[str, int], None]
    ) -> tuple[Standing, ...]:
        """Each mirrored ledger of the configuration, verified and held against the store.

        One whose folder is not there yet is left out.

        Raises:
            LedgerError: One cannot be read.
        """
        return tuple(
            self._standing(entry, is_deep=is_deep, on_progress=on_progress)
            for entry in self._workspace.config.ledgers
            if entry.is_mirrored and entry.folder.is_dir()
        )

    def _standing(
        self, entry: LedgerEntry, *, is_deep: bool, on_progress: Callable[[str, int], None]
    ) -> Standing:
        rules = VerifyRules(is_deep=is_deep, on_progress=lambda done: on_progress(entry.name, done))
        workspace = self._workspace
        verdict = self.verify(entry, rules)
        with workspace.store.reader() as reader:
            parity = ledger_parity(
                reader,
                entry.folder,
                workspace.packs,
                source=ledger_source(entry.folder, entry.pack),
                limits=workspace.config.options.limits,
            )
        return Standing(name=entry.name, verdict=verdict, parity=parity)

    def _kept(self, entry: LedgerEntry) -> KeptHead | None:
        try:
            with self._workspace.store.reader() as reader:
                origin = known_origin(reader, entry.folder) or created_of(entry.folder).origin
                found = reader.tree_head(origin)
        except (LedgerDamagedError, StoreMissingError):
            # The verification itself says what is wrong with the first event.
            return None
        return None if found is None else kept_head(found)

    def _open(self, entry: LedgerEntry, keeper: HeadKeeper | None) -> Ledger:
        return open_ledger(entry.folder, self._options(entry, keeper))

    def _options(self, entry: LedgerEntry, keeper: HeadKeeper | None) -> LedgerOptions:
        return LedgerOptions(
            clock=utc_microseconds,
            signer=entry.signer(os.environ),
            keeper=keeper,
            required_rules=entry.required_rules,
            wait_seconds=entry.wait_seconds,
            segment_bytes_max=entry.segment_bytes_max,
        )
