"""Tree heads of a ledger: read back first, never contradicting each other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evidentia.errors import LedgerBrokenError, LedgerDamagedError
from evidentia.ledger.heads import read_head
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import KeptHead
from evidentia.proof.head import open_head
from evidentia.proof.tree import leaf_hash, root_of

from . import kit


def root(folder: Path, size: int | None = None) -> bytes:
    """The root of what lies on the disk."""
    return root_of(map(leaf_hash, kit.lines(folder)[:size]))


@pytest.mark.parametrize("signing", [Signing.HEADS, Signing.ROWS, Signing.HMAC])
def test_a_head_is_signed_over_the_lines_and_kept_in_two_places(
    signing: Signing, tmp_path: Path
) -> None:
    """In its file and by the keeper, and another one at closing."""
    folder, keeper = kit.created(tmp_path / "ledger", signing), kit.MemoryKeeper()
    key = kit.key_for(signing)
    assert key is not None
    with kit.opened(folder, signing, keeper=keeper) as ledger:
        ledger.append(kit.drafts(1), kit.ALLOW)
        head = ledger.sign_head()
        assert (head.size, head.root) == (2, root(folder))
        assert open_head((folder / "head").read_bytes(), [key.verifier]).head == head
        ledger.append(kit.drafts(2), kit.ALLOW)

    found, kept = read_head(folder, [key.verifier]), keeper.last(kit.ORIGIN)

    assert found is not None
    assert kept is not None
    assert (found.size, found.root) == (kept.size, kept.root) == (3, root(folder))
    assert kept.note == (folder / "head").read_bytes()


def test_a_ledger_that_does_not_sign_keeps_its_head_elsewhere(tmp_path: Path) -> None:
    """Without a signature; and in no place at all, where there is none."""
    folder, keeper = kit.created(tmp_path / "ledger"), kit.MemoryKeeper()
    with kit.opened(folder) as ledger:
        assert ledger.sign_head().size == 1
    with kit.opened(folder, keeper=keeper):
        pass

    assert not (folder / "head").exists()
    assert keeper.last(kit.ORIGIN) == KeptHead(
        origin=kit.ORIGIN, size=1, root=root(folder), note=b""
    )
    assert read_head(folder, []) is None


def test_a_head_is_signed_after_so_many_events(tmp_path: Path) -> None:
    """Counted from the last one, over the batch that made it due."""
    folder = kit.created(tmp_path / "ledger", Signing.HEADS)
    sizes = []
    ledger = kit.opened(folder, Signing.HEADS, head_events=3)
    for number in range(1, 8):
        ledger.append(kit.drafts(number), kit.ALLOW)
        head = read_head(folder, [kit.signer().verifier])
        sizes.append(head.size if head else 0)
    ledger.abandon()

    assert sizes == [0, 3, 3, 3, 6, 6, 6]


def test_what_the_disk_does_not_hold_is_not_signed(tmp_path: Path) -> None:
    """A flipped bit, a missing end and a missing newline are found by reading back."""
    folder = kit.created(tmp_path / "ledger", Signing.HEADS)
    ledger = kit.opened(folder, Signing.HEADS)
    ledger.append(kit.drafts(1), kit.ALLOW)
    path = kit.last_segment(folder)
    data = path.read_bytes()
    first = data[: data.index(b"\n") + 1]
    for changed in (data.replace(b"number", b"nomber"), data[:-1], data[:-100], first):
        path.write_bytes(changed)
        ledger._is_stale = False
        with pytest.raises(LedgerDamagedError, match="no head was signed"):
            ledger.sign_head()
    ledger.abandon()

    assert read_head(folder, [kit.signer().verifier]) is None


@pytest.mark.parametrize("data", [b"garbage", b"\xff"])
def test_a_head_that_is_none_is_damage(data: bytes, tmp_path: Path) -> None:
    """So is one that another key signed."""
    folder = tmp_path / "ledger"
    kit.filled(folder, (1,), Signing.HEADS)
    with pytest.raises(LedgerDamagedError, match="does not hold"):
        read_head(folder, [kit.signer(2).verifier])
    (folder / "head").write_bytes(data)

    with pytest.raises(LedgerDamagedError, match="does not hold"):
        kit.opened(folder, Signing.HEADS)


def test_a_head_that_cannot_be_read_is_an_error_of_ours(tmp_path: Path) -> None:
    """It is not taken for a missing one."""
    folder = kit.created(tmp_path / "ledger", Signing.HEADS)
    (folder / "head").mkdir()

    with pytest.raises(LedgerBrokenError):
        kit.opened(folder, Signing.HEADS)


def test_an_older_copy_is_refused(tmp_path: Path) -> None:
    """By the head in the folder if that is newer, and else by the one that is kept elsewhere."""
    folder, keeper = tmp_path / "ledger", kit.MemoryKeeper()
    kit.filled(folder, (1, 2), Signing.HEADS, keeper=keeper)
    shutil.copytree(folder, tmp_path / "older")
    with kit.opened(folder, Signing.HEADS, keeper=keeper) as ledger:
        ledger.append(kit.drafts(3), kit.ALLOW)

    with pytest.raises(LedgerDamagedError, match="a head over 4 is known"):
        kit.opened(tmp_path / "older", Signing.HEADS, keeper=keeper)
    shutil.copy(folder / "head", tmp_path / "older" / "head")
    with pytest.raises(LedgerDamagedError, match="a head over 4 is known"):
        kit.opened(tmp_path / "older", Signing.HEADS)


def test_another_history_of_the_same_size_is_refused(tmp_path: Path) -> None:
    """By its root; and a head of another ledger by its origin."""
    mine, other, keeper = tmp_path / "mine", tmp_path / "other", kit.MemoryKeeper()
    kit.filled(mine, (1, 2), keeper=keeper)
    kit.filled(other, (1, 3))

    with pytest.raises(LedgerDamagedError, match="are not those"):
        kit.opened(other, keeper=keeper)

    keeper.kept[kit.ORIGIN] = KeptHead(origin="another", size=1, root=root(mine, 1), note=b"")
    with pytest.raises(LedgerDamagedError, match="the head is one of another"):
        kit.opened(mine, keeper=keeper)


def test_two_copies_that_both_go_on_do_not_both_sign(tmp_path: Path) -> None:
    """The second sees the first's head before it signs one of its own."""
    mine, copy, keeper = tmp_path / "mine", tmp_path / "copy", kit.MemoryKeeper()
    kit.filled(mine, (1,), Signing.HEADS, keeper=keeper)
    shutil.copytree(mine, copy)
    first = kit.opened(mine, Signing.HEADS, keeper=keeper)
    second = kit.opened(copy, Signing.HEADS, keeper=keeper)
    for ledger, number in ((first, 2), (second, 3)):
        ledger.append(kit.drafts(number), kit.ALLOW)
    head = first.sign_head()
    before = (copy / "head").read_bytes()

    with pytest.raises(LedgerDamagedError, match="are not those"):
        second.sign_head()
    second.abandon()
    first.close()

    kept = keeper.last(kit.ORIGIN)
    assert kept is not None
    assert (kept.size, kept.root) == (head.size, head.root)
    assert (copy / "head").read_bytes() == before


def test_a_crash_before_the_keeper_has_the_head_is_made_up_for(tmp_path: Path) -> None:
    """The ledger extends the older one that is kept, and the next head is kept again."""
    folder, keeper = tmp_path / "ledger", kit.MemoryKeeper()
    kit.filled(folder, (1,), Signing.HEADS, keeper=keeper)
    with kit.opened(folder, Signing.HEADS) as ledger:
        ledger.append(kit.drafts(2), kit.ALLOW)

    with kit.opened(folder, Signing.HEADS, keeper=keeper):
        pass

    kept = keeper.last(kit.ORIGIN)
    assert kept is not None
    assert kept.size == 3


def test_the_first_head_after_a_rotation_is_signed_by_both_keys(tmp_path: Path) -> None:
    """So that whoever knows the old key learns the new one; the next one by the new key only."""
    folder = kit.created(tmp_path / "ledger", Signing.HEADS)
    old, new = kit.signer(1), kit.signer(2)
    with kit.opened(folder, Signing.HEADS) as ledger:
        ledger.rotate_key(new, kit.ALLOW)
        ledger.sign_head()
        both = open_head((folder / "head").read_bytes(), [old.verifier, new.verifier])
        ledger.append(kit.drafts(1), kit.ALLOW)

    last = open_head((folder / "head").read_bytes(), [old.verifier, new.verifier])

    assert set(both.keys) == {old.verifier, new.verifier}
    assert last.keys == (new.verifier,)
    kit.opened(folder, Signing.HEADS, signer=new).close()
    assert json.loads(kit.lines(folder)[1])["signature"]["key_id"].endswith(old.verifier.key_id)
