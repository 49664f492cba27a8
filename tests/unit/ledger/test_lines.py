"""Lines of a segment with their places, in bounded memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.errors import LedgerError
from evidentia.ledger import lines as module
from evidentia.ledger.layout import segment_file
from evidentia.ledger.lines import Line, lines_of


@given(
    raws=st.lists(st.binary(max_size=40).filter(lambda raw: b"\n" not in raw), max_size=12),
    torn=st.binary(max_size=20).filter(lambda raw: b"\n" not in raw),
    block=st.integers(1, 64),
)
def test_lines_are_the_file_whatever_the_blocks(
    raws: list[bytes], torn: bytes, block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Joined again they give every byte, and each knows where it begins and ends."""
    file = segment_file(tmp_path_factory.mktemp("lines"), 0)
    data = b"".join(raw + b"\n" for raw in raws) + torn
    file.path.write_bytes(data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_BYTES", block)
        found = list(lines_of(file))

    assert [line.raw for line in found] == raws + ([torn] if torn else [])
    assert [line.is_whole for line in found] == [True] * len(raws) + ([False] if torn else [])
    for line in found:
        stretch = data[line.byte_offset : line.byte_end]
        assert stretch == line.raw + (b"\n" if line.is_whole else b"")


def test_reading_begins_at_a_byte(tmp_path: Path) -> None:
    """Places are those in the file, not those since the beginning of the reading."""
    file = segment_file(tmp_path, 0)
    file.path.write_bytes(b"one\ntwo\n")

    assert list(lines_of(file, 4)) == [Line(file.path, 4, b"two")]


def test_what_is_too_long_for_a_line_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is broken off, and nothing behind it is read."""
    monkeypatch.setattr(module, "_BLOCK_BYTES", 16)
    monkeypatch.setattr(module, "_HELD_BYTES_MAX", 32)
    file = segment_file(tmp_path, 0)
    file.path.write_bytes(b"one\n" + b"x" * 1_000 + b"\ntwo\n")

    found = list(lines_of(file))

    assert [line.is_whole for line in found] == [True, False]
    assert len(found[1].raw) < 64


def test_a_segment_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    """With its path, as an error of ours."""
    file = segment_file(tmp_path, 0)

    with pytest.raises(LedgerError, match="cannot be read") as caught:
        list(lines_of(file))
    assert caught.value.where == str(file.path)
