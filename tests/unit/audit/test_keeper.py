"""The store keeps a ledger's last head, so that an older copy of the ledger is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from evidentia.audit.keeper import StoreKeeper
from evidentia.errors import LedgerDamagedError, LedgerError, StoreError
from evidentia.ledger.values import KeptHead
from evidentia.store.writer import StoreWriter

from .mirror_kit import ALLOW, ORIGIN, Mirror, draft

FIRST = KeptHead(origin=ORIGIN, size=3, root=b"\x01" * 32, note=b"signed")
NEXT = replace(FIRST, size=5, root=b"\x02" * 32)


def append_kept(mirror: Mirror, number: int) -> None:
    """Append with the store as keeper, and close the ledger, which keeps its head."""
    with mirror.writer() as writer, mirror.ledger(StoreKeeper(writer)) as ledger:
        ledger.append([draft(number)], ALLOW)


def test_a_head_is_kept_and_followed(mirror: Mirror) -> None:
    """What was put is what is last, and the next one takes its place."""
    with mirror.writer() as writer:
        keeper = StoreKeeper(writer)
        before = keeper.last(ORIGIN)
        keeper.replace(None, FIRST)
        keeper.replace(FIRST, NEXT)

        assert (before, keeper.last(ORIGIN)) == (None, NEXT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, NEXT),
        (replace(FIRST, size=2), NEXT),
        (FIRST, replace(NEXT, size=2)),
        (FIRST, replace(FIRST, root=bytes(32))),
    ],
)
def test_a_head_that_does_not_follow_is_refused_and_both_are_named(mirror: Mirror, old, new):
    """The message says what the ledger has, what is kept, and what may have happened."""
    with mirror.writer() as writer:
        keeper = StoreKeeper(writer)
        keeper.replace(None, FIRST)

        with pytest.raises(
            LedgerDamagedError, match=r"older or other copy .* was put back"
        ) as seen:
            keeper.replace(old, new)

        assert keeper.last(ORIGIN) == FIRST
    assert f"{new.size} events" in seen.value.what
    assert f"3 events with root {FIRST.root.hex()}" in seen.value.what


def test_a_store_that_fails_is_an_error_of_the_ledger(mirror: Mirror, monkeypatch) -> None:
    """The ledger's callers catch ledger errors; the store's cause and advice stay."""

    def fail(*_: object) -> None:
        raise StoreError("the store is out", fix="plug it in")

    with mirror.writer() as writer:
        monkeypatch.setattr(StoreWriter, "replace_tree_head", fail)
        with pytest.raises(LedgerError, match=r"cannot be kept .* the store is out") as seen:
            StoreKeeper(writer).replace(None, FIRST)

    assert seen.value.fix == "plug it in"


def test_an_older_copy_of_the_ledger_is_refused_at_open(mirror: Mirror) -> None:
    """Obligation 3: yesterday's backup of the folder does not fit the head in the store."""
    append_kept(mirror, 0)
    backup = mirror.folder / "backup"
    shutil.copytree(mirror.ledger_folder, backup)
    append_kept(mirror, 1)
    shutil.rmtree(mirror.ledger_folder)
    shutil.copytree(backup, mirror.ledger_folder)

    with mirror.writer() as writer, pytest.raises(LedgerDamagedError):
        mirror.ledger(StoreKeeper(writer))


def test_the_ledger_itself_goes_on(mirror: Mirror) -> None:
    """The control of the test above: without a restore the same steps are accepted."""
    append_kept(mirror, 0)
    append_kept(mirror, 1)

    with mirror.store.reader() as reader:
        (head,) = reader.tree_heads()
    assert (head.origin, head.size) == (ORIGIN, 3)
