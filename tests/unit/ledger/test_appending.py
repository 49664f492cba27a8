"""Appending: acknowledged means on the disk, once, in order, whoever else appends."""

from __future__ import annotations

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest

from evidentia.errors import (
    DuplicateIdError,
    LedgerBrokenError,
    LedgerDamagedError,
    LedgerError,
    LedgerFullError,
    PolicyError,
    RejectionError,
    SequenceError,
)
from evidentia.ledger.appending import Ledger
from evidentia.ledger.disk import Disk
from evidentia.ledger.heads import read_head
from evidentia.ledger.statements import BREAK_GLASS, RECOVERED, Signing
from evidentia.ledger.values import Acknowledgement, KeptHead
from evidentia.ledger.verifying import VerifyRules, verify_ledger
from evidentia.proof.policy import BreakGlass, Contribution, Outcome, ReasonCode, compose

from . import kit


class Faulty(Disk):
    """Fails where it is told to, and counts its syncs."""

    def __init__(self) -> None:
        self.fails: dict[str, BaseException] = {}
        self.syncs = 0
        self.short = 0

    def _fail(self, name: str) -> None:
        if name in self.fails:
            raise self.fails[name]

    def write_all(self, descriptor: int, data: bytes) -> None:
        """Write, or only the first bytes."""
        if "write" in self.fails:
            super().write_all(descriptor, data[: self.short])
        self._fail("write")
        super().write_all(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Sync."""
        self._fail("sync")
        self.syncs += 1
        super().sync(descriptor)

    def replace(self, path: Path, data: object) -> None:
        """Replace a file."""
        self._fail("broken" if path.parent.name == "broken" else path.suffix or path.name)
        super().replace(path, data)  # type: ignore[arg-type]

    def free_bytes(self, descriptor: int) -> int:
        """As much as there is."""
        self._fail("free")
        return super().free_bytes(descriptor)


def full() -> OSError:
    """No space."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def broken() -> OSError:
    """An input/output error."""
    return OSError(errno.EIO, os.strerror(errno.EIO))


def ids(folder: Path) -> list[str]:
    """The ids of the caller's events, in order."""
    names = [str(json.loads(line)["id"]) for line in kit.lines(folder)]
    return [name for name in names if not name.startswith("evt_")]


def kinds(folder: Path) -> list[str]:
    """The types of all events, in order."""
    return [str(json.loads(line)["event_type"]) for line in kit.lines(folder)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger with its first event."""
    return kit.created(tmp_path / "ledger")


def test_eight_threads_append_whole_batches_without_a_gap(folder: Path) -> None:
    """Each call is atomic, each acknowledgement is true, and they share their syncs."""
    disk, barrier = Faulty(), Barrier(8)
    answers: dict[tuple[int, int], tuple[Acknowledgement, ...]] = {}
    with kit.opened(folder, disk=disk, segment_bytes_max=20_000) as ledger:
        before = disk.syncs

        def work(thread: int) -> None:
            barrier.wait()
            for call in range(20):
                numbers = [thread * 1_000 + call * 10 + each for each in range(1 + call % 3)]
                answers[thread, call] = ledger.append(kit.drafts(*numbers), kit.ALLOW)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        syncs = disk.syncs - before

    events = [json.loads(line) for line in kit.lines(folder)]
    assert [each["sequence"] for each in events] == list(range(len(events)))
    assert len(events) == 1 + sum(map(len, answers.values()))
    for done in answers.values():
        sequences = [each.sequence for each in done]
        assert sequences == list(range(sequences[0], sequences[0] + len(done)))
        assert all(events[each.sequence]["id"] == each.id for each in done)
    assert syncs < len(answers)
    assert verify_ledger(folder, VerifyRules(is_deep=True)).failures == ()


def test_threads_that_append_the_same_event_get_the_same_answer(folder: Path) -> None:
    """One of them appends it, the others are told that it is there."""
    barrier = Barrier(8)
    with kit.opened(folder) as ledger:

        def work(_: int) -> Acknowledgement:
            barrier.wait()
            return ledger.append(kit.drafts(7), kit.ALLOW)[0]

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(work, range(8)))

    assert ids(folder) == ["e7"]
    assert {(each.sequence, each.event_hash) for each in answers} == {
        (1, answers[0].event_hash),
    }
    assert sum(not each.is_repeat for each in answers) == 1


def test_a_refused_call_refuses_nobody_else(folder: Path) -> None:
    """Of those that wait for one write, each gets its own answer."""
    entered, go_on = Event(), Event()

    class Waiting(Disk):
        def sync(self, descriptor: int) -> None:
            if entered.is_set():
                go_on.wait(5)
            super().sync(descriptor)

    with kit.opened(folder, disk=Waiting()) as ledger:
        ledger.append(kit.drafts(1), kit.ALLOW)
        entered.set()
        first = Thread(target=lambda: ledger.append(kit.drafts(2), kit.ALLOW))
        first.start()
        with ThreadPoolExecutor(3) as pool:
            calls = [
                pool.submit(ledger.append, [kit.draft(1, payload="other")], kit.ALLOW),
                pool.submit(ledger.append, kit.drafts(3), kit.ALLOW),
                pool.submit(ledger.append, kit.drafts(4), kit.ALLOW, expected_size=99),
            ]
            go_on.set()
        first.join()

        assert isinstance(calls[0].exception(), DuplicateIdError)
        assert calls[1].result()[0].id == "e3"
        assert isinstance(calls[2].exception(), SequenceError)
    assert sorted(ids(folder)) == ["e1", "e2", "e3"]


def test_keys_are_rotated_while_threads_append(tmp_path: Path) -> None:
    """No row is signed by the key that has gone: the ledger opens and verifies."""
    folder = kit.created(tmp_path / "ledger", Signing.ROWS)
    with kit.opened(folder, Signing.ROWS) as ledger:

        def work(thread: int) -> None:
            for call in range(15):
                ledger.append(kit.drafts(thread * 100 + call), kit.ALLOW)

        threads = [Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for number in range(2, 8):
            ledger.rotate_key(kit.signer(number), kit.ALLOW)
        for thread in threads:
            thread.join()

    verdict = verify_ledger(folder, VerifyRules(trusted=(kit.signer(1).verifier,)))
    assert verdict.failures == ()
    kit.opened(folder, Signing.ROWS, signer=kit.signer(7)).close()


@pytest.mark.parametrize(("fault", "short"), [("write", 0), ("write", 300), ("sync", 0)])
def test_an_error_of_the_disk_ends_the_writer(fault: str, short: int, folder: Path) -> None:
    """Nothing is tried again by it; a new one goes on, and a retry has each event once."""
    disk = Faulty()
    ledger = kit.opened(folder, disk=disk)
    ledger.append(kit.drafts(1), kit.ALLOW)
    disk.fails, disk.short = {fault: broken()}, short

    for _ in range(2):
        with pytest.raises(LedgerBrokenError):
            ledger.append(kit.drafts(2, 3), kit.ALLOW)
        disk.fails = {}
    with pytest.raises(LedgerBrokenError):
        ledger.sign_head()
    ledger.close()

    with kit.opened(folder) as again:
        done = again.append(kit.drafts(2, 3), kit.ALLOW)
    assert ids(folder) == ["e1", "e2", "e3"]
    assert [each.id for each in done] == ["e2", "e3"]


@pytest.mark.parametrize(("fault", "short"), [("write", 0), ("write", 450), ("sync", 0)])
def test_a_full_disk_leaves_nothing_of_what_it_refused(
    fault: str, short: int, folder: Path
) -> None:
    """Even what was written whole is cut off, told of, and does not come back."""
    disk = Faulty()
    with kit.opened(folder, disk=disk) as ledger:
        ledger.append(kit.drafts(1), kit.ALLOW)
        disk.fails, disk.short = {fault: full()}, short
        with pytest.raises(LedgerFullError):
            ledger.append(kit.drafts(2, 3), kit.ALLOW)
        disk.fails = {}
        ledger.append(kit.drafts(4), kit.ALLOW)

        assert ids(folder) == ["e1", "e4"]
        assert kinds(folder).count(RECOVERED) == (1 if fault == "sync" or short else 0)
    assert verify_ledger(folder, VerifyRules(is_deep=True)).failures == ()


def test_a_cut_is_told_of_once_there_is_room_again(folder: Path) -> None:
    """The want of room may last over the cut and its event, each in turn."""
    disk = Faulty()
    with kit.opened(folder, disk=disk) as ledger:
        disk.fails, disk.short = {"write": full()}, 100
        for _ in range(3):
            with pytest.raises(LedgerFullError):
                ledger.append(kit.drafts(2), kit.ALLOW)
        for name, disk.short in (("broken", 0), ("write", 0), ("write", 40)):
            disk.fails = {name: full()}
            with pytest.raises(LedgerFullError):
                ledger.append(kit.drafts(2), kit.ALLOW)
        disk.fails = {}
        with pytest.raises(SequenceError):
            ledger.append(kit.drafts(2), kit.ALLOW, expected_size=99)
        assert kinds(folder).count(RECOVERED) > 0
        ledger.append(kit.drafts(2), kit.ALLOW)

    told = kinds(folder).count(RECOVERED)
    assert told == len(list((folder / "broken").glob("[0-9]*")))
    assert ids(folder) == ["e2"]


def test_the_first_call_after_a_full_disk_may_ask_for_a_head(tmp_path: Path) -> None:
    """The tail is put in order before anything is signed."""
    folder, disk = kit.created(tmp_path / "ledger", Signing.HEADS), Faulty()
    with kit.opened(folder, Signing.HEADS, disk=disk) as ledger:
        disk.fails, disk.short = {"write": full()}, 100
        with pytest.raises(LedgerFullError):
            ledger.append(kit.drafts(2), kit.ALLOW)
        disk.fails = {}

        head = ledger.sign_head()

    assert head.size == 2
    assert kinds(folder)[-1] == RECOVERED


def test_a_reserve_is_left_free(folder: Path) -> None:
    """Refused before the first byte, also where the disk itself would have room."""
    before = kit.contents(folder)
    with (
        kit.opened(folder, reserve_bytes=2**62) as ledger,
        pytest.raises(LedgerFullError, match="are wanted"),
    ):
        ledger.append(kit.drafts(1), kit.ALLOW)

    assert {**kit.contents(folder), "acknowledged": b""} == {**before, "acknowledged": b""}


def test_a_disk_that_does_not_tell_its_room_is_an_error_of_ours(folder: Path) -> None:
    """Nothing was written, so that the same object goes on once it tells."""
    disk = Faulty()
    with kit.opened(folder, disk=disk) as ledger:
        disk.fails = {"free": broken()}
        with pytest.raises(LedgerBrokenError):
            ledger.append(kit.drafts(1), kit.ALLOW)
        disk.fails = {}

        ledger.append(kit.drafts(1), kit.ALLOW)

    assert ids(folder) == ["e1"]


class Blind(Faulty):
    """Cannot make a new name last."""

    def sync_folder(self, path: Path) -> None:
        """Sync a folder."""
        self._fail("folder")
        super().sync_folder(path)


def test_a_new_segment_whose_name_is_not_on_the_disk_gets_no_event(folder: Path) -> None:
    """It may be there, empty, when the ledger is opened again."""
    disk = Blind()
    ledger = kit.opened(folder, disk=disk, segment_bytes_max=100)
    disk.replace = lambda *_: None  # type: ignore[method-assign]
    disk.fails = {"folder": broken()}
    with pytest.raises(LedgerBrokenError):
        ledger.append(kit.drafts(1), kit.ALLOW)
    ledger.close()

    with kit.opened(folder, segment_bytes_max=100) as again:
        again.append(kit.drafts(1), kit.ALLOW)

    assert len(list(folder.glob("*.jsonl"))) == 2
    assert ids(folder) == ["e1"]


@pytest.mark.parametrize("fault", ["write", "sync"])
def test_an_interruption_is_no_acknowledgement(fault: str, folder: Path) -> None:
    """It goes through; the object goes on from the disk, and a retry has the event once."""
    disk = Faulty()
    with kit.opened(folder, disk=disk) as ledger:
        disk.fails, disk.short = {fault: KeyboardInterrupt()}, 50
        with pytest.raises(KeyboardInterrupt):
            ledger.append(kit.drafts(1), kit.ALLOW)
        disk.fails = {}

        (done,) = ledger.append(kit.drafts(1), kit.ALLOW)

    assert not done.is_repeat
    assert ids(folder) == ["e1"]


def test_whoever_waited_for_an_interrupted_write_is_told(folder: Path) -> None:
    """By an error of ours that says to retry."""
    entered, go_on = Event(), Event()

    class Interrupted(Disk):
        calls = 0

        def sync(self, descriptor: int) -> None:
            self.calls += 1
            if self.calls == 2:
                entered.set()
                go_on.wait(5)
            elif self.calls == 3:
                raise KeyboardInterrupt
            super().sync(descriptor)

    with kit.opened(folder, disk=Interrupted()) as ledger, ThreadPoolExecutor(3) as pool:
        first = pool.submit(ledger.append, kit.drafts(1), kit.ALLOW)
        entered.wait(5)
        others = [pool.submit(ledger.append, kit.drafts(n), kit.ALLOW) for n in (2, 3)]
        while len(ledger._queue) < len(others):
            pass
        go_on.set()
        found = [type(each.exception()) for each in others]

        assert first.result()[0].id == "e1"
        assert sorted(each.__name__ for each in found) == ["KeyboardInterrupt", "LedgerBrokenError"]


def test_events_that_vanish_from_the_disk_stop_the_writer(folder: Path) -> None:
    """After a write that did not end well it reads the disk, and does not believe itself."""
    disk = Faulty()
    ledger = kit.opened(folder, disk=disk)
    ledger.append(kit.drafts(1), kit.ALLOW)
    disk.fails = {"write": full()}
    with pytest.raises(LedgerFullError):
        ledger.append(kit.drafts(2), kit.ALLOW)
    disk.fails = {}
    path = kit.last_segment(folder)
    path.write_bytes(kit.lines(folder)[0] + b"\n")

    for _ in range(2):
        with pytest.raises(LedgerDamagedError):
            ledger.append(kit.drafts(2), kit.ALLOW)
    ledger.abandon()


@pytest.mark.parametrize("fault", [".index", "head"])
@pytest.mark.parametrize("error", [full(), broken()])
def test_a_segment_that_cannot_be_closed_is_closed_later(
    fault: str, error: OSError, tmp_path: Path
) -> None:
    """By this object where only room was wanting, by the next one otherwise."""
    folder, disk = kit.created(tmp_path / "ledger", Signing.HEADS), Faulty()
    ledger = kit.opened(folder, Signing.HEADS, disk=disk, segment_bytes_max=100)
    disk.fails = {fault: error}
    with pytest.raises(LedgerError):
        ledger.append(kit.drafts(1), kit.ALLOW)
    disk.fails = {}
    if error.errno == errno.EIO:
        ledger.close()
        ledger = kit.opened(folder, Signing.HEADS, segment_bytes_max=100)

    ledger.append(kit.drafts(1), kit.ALLOW)
    ledger.close()

    assert [path.name for path in sorted(folder.glob("*.jsonl"))] == [
        f"{0:020d}.jsonl",
        f"{1:020d}.jsonl",
    ]
    assert ids(folder) == ["e1"]


@pytest.mark.parametrize("error", [full(), broken()])
def test_a_head_that_is_due_and_fails_takes_nothing_back(error: OSError, tmp_path: Path) -> None:
    """The events are acknowledged; the head comes later, or the writer stops."""
    folder, disk = kit.created(tmp_path / "ledger", Signing.HEADS), Faulty()
    ledger = kit.opened(folder, Signing.HEADS, disk=disk, head_events=2)
    disk.fails = {"head": error}

    (done,) = ledger.append(kit.drafts(1), kit.ALLOW)
    disk.fails = {}

    assert done.sequence == 1
    if error.errno == errno.EIO:
        with pytest.raises(LedgerBrokenError):
            ledger.append(kit.drafts(2), kit.ALLOW)
    else:
        ledger.append(kit.drafts(2), kit.ALLOW)
        assert read_head(folder, [kit.signer().verifier]) is not None
    ledger.close()


class Failing(kit.MemoryKeeper):
    """Keeps nothing any more."""

    def replace(self, old: KeptHead | None, new: KeptHead) -> None:
        """Refuse."""
        raise LedgerError(f"no place for {new.size} after {old}")


def test_a_keeper_that_fails_is_told_of_at_closing(folder: Path) -> None:
    """The events are on the disk, and the ledger is let go of."""
    ledger = kit.opened(folder, keeper=Failing())
    ledger.append(kit.drafts(1), kit.ALLOW)

    with pytest.raises(LedgerError, match="no place"):
        ledger.close()
    ledger.close()

    with kit.opened(folder) as again:
        assert again.size == 2


def test_a_closed_ledger_appends_nothing(folder: Path) -> None:
    """Nor does it sign."""
    ledger = kit.opened(folder)
    ledger.close()
    ledger.abandon()

    with pytest.raises(LedgerError, match="closed"):
        ledger.append(kit.drafts(1), kit.ALLOW)
    with pytest.raises(LedgerError, match="closed"):
        ledger.sign_head()


def test_events_are_appended_each_for_itself_with_one_sync(folder: Path) -> None:
    """One that is refused refuses none of the others; nobody's batch is marked."""
    disk = Faulty()
    batch = [*kit.drafts(1, 2), kit.draft(1, payload="other"), kit.draft(3, "")]
    batch[3] = kit.draft(3, "\n")
    with kit.opened(folder, disk=disk) as ledger:
        before = disk.syncs
        found = ledger.append_each([*batch, *kit.drafts(4)], kit.ALLOW)
        syncs = disk.syncs - before
        disk.fails = {"write": full()}
        with pytest.raises(LedgerFullError):
            ledger.append_each(kit.drafts(5, 6), kit.ALLOW)
        disk.fails = {}

    kinds_found = [type(each) for each in found]
    assert kinds_found == [
        Acknowledgement,
        Acknowledgement,
        DuplicateIdError,
        RejectionError,
        Acknowledgement,
    ]
    assert syncs == 1
    assert ids(folder) == ["e1", "e2", "e4"]
    assert not any(b'"batch"' in line for line in kit.lines(folder))


def test_a_policy_that_blocks_keeps_every_byte_out(folder: Path) -> None:
    """And so does one that a required rule has no part in."""
    reject = compose([Contribution(rule_id="a.b", outcome=Outcome.REJECT, reason="no")])
    before = kit.last_segment(folder).read_bytes()
    with kit.opened(folder, required_rules=("test.rule",)) as ledger:
        warn = compose([Contribution(rule_id="a.b", outcome=Outcome.WARN, reason="hm")])
        for policy in (reject, warn):
            with pytest.raises(PolicyError):
                ledger.append(kit.drafts(1), policy)

        assert kit.last_segment(folder).read_bytes() == before
        ledger.append(kit.drafts(1), kit.ALLOW)


def test_a_broken_glass_leaves_its_own_event_in_the_batch(folder: Path) -> None:
    """Before the events that it let in, all of them or none; a repeat leaves none."""
    granted = BreakGlass(
        attestation="somebody",
        reason_code=next(iter(ReasonCode)),
        reason="there was no other way",
        scope=("ledger.append",),
    )
    policy = compose(
        [Contribution(rule_id="a.b", outcome=Outcome.BREAK_GLASS, reason="shut")], granted
    )
    with kit.opened(folder) as ledger:
        done = ledger.append(kit.drafts(1, 2), policy)
        again = ledger.append(kit.drafts(1, 2), policy)

    events = [json.loads(line) for line in kit.lines(folder)]
    assert [each["event_type"] for each in events[1:]] == [BREAK_GLASS] + ["test.event.v1"] * 2
    assert [each["batch"] for each in events[1:]] == [{"index": n, "size": 3} for n in range(3)]
    assert [each.sequence for each in done] == [2, 3]
    assert [each.sequence for each in again if each.is_repeat] == [2, 3]
    assert events[1]["payload"]["event_count"] == 2


@pytest.mark.parametrize("signing", [Signing.NONE, Signing.HMAC])
def test_a_ledger_without_key_pairs_rotates_none(signing: Signing, tmp_path: Path) -> None:
    """There is nothing that could vouch for another key."""
    folder = kit.created(tmp_path / "ledger", signing)
    with kit.opened(folder, signing) as ledger, pytest.raises(RejectionError):
        ledger.rotate_key(kit.signer(2), kit.ALLOW)


def test_a_rotation_that_the_disk_refuses_changes_no_key(tmp_path: Path) -> None:
    """The present key signs on; the new one opens nothing."""
    folder, disk = kit.created(tmp_path / "ledger", Signing.ROWS), Faulty()
    with kit.opened(folder, Signing.ROWS, disk=disk) as ledger:
        disk.fails, disk.short = {"write": full()}, 10
        with pytest.raises(LedgerFullError):
            ledger.rotate_key(kit.signer(2), kit.ALLOW)
        disk.fails = {}
        with pytest.raises(RejectionError):
            ledger.rotate_key(kit.signer(2, "another"), kit.ALLOW)
        with pytest.raises(RejectionError, match="has, or had"):
            ledger.rotate_key(kit.signer(1), kit.ALLOW)
        ledger.append(kit.drafts(1), kit.ALLOW)

    with pytest.raises(RejectionError):
        kit.opened(folder, Signing.ROWS, signer=kit.signer(2))
    kit.opened(folder, Signing.ROWS).close()


def test_what_the_ledger_says_of_itself_is_true(folder: Path) -> None:
    """Origin, size and the last hash, after each append."""
    with kit.opened(folder) as ledger:
        assert isinstance(ledger, Ledger)
        (done,) = ledger.append(kit.drafts(1), kit.ALLOW)
        assert (ledger.origin, ledger.size, ledger.event_hash) == (
            kit.ORIGIN,
            2,
            done.event_hash,
        )
