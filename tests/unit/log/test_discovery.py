"""Discovery: from the allow-list to one file per device and inode."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from evidentia.errors import LogError, LogMissingError, LogUnreadableError
from evidentia.log.discovery import Discovery, discover
from evidentia.log.values import Compression, LogSource


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of real path, and the working folder."""
    real = Path(os.path.realpath(tmp_path))
    monkeypatch.chdir(real)
    return real


def look(*patterns: str) -> Discovery:
    """Discover with one source per pattern."""
    return discover([LogSource(pattern=pattern, pack="world") for pattern in patterns])


def kinds(problems: tuple[LogError, ...]) -> list[tuple[type[LogError], str | None]]:
    """What was wrong, and where."""
    return [(type(problem), problem.where) for problem in problems]


def test_every_way_to_name_a_file_gives_one_log(folder: Path) -> None:
    """IN-11, M20: relative, absolute, linked and doubly globbed names are aliases of one log."""
    Path("a.json").write_bytes(b"{}\n")
    Path("soft.json").symlink_to("a.json")
    os.link("a.json", "hard.json")
    (folder / "sub").mkdir()

    result = look("a.json", f"{folder}/a.json", "soft.json", "*.json", "sub/../a.json", "[ah]*")

    assert result.problems == ()
    assert [file.path for file in result.files] == [folder / "a.json"]
    assert result.files[0].names == (
        "a.json", f"{folder}/a.json", "soft.json", "hard.json", "sub/../a.json",
    )  # fmt: skip


def test_the_first_source_that_reaches_a_file_decides_its_pack() -> None:
    """IN-11: overlapping entries of the allow-list do not read a file twice, under two packs."""
    Path("a.json").touch()
    Path("b.json").touch()
    sources = [LogSource(pattern="b.json", pack="cowrie"), LogSource(pattern="*", pack="world")]

    result = discover(sources)

    assert [(file.path.name, file.source.pack) for file in result.files] == [
        ("a.json", "world"),
        ("b.json", "cowrie"),
    ]


def test_a_file_carries_what_the_system_says_about_it(folder: Path) -> None:
    """M30: identity hints and size come from the file; its time is only for people."""
    path = folder / "a.json"
    path.write_bytes(b"{}\n")
    os.utime(path, ns=(0, 4_070_908_800_123_456_789))

    (file,) = look("a.json").files

    status = path.stat()
    assert (file.device, file.inode, file.size) == (status.st_dev, status.st_ino, 3)
    assert file.mtime_us == 4_070_908_800_123_456


def test_a_symbolic_link_leads_to_the_file_and_not_to_the_link(folder: Path) -> None:
    """M18: the path is the real one, so switching the link later switches to another log."""
    (folder / "real").mkdir()
    (folder / "real" / "today.json").touch()
    (folder / "link").symlink_to("real")
    Path("current.json").symlink_to("link/today.json")

    (file,) = look("current.json").files

    assert file.path == folder / "real" / "today.json"
    assert file.names == ("current.json",)


def test_what_is_no_file_is_a_problem_and_the_others_go_on(folder: Path) -> None:
    """M19: each unusable path has an error of its own kind, and none of them stops the rest."""
    Path("good.json").touch()
    Path("folder.json").mkdir()
    os.mkfifo("fifo.json")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.json")
    Path("dangling.json").symlink_to("nowhere")
    Path("loop.json").symlink_to("loop.json")

    result = look("*.json", "missing.json", "q*.log", "/dev/null")

    assert [file.path for file in result.files] == [folder / "good.json"]
    assert kinds(result.problems) == [
        (LogMissingError, "dangling.json"),
        (LogUnreadableError, "fifo.json"),
        (LogUnreadableError, "folder.json"),
        (LogUnreadableError, "loop.json"),
        (LogUnreadableError, "socket.json"),
        (LogMissingError, "missing.json"),
        (LogMissingError, "q*.log"),
        (LogUnreadableError, "/dev/null"),
    ]
    assert all(problem.fix for problem in result.problems)


def test_a_dangling_link_is_told_from_a_missing_file() -> None:
    """M19: the reader of the error learns that the link is there and its target is not."""
    Path("dangling.json").symlink_to("nowhere")

    (problem,) = look("dangling.json").problems

    assert "link points to nothing" in problem.what


def test_a_problem_reached_twice_is_told_once() -> None:
    """M58: overlapping entries give one warning, not one each."""
    Path("folder.json").mkdir()

    result = look("folder.json", "*.json")

    assert kinds(result.problems) == [(LogUnreadableError, "folder.json")]


def test_a_file_without_permission_is_a_problem_until_it_may_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """M58: permission denied stops only that file, and later the same call finds it."""
    Path("secret.json").touch()
    Path("open.json").touch()
    real_open = os.open

    def refuse(path: Path, flags: int) -> int:
        if path.name == "secret.json":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real_open(path, flags)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        before = look("*.json")
    after = look("*.json")

    assert [file.path.name for file in before.files] == ["open.json"]
    assert "not permitted" in before.problems[0].what
    assert [file.path.name for file in after.files] == ["open.json", "secret.json"]


def test_a_file_that_vanishes_while_it_is_looked_at_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """M58: a rotation between listing and looking is a missing log, not a crash."""
    Path("a.json").touch()
    real_path = os.path.realpath

    def vanish(name: str, *, strict: bool) -> str:
        Path(name).unlink()
        return real_path(name, strict=strict)

    monkeypatch.setattr(os.path, "realpath", vanish)

    result = look("a.json")

    assert kinds(result.problems) == [(LogMissingError, "a.json")]


def test_a_file_that_vanished_after_the_folder_was_listed_is_a_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """M58: a name that a pattern found a moment ago and that is gone is reported as missing."""
    monkeypatch.setattr(os.path, "lexists", lambda _: True)
    Path("x").mkdir()

    result = look("*/a.json")

    assert kinds(result.problems) == [(LogMissingError, "x/a.json")]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"with space.json", "with space.json"),
        (b"two\nlines.json", "two\\nlines.json"),
        (b"bad\xff.json", "bad\\xff.json"),
        (b"-rf.json", "-rf.json"),
        (b"x" * 250 + b".json", "x" * 250 + ".json"),
        (b"a[1]*?.json", "a[1]*?.json"),
    ],
)
def test_odd_names_work_and_are_shown_escaped(folder: Path, name: bytes, shown: str) -> None:
    """M56: spaces, newlines, invalid UTF-8, dashes and 255 bytes are names like any other."""
    spelled = os.fsdecode(name)
    (folder / spelled).write_bytes(b"{}\n")
    (folder / "folder").mkdir()
    (folder / "folder" / spelled).mkdir()

    literal = look(spelled)
    globbed = look("*.json", f"folder/{spelled}")

    assert [file.path for file in literal.files] == [folder / spelled]
    assert [file.path for file in globbed.files] == [folder / spelled]
    assert kinds(globbed.problems) == [(LogUnreadableError, f"folder/{shown}")]


def test_a_name_longer_than_the_file_system_allows_is_a_problem() -> None:
    """M56: 256 bytes cannot be a file's name, and the error says so."""
    (problem,) = look("x" * 256).problems

    assert "too long" in problem.what


def test_logs_come_oldest_first_as_far_as_names_tell(folder: Path) -> None:
    """M03: rotated files are in the order of their numbers and dates, before the live one."""
    names = ["b.json.2", "b.json.10", "b.json", "c.json.2018-05-06", "c.json.2018-05-07", "c.json"]
    for name in reversed(names):
        (folder / name).touch()

    result = look("*")

    assert [file.path.name for file in result.files] == names


def test_compression_is_told_by_content_and_not_by_name(
    folder: Path, packed: Callable[[Compression, bytes], bytes]
) -> None:
    """M13: a compressed file under any name, and a plain file that is called .gz."""
    for compression in Compression:
        (folder / f"a.{compression}.json").write_bytes(packed(compression, b"{}\n"))
    (folder / "plain.gz").write_bytes(b"{}\n")
    (folder / "empty.gz").touch()

    result = look("*")

    assert {file.path.name: file.compression for file in result.files} == {
        **{f"a.{compression}.json": compression for compression in Compression},
        "plain.gz": Compression.NONE,
        "empty.gz": Compression.NONE,
    }


def test_nothing_outside_the_allow_list_is_opened(
    folder: Path, request: pytest.FixtureRequest
) -> None:
    """Invariant 6: the allow-list is the border; what it does not name is not even opened."""
    for name in ("a.json", "b.json", "secret.key"):
        Path(name).touch()
    opened = request.getfixturevalue("opened")

    look("a.json", "b*")

    assert [path for path, _ in opened] == [folder / "a.json", folder / "b.json"]


def test_many_files_are_looked_at_one_by_one(folder: Path, descriptors: dict[str, int]) -> None:
    """M57: however many files match, one descriptor is open at a time and each is opened once."""
    for number in range(500):
        (folder / f"{number}.json").touch()

    result = look("*.json", "*")

    assert len(result.files) == 500
    assert [file.path.name for file in result.files[:3]] == ["0.json", "1.json", "2.json"]
    assert descriptors == {"open": 0, "most": 1}


def test_an_empty_allow_list_finds_nothing() -> None:
    """Invariant 6: no entry, no file, no problem."""
    result = look()

    assert result == Discovery(files=(), problems=())
