"""Any order of what may be done to a ledger, held against a list."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from evidentia.errors import (
    DuplicateIdError,
    LedgerHeldError,
    LedgerMissingError,
    RejectionError,
    SequenceError,
)
from evidentia.ledger.appending import Ledger
from evidentia.ledger.statements import CREATED, KEY_ROTATED, RECOVERED, Signing
from evidentia.ledger.values import LedgerOptions
from evidentia.ledger.verifying import VerifyRules, verify_ledger
from evidentia.proof.keys import Ed25519Signer
from evidentia.proof.tree import leaf_hash, root_of

from . import kit

NUMBERS = st.integers(0, 30)
SEGMENT_BYTES_MAX = 1_800


class LedgerMachine(RuleBasedStateMachine):
    """A ledger, and beside it the events that it must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.folder = self.place / "ledger"
        self.clock = kit.ticking()
        self.keeper = kit.MemoryKeeper()
        self.keys: list[Ed25519Signer] = []
        self.signing = Signing.NONE
        self.ledger: Ledger | None = None
        self.model: list[tuple[str, str]] = []
        self.hashes: dict[str, str] = {}
        self.unnamed = 0

    def options(self) -> LedgerOptions:
        """Small segments, and a keeper, so that every head is compared."""
        return LedgerOptions(
            clock=self.clock,
            signer=self.keys[-1] if self.keys else None,
            keeper=self.keeper,
            segment_bytes_max=SEGMENT_BYTES_MAX,
            reserve_bytes=0,
            head_events=7,
        )

    @initialize(signing=st.sampled_from([Signing.NONE, Signing.HEADS, Signing.ROWS]))
    def create(self, signing: Signing) -> None:
        """Make the ledger."""
        self.signing = signing
        self.keys = [kit.signer(1)] if signing is not Signing.NONE else []
        kit.create_ledger(self.folder, kit.ORIGIN, signing, self.options())
        self.model.append((CREATED, ""))
        self.reopen()

    def is_open(self) -> bool:
        """Whether there is a writer."""
        return self.ledger is not None

    def expect(self, numbers: list[int]) -> list[tuple[str, bool]]:
        """What the acknowledgements of a batch must say: the ids, and which were there."""
        known = {name for _, name in self.model}
        return [(f"e{number}", f"e{number}" in known) for number in numbers]

    @precondition(is_open)
    @rule(numbers=st.lists(NUMBERS, min_size=1, max_size=4, unique=True))
    def append(self, numbers: list[int]) -> None:
        """Append a batch, parts of which may be there already."""
        assert self.ledger is not None
        expected = self.expect(numbers)

        done = self.ledger.append(kit.drafts(*numbers), kit.ALLOW)

        assert [(each.id, each.is_repeat) for each in done] == expected
        for each in done:
            if not each.is_repeat:
                assert each.sequence == len(self.model)
                self.model.append(("test.event.v1", each.id))
                self.hashes[each.id] = each.event_hash
            assert self.model[each.sequence][1] == each.id
            assert self.hashes[each.id] == each.event_hash

    @precondition(is_open)
    @rule()
    def append_unnamed(self) -> None:
        """Append an event that the ledger names."""
        assert self.ledger is not None
        (done,) = self.ledger.append([kit.draft(1, None)], kit.ALLOW)

        assert not done.is_repeat
        assert done.sequence == len(self.model)
        self.model.append(("test.event.v1", done.id))
        self.hashes[done.id] = done.event_hash

    @precondition(is_open)
    @rule(number=NUMBERS, others=st.lists(NUMBERS, max_size=2, unique=True))
    def append_other_content(self, number: int, others: list[int]) -> None:
        """A known id with other content is refused, and so is all that came with it."""
        assert self.ledger is not None
        if f"e{number}" not in {name for _, name in self.model} or number in others:
            return
        batch = [*kit.drafts(*others), kit.draft(number, payload={"other": True})]

        with pytest.raises(DuplicateIdError):
            self.ledger.append(batch, kit.ALLOW)

    @precondition(is_open)
    @rule(number=NUMBERS, off=st.integers(-1, 1))
    def append_expecting(self, number: int, off: int) -> None:
        """An append that expects another size is refused, unless it adds nothing."""
        assert self.ledger is not None
        is_known = f"e{number}" in {name for _, name in self.model}
        size = len(self.model) + off
        if off and not is_known:
            with pytest.raises(SequenceError):
                self.ledger.append(kit.drafts(number), kit.ALLOW, expected_size=size)
            return
        (done,) = self.ledger.append(kit.drafts(number), kit.ALLOW, expected_size=size)
        assert done.is_repeat == is_known
        if not is_known:
            self.model.append(("test.event.v1", done.id))
            self.hashes[done.id] = done.event_hash

    @precondition(is_open)
    @rule()
    def sign(self) -> None:
        """Sign a head, which is kept."""
        assert self.ledger is not None
        head = self.ledger.sign_head()

        assert head.size == len(self.model)
        kept = self.keeper.last(kit.ORIGIN)
        assert kept is not None
        assert (kept.size, kept.root) == (head.size, head.root)

    @precondition(lambda self: self.ledger is not None and bool(self.keys))
    @rule(number=st.integers(1, 9))
    def rotate_key(self, number: int) -> None:
        """Go on with another key."""
        assert self.ledger is not None
        key = kit.signer(number)
        if key.verifier in {each.verifier for each in self.keys}:
            with pytest.raises(RejectionError, match="has, or had"):
                self.ledger.rotate_key(key, kit.ALLOW)
            return

        done = self.ledger.rotate_key(key, kit.ALLOW)

        assert done.sequence == len(self.model)
        self.model.append((KEY_ROTATED, done.id))
        self.keys.append(key)

    @precondition(is_open)
    @rule()
    def close(self) -> None:
        """Close the ledger well."""
        assert self.ledger is not None
        self.ledger.close()
        self.ledger = None

    @precondition(is_open)
    @rule(tail=st.binary(max_size=700).filter(lambda data: b"\n" not in data))
    def crash(self, tail: bytes) -> None:
        """Let go without a head, with something at the end that was never a whole line."""
        assert self.ledger is not None
        self.ledger.abandon()
        self.ledger = None
        with kit.last_segment(self.folder).open("ab") as file:
            file.write(tail)
        if tail:
            self.model.append((RECOVERED, ""))

    @precondition(is_open)
    @rule()
    def crash_in_a_batch(self) -> None:
        """Let go with the first part of a batch at the end, all of it whole lines."""
        assert self.ledger is not None
        path = kit.last_segment(self.folder)
        before = path.stat().st_size
        if before >= SEGMENT_BYTES_MAX:
            return
        known = kit.contents(self.folder)
        self.ledger.abandon()
        self.ledger = None
        copy = self.place / "copy"
        shutil.copytree(self.folder, copy)
        with kit.open_ledger(copy, self.options_without_keeper()) as other:
            other.append([kit.draft(0, f"lost{each}") for each in range(3)], kit.ALLOW)
        added = (copy / path.name).read_bytes()[before:]
        shutil.rmtree(copy)
        assert kit.contents(self.folder) == known
        with path.open("ab") as file:
            file.write(b"".join(added.splitlines(keepends=True)[:2]))
        self.model.append((RECOVERED, ""))

    def options_without_keeper(self) -> LedgerOptions:
        """For a copy, whose heads are nobody's business."""
        from dataclasses import replace  # noqa: PLC0415 - only here

        return replace(self.options(), keeper=None)

    @precondition(lambda self: self.ledger is None and bool(self.model))
    @rule()
    def reopen(self) -> None:
        """Open the ledger again."""
        self.ledger = kit.open_ledger(self.folder, self.options())

    @precondition(is_open)
    @rule()
    def open_twice(self) -> None:
        """A second writer is refused."""
        with pytest.raises(LedgerHeldError):
            kit.open_ledger(self.folder, self.options())

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        """Lines, ids, hashes and sizes are those of the model, and verify finds nothing wrong."""
        if self.ledger is None:
            return
        assert self.ledger.size == len(self.model)
        lines = kit.lines(self.folder)
        events = [json.loads(line) for line in lines]
        assert [each["sequence"] for each in events] == list(range(len(self.model)))
        for event, (kind, name) in zip(events, self.model, strict=True):
            assert event["event_type"] == kind
            assert not name or event["id"] == name
            assert self.hashes.get(event["id"], event["event_hash"]) == event["event_hash"]
        assert self.ledger._tail.view.tree_at(len(lines)).root() == root_of(map(leaf_hash, lines))

    @precondition(lambda self: self.ledger is None and bool(self.model))
    @invariant()
    def verifies_when_closed(self) -> None:
        """Nothing is wrong with what a writer left, but for a tail that counts for nothing."""
        trusted = tuple(key.verifier for key in self.keys[:1])
        rules = VerifyRules(trusted=trusted, kept=self.keeper.last(kit.ORIGIN), is_deep=True)
        assert verify_ledger(self.folder, rules).failures == ()

    def teardown(self) -> None:
        """Close and remove."""
        if self.ledger is not None:
            self.ledger.close()
        shutil.rmtree(self.place)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=25 if settings().max_examples <= 60 else 1_000, stateful_step_count=30
)


def test_a_folder_that_is_not_there_is_no_ledger(tmp_path: Path) -> None:
    """The machine starts from nothing, which does not open."""
    with pytest.raises(LedgerMissingError):
        kit.opened(tmp_path / "nothing")
