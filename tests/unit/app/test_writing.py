"""New files: whole or not at all, and never in place of another by accident."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evidentia.app.writing import write_new
from evidentia.errors import EvidentiaError, UsageError


def test_a_new_file_is_written_whole(tmp_path: Path) -> None:
    """Its bytes are counted, and nothing else is left in the folder."""
    size = write_new(tmp_path / "a", [b"one\n", b"two\n"])

    assert (size, (tmp_path / "a").read_bytes()) == (8, b"one\ntwo\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """Nor is a link that leads nowhere; nothing is left behind."""
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "b").symlink_to("nowhere")

    for name in "ab":
        with pytest.raises(UsageError, match="exists and is not overwritten"):
            write_new(tmp_path / name, [b"new"])

    assert (tmp_path / "a").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    """The last step refuses as the first does."""

    def parts() -> Iterator[bytes]:
        (tmp_path / "a").write_bytes(b"other")
        yield b"mine"

    with pytest.raises(UsageError, match="exists and is not overwritten"):
        write_new(tmp_path / "a", parts())

    assert (tmp_path / "a").read_bytes() == b"other"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_overwriting_must_be_asked_for_and_replaces_at_the_end(tmp_path: Path) -> None:
    """A reader sees the old bytes or the new ones."""
    (tmp_path / "a").write_bytes(b"old")
    seen: list[bytes] = []

    def parts() -> Iterator[bytes]:
        yield b"new"
        seen.append((tmp_path / "a").read_bytes())

    write_new(tmp_path / "a", parts(), is_overwriting=True)

    assert seen == [b"old"]
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("is_overwriting", [False, True])
def test_what_fails_leaves_nothing(tmp_path: Path, *, is_overwriting: bool) -> None:
    """The error of whoever makes the bytes goes through."""

    def parts() -> Iterator[bytes]:
        yield b"x"
        raise EvidentiaError("no more")

    with pytest.raises(EvidentiaError, match="no more"):
        write_new(tmp_path / "a", parts(), is_overwriting=is_overwriting)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    """It is named, and is not made."""
    with pytest.raises(UsageError, match="folder"):
        write_new(tmp_path / "no" / "a", [b"x"])
