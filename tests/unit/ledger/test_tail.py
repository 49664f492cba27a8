"""The end of a ledger: what counts as never acknowledged, and what becomes of it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path

import pytest

from evidentia.errors import (
    LedgerBrokenError,
    LedgerDamagedError,
    LedgerError,
    LedgerFullError,
)
from evidentia.ledger import tail as module
from evidentia.ledger.disk import Disk
from evidentia.ledger.layout import segment_files
from evidentia.ledger.statements import RECOVERED, Signing
from evidentia.ledger.tail import (
    cut_off,
    kept_aside,
    open_tail,
    refused,
    write_hint,
)
from evidentia.log.acknowledged import read_note

from . import kit

NOW = "2026-11-27T12:00:00.000000Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger of four events."""
    kit.filled(tmp_path / "ledger", (1, 2, 3))
    return tmp_path / "ledger"


def extend(folder: Path, data: bytes) -> bytes:
    """Put bytes at the end; what was there before."""
    path = kit.last_segment(folder)
    before = path.read_bytes()
    path.write_bytes(before + data)
    return before


def recovered(folder: Path) -> list[dict[str, object]]:
    """What the ledger tells of cuts."""
    events = [json.loads(line) for line in kit.lines(folder)]
    return [each["payload"] for each in events if each["event_type"] == RECOVERED]


@pytest.mark.parametrize("data", [b"torn", bytes(5_000), b'{"a":1}' + bytes(9) + b"\n" + b"x\n"])
def test_what_was_never_acknowledged_is_kept_and_cut_and_told_of(data: bytes, folder: Path) -> None:
    """A torn line, and whatever the disk never wrote a part of."""
    before = extend(folder, data)

    kit.opened(folder).close()

    assert kit.last_segment(folder).read_bytes().startswith(before)
    (told,) = recovered(folder)
    assert (folder / str(told["kept_as"])).read_bytes() == data
    assert told["bytes"] == len(data)
    assert told["byte_offset"] == len(before)
    assert told["sha256"] == hashlib.sha256(data).hexdigest()


def test_half_a_batch_is_cut_off(folder: Path) -> None:
    """Events of a batch count together or not at all."""
    before = kit.last_segment(folder).read_bytes()
    hint = (folder / "acknowledged").read_bytes()
    with kit.opened(folder) as ledger:
        ledger.append(kit.drafts(4, 5, 6), kit.ALLOW)
    whole = kit.last_segment(folder).read_bytes()
    kit.last_segment(folder).write_bytes(whole[: whole.index(b'"id":"e6"')])
    (folder / "acknowledged").write_bytes(hint)

    tail = open_tail(folder, Disk())
    tail.close()

    assert (tail.index.size, tail.index.byte_end) == (4, len(before))
    assert tail.file_bytes == kit.last_segment(folder).stat().st_size


@pytest.mark.parametrize("signing", [Signing.NONE, Signing.HEADS, Signing.ROWS])
@pytest.mark.parametrize("lines", [1, 2])
def test_what_was_acknowledged_before_half_a_batch_stays(
    lines: int, signing: Signing, tmp_path: Path
) -> None:
    """In a segment that begins with ordinary events, which are checked a block at a time.

    The hint is behind after a power cut: nothing but the marks of the events tells them apart.
    """
    folder = tmp_path / "ledger"
    kit.filled(folder, (1, 2), signing)
    with kit.opened(folder, signing, segment_bytes_max=100) as ledger:
        ledger.append(kit.drafts(3), kit.ALLOW)
    with kit.opened(folder, signing) as ledger:
        ledger.append(kit.drafts(4), kit.ALLOW)
        ledger.abandon()
    hint = (folder / "acknowledged").read_bytes()
    before, size = kit.last_segment(folder).read_bytes(), len(kit.lines(folder))
    with kit.opened(folder, signing) as ledger:
        ledger.append(kit.drafts(5, 6, 7), kit.ALLOW)
        ledger.abandon()
    batch = kit.last_segment(folder).read_bytes()[len(before) :].splitlines(keepends=True)
    kit.last_segment(folder).write_bytes(before + b"".join(batch[:lines]))
    (folder / "acknowledged").write_bytes(hint)
    assert b"created" not in before

    tail = open_tail(folder, Disk())
    tail.close()

    assert (tail.index.size, tail.index.byte_end) == (size, len(before))


def test_a_wrong_line_is_damage_and_nothing_is_cut(folder: Path) -> None:
    """A whole line that does not hold was not left by a crash."""
    extend(folder, b'{"a":1}\n')
    before = kit.contents(folder)

    with pytest.raises(LedgerDamagedError, match="does not hold"):
        kit.opened(folder)

    assert kit.contents(folder) == before


@pytest.mark.parametrize("cut", [1, 200, 700])
def test_a_ledger_that_ends_before_what_was_acknowledged_is_left_as_it_is(
    cut: int, folder: Path
) -> None:
    """Even where its end looks torn: whoever looks into it finds everything as it was."""
    path = kit.last_segment(folder)
    path.write_bytes(path.read_bytes()[:-cut])
    before = kit.contents(folder)

    for _ in range(2):
        with pytest.raises(LedgerDamagedError, match="acknowledged up to byte"):
            kit.opened(folder)
        assert kit.contents(folder) == before


def test_a_ledger_that_ends_before_its_head_is_left_as_it_is(tmp_path: Path) -> None:
    """Without the hint it is the head that tells; nothing was cut before it was asked."""
    folder = tmp_path / "ledger"
    kit.filled(folder, (1, 2), Signing.HEADS)
    (folder / "acknowledged").unlink()
    path = kit.last_segment(folder)
    path.write_bytes(path.read_bytes()[:-5])
    before = kit.contents(folder)

    with pytest.raises(LedgerDamagedError, match="a head over 3 is known"):
        kit.opened(folder, Signing.HEADS)

    assert {**kit.contents(folder), "acknowledged": b""} == {**before, "acknowledged": b""}


def test_a_missing_last_segment_is_noticed(tmp_path: Path) -> None:
    """The hint names the segment that was last."""
    folder = tmp_path / "ledger"
    kit.filled(folder, range(1, 6), segment_bytes_max=900)
    kit.last_segment(folder).unlink()

    with pytest.raises(LedgerDamagedError, match="acknowledged up to byte"):
        kit.opened(folder)


@pytest.mark.parametrize("text", [b"", b"x", b"1 2", bytes(42), b"\xff" * 42])
def test_a_hint_that_is_not_whole_says_nothing(text: bytes, folder: Path) -> None:
    """A power cut may leave anything there; the ledger opens."""
    (folder / "acknowledged").write_bytes(text)

    kit.opened(folder).abandon()


def test_a_hint_is_read_as_it_was_written(folder: Path) -> None:
    """Two numbers in one write, so that a disk has both or none."""
    descriptor = os.open(folder / "acknowledged", os.O_WRONLY)
    write_hint(descriptor, 7, 2**40)
    os.close(descriptor)

    assert read_note(folder) == (7, 2**40)
    assert (folder / "acknowledged").stat().st_size < 512


def test_a_cut_that_a_crash_kept_from_being_told_is_told_later(folder: Path) -> None:
    """And once: what was kept is not kept again."""
    extend(folder, b"torn")
    tail = open_tail(folder, Disk())
    cut_off(tail, Disk(), NOW)
    tail.close()
    extend(folder, b"torn")
    tail = open_tail(folder, Disk())
    cut_off(tail, Disk(), NOW)
    assert len(kept_aside(tail)) == 1
    tail.close()
    extend(folder, b"other")

    kit.opened(folder).close()
    kit.opened(folder).close()

    assert sorted(str(told["bytes"]) for told in recovered(folder)) == ["4", "5"]
    assert len(list((folder / "broken").iterdir())) == 2


def test_two_cuts_of_one_moment_have_two_names(folder: Path) -> None:
    """A clock that stands still makes nothing be written over."""
    for data in (b"one", b"two", b"three"):
        extend(folder, data)
        tail = open_tail(folder, Disk())
        cut_off(tail, Disk(), NOW)
        tail.close()

    kept = {path.read_bytes() for path in (folder / "broken").iterdir()}

    assert kept == {b"one", b"two", b"three"}


def test_a_long_tail_is_kept_piece_by_piece(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with it, and all of it is kept."""
    monkeypatch.setattr(module, "_PIECE_BYTES", 7)
    data = bytes(range(32, 127)) * 3
    extend(folder, data)

    kit.opened(folder).close()

    (kept,) = (folder / "broken").iterdir()
    assert kept.read_bytes() == data


def test_a_nul_far_behind_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it is in what follows the wrong line."""
    monkeypatch.setattr(module, "_PIECE_BYTES", 64)
    extend(folder, b"garbage\n" + b"x" * 500 + b"\0")

    kit.opened(folder).close()

    assert len(recovered(folder)) == 1


def test_a_writer_that_knows_its_size_keeps_exactly_that(folder: Path) -> None:
    """Whole lines behind it are what it could not write, and are to be cut off."""
    (folder / "acknowledged").unlink()

    tail = open_tail(folder, Disk(), 2)
    tail.close()

    assert (tail.index.size, tail.chain.size) == (2, 2)
    assert tail.file_bytes > tail.index.byte_end


def test_a_writer_whose_events_are_gone_is_told(folder: Path) -> None:
    """What it acknowledged must be there when it reads the disk again."""
    with pytest.raises(LedgerDamagedError, match="9 events were acknowledged"):
        open_tail(folder, Disk(), 9)


class Refusing(Disk):
    """Refuses one of its operations."""

    def __init__(self, name: str, number: int) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        setattr(self, name, refuse)


@pytest.mark.parametrize("name", ["open_for_append", "sync", "cut", "replace", "sync_folder"])
@pytest.mark.parametrize(
    ("number", "kind"), [(errno.EIO, LedgerBrokenError), (errno.ENOSPC, LedgerFullError)]
)
def test_a_disk_that_refuses_is_an_error_of_ours(
    name: str, number: int, kind: type[LedgerError], folder: Path
) -> None:
    """And the ledger opens once it does no more, with everything it had."""
    before = extend(folder, b"torn")

    with pytest.raises(kind):
        kit.opened(folder, disk=Refusing(name, number))
    kit.opened(folder).close()

    assert kit.last_segment(folder).read_bytes().startswith(before)
    assert [told["bytes"] for told in recovered(folder)] == [4]


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, LedgerFullError),
        (errno.EDQUOT, LedgerFullError),
        (errno.EFBIG, LedgerFullError),
        (errno.EIO, LedgerBrokenError),
        (errno.EROFS, LedgerBrokenError),
        (None, LedgerBrokenError),
    ],
)
def test_only_a_want_of_room_passes_by_itself(
    number: int | None, kind: type[LedgerError], tmp_path: Path
) -> None:
    """All else kills the writer."""
    error = OSError("odd") if number is None else OSError(number, os.strerror(number))

    assert type(refused(error, tmp_path)) is kind


def test_closing_a_tail_twice_is_fine(folder: Path) -> None:
    """And closes nobody else's file."""
    tail = open_tail(folder, Disk())
    tail.close()
    other = os.open(folder / "lock", os.O_RDONLY)

    tail.close()

    os.fstat(other)
    os.close(other)
    assert tail.file == segment_files(folder)[-1]
