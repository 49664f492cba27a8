"""Lines of files as commands read them: every byte in one line, with its place."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.app.line_source import lines_of_files
from evidentia.errors import LogMissingError
from evidentia.log.values import Limits


@given(data=st.binary(max_size=200), block_bytes=st.integers(1, 40))
def test_the_lines_give_the_file_back(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, block_bytes: int
) -> None:
    """Raw bytes and newlines, one after the other, are the file; places and numbers fit."""
    data = data.replace(b"\0", b"0")
    path = tmp_path_factory.mktemp("lines") / "a"
    path.write_bytes(data)

    lines = list(lines_of_files(str(path), Limits(block_bytes=block_bytes)))

    assert b"".join(each.raw + b"\n" * each.has_newline for each in lines) == data
    assert [each.line_no for each in lines] == list(range(1, len(lines) + 1))
    assert all(data[each.byte_offset :].startswith(each.raw) for each in lines)
    assert not any(each.problem for each in lines)


def test_compressed_files_are_read_as_what_they_hold(tmp_path: Path) -> None:
    """A glob gives file by file, in the order of rotation."""
    (tmp_path / "a.jsonl").write_bytes(b"three")
    (tmp_path / "a.jsonl.1.gz").write_bytes(gzip.compress(b"one\ntwo\n"))

    lines = list(lines_of_files(f"{tmp_path}/a*", Limits()))

    assert [(each.raw, each.line_no, each.byte_offset) for each in lines] == [
        (b"one", 1, 0),
        (b"two", 2, 4),
        (b"three", 1, 0),
    ]


def test_what_cannot_be_read_whole_says_so(tmp_path: Path) -> None:
    """A line over the limit, a run of NULs, and an archive that breaks off are not silent."""
    (tmp_path / "long").write_bytes(b"ok\n" + b"x" * 200 + b"\nafter\n")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"one\ntwo\nthree\n")[:-12])
    limits = Limits(line_bytes_max=100, block_bytes=50)

    long = list(lines_of_files(str(tmp_path / "long"), limits))
    cut = list(lines_of_files(str(tmp_path / "cut.gz"), Limits()))

    assert [each.problem for each in long] == [
        "",
        "the line has 201 bytes, more than the limit",
        "",
    ]
    assert long[1].raw == b"x" * 200
    assert cut[-1].problem.startswith("the archive breaks off here")


def test_no_file_is_an_error(tmp_path: Path) -> None:
    """A name and a pattern that lead to nothing are told alike."""
    for name in ("absent", "absent*"):
        with pytest.raises(LogMissingError):
            list(lines_of_files(str(tmp_path / name), Limits()))
