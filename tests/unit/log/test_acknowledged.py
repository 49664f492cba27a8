"""What a ledger's writer has not acknowledged is not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidentia.event.values import ByteOffset, LineNumber
from evidentia.log.acknowledged import acknowledged_bytes, format_note, read_note
from evidentia.log.discovery import look_at
from evidentia.log.reader import read_pieces
from evidentia.log.values import Block, Limits, LogSource, Tail

FIRST = f"{0:020d}.jsonl"
SECOND = f"{7:020d}.jsonl"


def note(folder: Path, first_sequence: int, byte_end: int) -> None:
    """Leave the note of a writer."""
    (folder / "acknowledged").write_bytes(format_note(first_sequence, byte_end))


def read(path: Path) -> bytes:
    """What is read of a file."""
    file = look_at(path, LogSource(pattern=str(path), pack="cortex"))
    assert file is not None
    pieces = read_pieces(
        file,
        start=ByteOffset(0),
        first_line=LineNumber(1),
        limits=Limits(),
        is_closed=False,
    )
    found = list(pieces)
    assert not any(isinstance(each, Tail) for each in found)
    return b"".join(each.data for each in found if isinstance(each, Block))


def test_a_segment_is_read_up_to_the_note(tmp_path: Path) -> None:
    """Lines behind it may be cut off again, so they are left alone until they are acknowledged."""
    path = tmp_path / FIRST
    path.write_bytes(b'{"a":1}\n{"a":2}\n{"torn')
    note(tmp_path, 0, 8)

    assert read(path) == b'{"a":1}\n'
    note(tmp_path, 0, 16)
    assert read(path) == b'{"a":1}\n{"a":2}\n'


def test_segments_before_the_note_are_read_whole_and_those_after_it_not_at_all(
    tmp_path: Path,
) -> None:
    """A closed segment was acknowledged to its end, a new one not yet."""
    for name in (FIRST, SECOND):
        (tmp_path / name).write_bytes(b"{}\n")
    note(tmp_path, 7, 0)
    assert read(tmp_path / FIRST) == b"{}\n"
    assert read(tmp_path / SECOND) == b""

    note(tmp_path, 0, 3)
    assert read(tmp_path / SECOND) == b""


@pytest.mark.parametrize("text", [b"", b"torn", b"00000000000000000000 0000000000000000000"])
def test_a_note_that_was_torn_limits_nothing(tmp_path: Path, text: bytes) -> None:
    """A power cut may leave no note or half of one."""
    (tmp_path / "acknowledged").write_bytes(text)

    assert read_note(tmp_path) is None
    assert acknowledged_bytes(tmp_path / FIRST) is None


def test_a_log_that_is_no_segment_is_read_to_its_end(tmp_path: Path) -> None:
    """A file of that name beside any other log means nothing."""
    path = tmp_path / "other.jsonl"
    path.write_bytes(b"{}\n{}\n")
    note(tmp_path, 0, 3)

    assert read(path) == b"{}\n{}\n"
