"""Verifying a ledger from its lines alone, held against heads and keys."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evidentia.errors import LedgerMissingError
from evidentia.ledger.chain import FailureKind
from evidentia.ledger.heads import read_head
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import KeptHead
from evidentia.ledger.verifying import (
    FAILURES_KEPT,
    LedgerVerdict,
    VerifyRules,
    id_of,
    verify_ledger,
)
from evidentia.proof.claims import Level
from evidentia.proof.tree import leaf_hash, root_of

from . import kit
from .test_chain import resealed

NUMBERS = range(1, 8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger of several segments that signs its heads."""
    kit.filled(tmp_path / "ledger", NUMBERS, Signing.HEADS, segment_bytes_max=1_500)
    return tmp_path / "ledger"


def kinds(verdict: LedgerVerdict) -> set[FailureKind]:
    """What sorts of things are wrong."""
    return {each.kind for each in verdict.failures}


def kept(folder: Path, size: int, *, root: bytes | None = None) -> KeptHead:
    """An unsigned head over the first events, as it might be kept."""
    found = root_of(map(leaf_hash, kit.lines(folder)[:size]))
    return KeptHead(origin=kit.ORIGIN, size=size, root=root or found, note=b"")


def test_a_ledger_that_holds_has_its_size_root_and_keys(folder: Path) -> None:
    """As they are computed from the lines."""
    read: list[int] = []

    verdict = verify_ledger(folder, VerifyRules(is_deep=True, on_progress=read.append))

    assert verdict.failures == ()
    assert verdict.size == len(kit.lines(folder)) == 8
    assert verdict.root == root_of(map(leaf_hash, kit.lines(folder)))
    assert verdict.segments == len(list(folder.glob("*.jsonl"))) > 2
    assert [each.key for each in verdict.keys] == [kit.signer().verifier.format()]
    assert sum(read) == sum(path.stat().st_size for path in folder.glob("*.jsonl"))


@pytest.mark.parametrize("is_trusted", [False, True])
def test_the_level_is_that_of_what_the_caller_brings(is_trusted: bool, folder: Path) -> None:  # noqa: FBT001 - a case of the test
    """A ledger's own head and key say nothing of themselves."""
    trusted = (kit.signer().verifier,) if is_trusted else ()

    verdict = verify_ledger(folder, VerifyRules(trusted=trusted))

    assert verdict.level is (Level.SIGNED if is_trusted else Level.CHAIN)
    assert verdict.covered == 8


def test_a_kept_head_covers_what_it_is_over(folder: Path) -> None:
    """Events behind it are only chained; at each size, also one inside a segment."""
    for size in range(1, 9):
        verdict = verify_ledger(folder, VerifyRules(kept=kept(folder, size)))
        assert verdict.failures == ()
        assert (verdict.level, verdict.covered) == (Level.HEAD, size)


def test_heads_that_the_ledger_does_not_extend_are_found(folder: Path) -> None:
    """Other events, more events, another ledger."""
    other = kept(folder, 3, root=bytes(32))
    beyond = KeptHead(origin=kit.ORIGIN, size=99, root=bytes(32), note=b"")
    foreign = KeptHead(origin="another", size=1, root=bytes(32), note=b"")

    assert kinds(verify_ledger(folder, VerifyRules(kept=other))) == {FailureKind.HEAD_DIFFERS}
    assert kinds(verify_ledger(folder, VerifyRules(kept=beyond))) == {FailureKind.HEAD_BEYOND_END}
    assert kinds(verify_ledger(folder, VerifyRules(kept=foreign))) == {FailureKind.HEAD_DIFFERS}


def test_two_signed_heads_of_one_size_are_a_fork(folder: Path, tmp_path: Path) -> None:
    """Their key showed two histories, whichever of them this one is."""
    other = tmp_path / "other"
    kit.filled(other, [*NUMBERS[:-1], 99], Signing.HEADS)
    note = (other / "head").read_bytes()
    rules = VerifyRules(trusted=(kit.signer().verifier,), heads=(("mail", note),))

    verdict = verify_ledger(folder, rules)

    assert kinds(verdict) == {FailureKind.HEAD_DIFFERS, FailureKind.HEAD_FORKED}
    assert verdict.level is None


def test_a_head_that_is_none_is_found(folder: Path) -> None:
    """In its file or among those that were handed in, each with its place."""
    (folder / "head").write_bytes(b"garbage")

    verdict = verify_ledger(folder, VerifyRules(heads=(("mail", b"\xff"),)))

    assert kinds(verdict) == {FailureKind.HEAD_SIGNATURE}
    assert {str(each.path) for each in verdict.failures} == {str(folder / "head"), "mail"}


def test_a_head_of_another_key_is_found(folder: Path) -> None:
    """It may be well-formed and over these very events."""
    other = kit.signer(9)
    from evidentia.proof.head import sign_head  # noqa: PLC0415 - only here

    head = read_head(folder, [kit.signer().verifier])
    assert head is not None
    (folder / "head").write_bytes(sign_head(head, [other]))

    assert FailureKind.HEAD_SIGNATURE in kinds(verify_ledger(folder, VerifyRules()))


def test_a_demanded_level_that_is_missed_is_a_failure(folder: Path) -> None:
    """Whoever takes the head away takes the level away, which only a demand finds."""
    (folder / "head").unlink()
    trusted = (kit.signer().verifier,)

    rules = VerifyRules(trusted=trusted, level_min=Level.SIGNED)

    assert kinds(verify_ledger(folder, VerifyRules(trusted=trusted))) == set()
    assert kinds(verify_ledger(folder, rules)) == {FailureKind.LEVEL_MISSED}


def test_an_id_that_occurs_twice_is_found_with_both_places(tmp_path: Path) -> None:
    """Also in different segments, and once for each further occurrence."""
    folder = tmp_path / "ledger"
    kit.filled(folder, NUMBERS, segment_bytes_max=1_500)
    lines = kit.lines(folder)
    files = sorted(folder.glob("*.jsonl"))
    counts = [len(path.read_bytes().splitlines()) for path in files]
    for at in (3, 6):
        lines = resealed(lines, at, lambda event: event.update(id="e1"))
    for path, count in zip(files, counts, strict=True):
        path.write_bytes(b"".join(line + b"\n" for line in lines[:count]))
        lines = lines[count:]
    (folder / "acknowledged").unlink()

    verdict = verify_ledger(folder, VerifyRules())

    assert [each.kind for each in verdict.failures] == [FailureKind.DUPLICATE_ID] * 2
    for failure in verdict.failures:
        line = failure.path.read_bytes()[failure.byte_offset :].splitlines()[0]
        assert json.loads(line)["id"] == "e1"


def test_all_failures_are_counted_and_the_first_are_listed(tmp_path: Path) -> None:
    """Memory does not grow with what is wrong."""
    folder = tmp_path / "ledger"
    kit.filled(folder, (1,))
    with kit.last_segment(folder).open("ab") as file:
        file.write(b"garbage\n" * (FAILURES_KEPT + 50))

    verdict = verify_ledger(folder, VerifyRules())

    assert len(verdict.failures) == FAILURES_KEPT
    assert verdict.failure_count >= FAILURES_KEPT + 50
    assert verdict.size >= 2


def test_a_torn_end_is_no_failure_but_what_was_acknowledged_is_missed(folder: Path) -> None:
    """Bytes that were never acknowledged, or are just being written, count for nothing."""
    path = kit.last_segment(folder)
    data = path.read_bytes()
    path.write_bytes(data + b"torn")
    torn = verify_ledger(folder, VerifyRules())
    path.write_bytes(data[:-3])
    cut = verify_ledger(folder, VerifyRules())

    assert (torn.failures, torn.unacknowledged_bytes) == ((), 4)
    assert kinds(cut) == {FailureKind.CUT, FailureKind.HEAD_BEYOND_END}


def test_half_a_batch_at_the_end_counts_for_nothing(tmp_path: Path) -> None:
    """And does so wherever blocks of reading end."""
    folder = kit.created(tmp_path / "ledger")
    with kit.opened(folder) as ledger:
        ledger.append(kit.drafts(1, 2, 3), kit.ALLOW)
    (folder / "acknowledged").unlink()
    lines = kit.lines(folder)
    kit.last_segment(folder).write_bytes(b"\n".join(lines[:3]) + b"\n")

    verdict = verify_ledger(folder, VerifyRules())

    assert verdict.failures == ()
    assert (verdict.size, verdict.root) == (1, root_of([leaf_hash(lines[0])]))
    assert verdict.unacknowledged_bytes == len(lines[1]) + len(lines[2]) + 2


def test_nothing_derived_is_believed(folder: Path, tmp_path: Path) -> None:
    """A closed segment is read although its index speaks for it; a missing one is noticed."""
    first = min(folder.glob("*.jsonl"))
    copy = shutil.copytree(folder, tmp_path / "copy")
    first.write_bytes(first.read_bytes().replace(b"number", b"nomber", 1))
    (copy / first.name).unlink()

    assert FailureKind.PAYLOAD_HASH in kinds(verify_ledger(folder, VerifyRules()))
    assert verify_ledger(copy, VerifyRules()).level is None


def test_what_is_no_ledger_is_missing(tmp_path: Path) -> None:
    """There is nothing to be verified."""
    with pytest.raises(LedgerMissingError):
        verify_ledger(tmp_path, VerifyRules())


def test_an_id_is_read_from_whatever_states_one() -> None:
    """And from nothing else."""
    assert id_of(b'{"id":"x","more":[1]}') == "x"
    for line in (b"", b"{}", b'{"id":1}', b"\xff", b"[" * 9_000, b'{"id":"\xff"}'):
        assert id_of(line) is None
