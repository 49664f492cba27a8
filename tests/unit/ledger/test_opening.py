"""The two doors of a ledger."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from evidentia.errors import (
    LedgerBrokenError,
    LedgerDamagedError,
    LedgerError,
    LedgerHeldError,
    LedgerMissingError,
    RejectionError,
)
from evidentia.ledger.disk import Disk
from evidentia.ledger.opening import create_ledger, open_ledger
from evidentia.ledger.reading import created_of
from evidentia.ledger.statements import Signing
from evidentia.proof.keys import HmacSigner

from . import kit


@pytest.mark.parametrize("signing", list(Signing))
def test_a_ledger_is_made_and_opened(signing: Signing, tmp_path: Path) -> None:
    """Its first event says which ledger it is and how it signs; of secrets it says nothing."""
    folder = kit.created(tmp_path / "ledger", signing)

    with kit.opened(folder, signing) as ledger:
        assert (ledger.origin, ledger.size) == (kit.ORIGIN, 1)

    created = created_of(folder)
    assert (created.origin, created.signing) == (kit.ORIGIN, signing)
    is_public = signing in {Signing.HEADS, Signing.ROWS}
    assert created.verifier_key == (kit.signer().verifier.format() if is_public else None)


@pytest.mark.parametrize("events", [0, 5])
def test_a_ledger_is_made_once(events: int, tmp_path: Path) -> None:
    """What is there stays as it is."""
    folder = tmp_path / "ledger"
    kit.filled(folder, range(events), segment_bytes_max=900)
    before = kit.contents(folder)

    with pytest.raises(LedgerError, match="already"):
        kit.created(folder)

    assert kit.contents(folder) == before


@pytest.mark.parametrize("data", [b"", b'{"domain_tags":[]', bytes(200)])
def test_one_that_a_crash_left_without_its_first_event_is_finished(
    data: bytes, tmp_path: Path
) -> None:
    """It does not open until then; what was there of the event is kept aside."""
    folder = tmp_path / "ledger"
    folder.mkdir()
    (folder / f"{0:020d}.jsonl").write_bytes(data)
    with pytest.raises(LedgerMissingError):
        kit.opened(folder)

    kit.created(folder)

    assert len(kit.lines(folder)) == 1
    assert [path.read_bytes() for path in folder.glob("broken/*")] == ([data] if data else [])


def test_what_is_no_ledger_is_not_written_over(tmp_path: Path) -> None:
    """A file of that name with other lines is refused as it is."""
    folder = tmp_path / "ledger"
    folder.mkdir()
    path = folder / f"{0:020d}.jsonl"
    path.write_bytes(b'{"somebody": "elses"}\n')

    with pytest.raises(LedgerDamagedError):
        kit.created(folder)

    assert path.read_bytes() == b'{"somebody": "elses"}\n'


@pytest.mark.parametrize("name", ["", "with space", "with+plus"])
def test_an_origin_must_do_as_the_name_of_a_key(name: str, tmp_path: Path) -> None:
    """Also where the ledger does not sign yet."""
    with pytest.raises(RejectionError):
        create_ledger(tmp_path / "ledger", name, Signing.NONE, kit.options())


def test_a_ledger_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """No folder, an empty folder, a file."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()

    for name in ("nothing", "empty", "file"):
        with pytest.raises(LedgerMissingError):
            kit.opened(tmp_path / name)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("signing", list(Signing))
def test_the_key_must_be_of_the_sort_that_the_ledger_needs(
    signing: Signing, tmp_path: Path
) -> None:
    """For making it and for opening it, and refused before anything is changed."""
    folder = kit.created(tmp_path / "ledger", signing)
    before = kit.contents(folder)
    wrong = [kit.signer(2), HmacSigner(kit.ORIGIN, b"\x07" * 32), kit.signer(1, "another"), None]
    mine = kit.key_for(signing)

    for key in wrong:
        if (key and key.verifier) == (mine and mine.verifier):
            continue
        options = kit.options(signing, signer=key)
        with pytest.raises(RejectionError):
            open_ledger(folder, options)
        assert kit.contents(folder) == before


def test_a_key_of_another_name_makes_no_ledger(tmp_path: Path) -> None:
    """Origin and key name are one."""
    options = kit.options(Signing.HEADS, signer=kit.signer(1, "another"))

    with pytest.raises(RejectionError, match="named another"):
        create_ledger(tmp_path / "ledger", kit.ORIGIN, Signing.HEADS, options)

    assert not (tmp_path / "ledger").exists()


def test_a_ledger_has_one_writer(tmp_path: Path) -> None:
    """Until the first lets go of it, however it does."""
    folder = kit.created(tmp_path / "ledger")
    for let_go in ("close", "abandon"):
        ledger = kit.opened(folder)
        with pytest.raises(LedgerHeldError):
            kit.opened(folder)
        getattr(ledger, let_go)()
        getattr(ledger, let_go)()


def test_a_refused_ledger_is_let_go_of(tmp_path: Path) -> None:
    """Whoever has the right key can open it then."""
    folder = kit.created(tmp_path / "ledger", Signing.HEADS)

    with pytest.raises(RejectionError):
        kit.opened(folder, Signing.HEADS, signer=kit.signer(2))

    kit.opened(folder, Signing.HEADS).abandon()


class Refusing(Disk):
    """Writes nothing."""

    def sync_folder(self, path: Path) -> None:
        """Refuse the parent only."""
        if path.name != "ledger":
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def write_all(self, descriptor: int, data: bytes) -> None:
        """Refuse."""
        super().write_all(descriptor, data[:5])
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_disk_that_refuses_makes_no_ledger(tmp_path: Path) -> None:
    """The error is ours, and a second try makes it."""
    disk = Refusing()
    with pytest.raises(LedgerBrokenError):
        kit.created(tmp_path / "ledger", disk=disk)
    disk.sync_folder = Disk().sync_folder  # type: ignore[method-assign]
    with pytest.raises(LedgerBrokenError):
        kit.created(tmp_path / "ledger", disk=disk)

    kit.created(tmp_path / "ledger")

    assert len(kit.lines(tmp_path / "ledger")) == 1


def test_a_parent_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """Only the ledger's own folder is."""
    with pytest.raises(LedgerError):
        kit.created(tmp_path / "nothing" / "ledger")


def test_a_hint_that_cannot_be_opened_is_done_without(tmp_path: Path) -> None:
    """It is only a hint; appending goes on, and so does opening again."""
    folder = kit.created(tmp_path / "ledger")
    (folder / "acknowledged").mkdir()

    with kit.opened(folder) as ledger:
        ledger.append(kit.drafts(1), kit.ALLOW)

    with kit.opened(folder) as ledger:
        assert ledger.size == 2
