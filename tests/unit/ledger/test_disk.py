"""What a ledger does to a disk: whole writes, whole files, and no second try."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from evidentia.ledger.disk import Disk, Guard, opened_for_reading


def test_a_file_opened_for_append_is_only_appended_to(tmp_path: Path) -> None:
    """Wherever the descriptor stands, bytes go to the end."""
    path = tmp_path / "f"
    path.write_bytes(b"one")
    descriptor = Disk().open_for_append(path)

    os.lseek(descriptor, 0, os.SEEK_SET)
    Disk().write_all(descriptor, b"two")
    os.close(descriptor)

    assert path.read_bytes() == b"onetwo"


def test_a_new_file_is_never_an_old_one(tmp_path: Path) -> None:
    """A segment that is to be made anew must not be there."""
    path = tmp_path / "f"
    path.write_bytes(b"")

    with pytest.raises(FileExistsError):
        Disk().open_for_append(path, is_new=True)


def test_a_short_write_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may write less than it was given; the rest follows, and nothing twice."""
    path = tmp_path / "f"
    descriptor = Disk().open_for_append(path, is_new=True)
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, bytes(data[:3])))

    Disk().write_all(descriptor, b"0123456789")
    os.close(descriptor)

    assert path.read_bytes() == b"0123456789"


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault before the rename leaves the old file; the descriptor is closed all the same."""
    path = tmp_path / "f"
    Disk().replace(path, b"old")

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="no"):
        Disk().replace(path, b"new")

    assert path.read_bytes() == b"old"


def test_a_file_is_replaced_piece_by_piece(tmp_path: Path) -> None:
    """What is too large to hold is handed over in pieces."""

    def pieces() -> Iterator[bytes]:
        yield b"one "
        yield b"two"

    Disk().replace(tmp_path / "f", pieces())

    assert (tmp_path / "f").read_bytes() == b"one two"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_cut_file_has_the_size_that_was_asked_for(tmp_path: Path) -> None:
    """Bytes behind the cut are gone, those before it stay."""
    path = tmp_path / "f"
    path.write_bytes(b"0123456789")
    descriptor = Disk().open_for_append(path)

    Disk().cut(descriptor, 4)
    os.close(descriptor)

    assert path.read_bytes() == b"0123"


@pytest.mark.parametrize(("user", "name"), [(0, "f_bfree"), (1000, "f_bavail")])
def test_free_space_is_what_this_user_may_use(
    user: int, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may use the blocks that are set aside for it, others may not."""
    descriptor = Disk().open_for_append(tmp_path / "f", is_new=True)
    found = os.fstatvfs(descriptor)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "fstatvfs", lambda _: found)

    assert Disk().free_bytes(descriptor) == found.f_frsize * getattr(found, name)
    os.close(descriptor)


def test_a_cache_that_cannot_be_dropped_is_no_failure() -> None:
    """It is advice; a file system may not take it."""
    Disk().forget_cached(-1)


def test_a_descriptor_for_reading_is_closed_after_a_failure(tmp_path: Path) -> None:
    """Whatever goes wrong while it is read."""
    path = tmp_path / "f"
    path.write_bytes(b"x")

    with pytest.raises(RuntimeError, match="stop"), opened_for_reading(path) as descriptor:
        raise RuntimeError("stop")

    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)


def test_a_guard_tells_of_what_ends_its_block_and_lets_it_go_on() -> None:
    """What goes well is not told of."""
    told: list[BaseException] = []
    guard = Guard(told.append)

    with guard:
        pass
    with pytest.raises(KeyboardInterrupt), guard:
        raise KeyboardInterrupt

    assert [type(each) for each in told] == [KeyboardInterrupt]
