"""Opening: read-only, regular files only, errors that name path, byte and fix."""

from __future__ import annotations

import ast
import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import evidentia.log
from evidentia.errors import LogMissingError, LogUnreadableError
from evidentia.log.opening import open_log, translated

ROOM = Path(evidentia.log.__file__).parent
OPENERS = {"open", "open_code", "fdopen", "popen", "mmap", "NamedTemporaryFile", "FileIO"}
WRITERS = {
    "chmod", "chown", "copyfile", "ftruncate", "hardlink_to", "link", "mkdir", "mkfifo", "mknod",
    "pwrite", "remove", "rename", "rmdir", "sendfile", "symlink", "symlink_to",
    "touch", "truncate", "unlink", "utime", "write", "write_bytes", "write_text", "writev",
}  # fmt: skip


def calls_in(module: Path) -> set[str]:
    """The last name of everything a module calls."""
    calls = (node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call))
    return {
        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        for call in calls
    }


def test_one_module_of_the_room_opens_files_and_none_writes() -> None:
    """Invariant 1: foreign logs are opened in one place, read-only, and nothing here can write."""
    modules = sorted(ROOM.glob("*.py"))

    opening = {module.name for module in modules if calls_in(module) & OPENERS}
    writing = {module.name: calls_in(module) & WRITERS for module in modules}

    assert opening == {"opening.py"}
    assert not any(writing.values())


def test_a_log_is_opened_with_no_right_to_write(
    written: Callable[..., Path], opened: list[tuple[Path, int]]
) -> None:
    """Invariant 1: the one open call asks for reading and for nothing else."""
    path = written(b"{}\n")
    opened.clear()

    with open_log(path) as raw:
        data = raw.read(10)

    assert data == b"{}\n"
    assert [name for name, _ in opened] == [path]
    assert [flags & os.O_ACCMODE for _, flags in opened] == [os.O_RDONLY]
    assert all(flags & os.O_NONBLOCK for _, flags in opened)
    assert not any(flags & (os.O_CREAT | os.O_TRUNC | os.O_APPEND) for _, flags in opened)


def test_reading_leaves_bytes_and_times_of_change_alone(written: Callable[..., Path]) -> None:
    """Invariant 1: after a reading the file is what it was."""
    path = written(b"{}\n")
    before = path.stat()

    with open_log(path) as raw:
        raw.read(10)

    after = path.stat()
    assert path.read_bytes() == b"{}\n"
    assert (after.st_mtime_ns, after.st_ctime_ns) == (before.st_mtime_ns, before.st_ctime_ns)


@pytest.mark.parametrize("kind", ["directory", "FIFO", "socket", "device"])
def test_anything_but_a_regular_file_is_refused_by_its_name(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M19: a directory, FIFO, socket or device is a clear error, and opening it does not hang."""
    monkeypatch.chdir(tmp_path)
    path = Path("/dev/null") if kind == "device" else Path("thing")
    if kind == "directory":
        path.mkdir()
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))

    with pytest.raises(LogUnreadableError) as caught:
        open_log(path)

    assert kind in caught.value.what
    assert caught.value.where == str(path)
    assert caught.value.fix


def test_a_fifo_that_takes_a_logs_place_does_not_hang_the_reader(
    written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """M19: between looking and opening the file may have become something else."""
    path = written(b"{}\n")
    regular = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(Path, "stat", lambda _: regular)

    with pytest.raises(LogUnreadableError, match="FIFO"):
        open_log(path)


def test_a_kind_of_file_nobody_knows_is_refused_too(
    written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """M19: only regular files are read, whatever else a system may have."""
    path = written(b"{}\n")
    odd = os.stat_result((0, *path.stat()[1:]))
    monkeypatch.setattr(Path, "stat", lambda _: odd)

    with pytest.raises(LogUnreadableError, match="not a regular file"):
        open_log(path)


def test_a_file_that_another_one_replaced_is_refused(
    written: Callable[..., Path], descriptors: dict[str, int]
) -> None:
    """M02: between finding and opening a rotation may put another file in the log's place."""
    path = written(b"{}\n")
    status = path.stat()
    identity = (status.st_dev, status.st_ino + 1, None)

    with pytest.raises(LogUnreadableError, match="taken the log's place"):
        open_log(path, identity=identity)

    assert descriptors["open"] == 0


def test_a_file_that_was_given_the_inode_of_another_is_refused(
    written: Callable[..., Path], descriptors: dict[str, int]
) -> None:
    """M12: where the file system counts how often it dealt an inode, the number is asked for."""
    path = written(b"{}\n")
    status = path.stat()
    with open_log(path) as raw:
        generation = raw.generation()
    if generation is None:
        pytest.skip("this file system does not say which file of an inode it is")

    open_log(path, identity=(status.st_dev, status.st_ino, generation)).close()
    with pytest.raises(LogUnreadableError, match="taken the log's place"):
        open_log(path, identity=(status.st_dev, status.st_ino, generation + 1))

    assert descriptors["open"] == 0


def test_a_missing_log_is_told_from_an_unreadable_one(tmp_path: Path) -> None:
    """M58: what is not there may come; the error says missing, not unreadable."""
    with pytest.raises(LogMissingError, match="not there"):
        open_log(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    ("number", "kind", "word"),
    [
        (errno.ENOENT, LogMissingError, "not there"),
        (errno.ENOTDIR, LogMissingError, "not there"),
        (errno.EACCES, LogUnreadableError, "not permitted"),
        (errno.EPERM, LogUnreadableError, "not permitted"),
        (errno.ELOOP, LogUnreadableError, "loop"),
        (errno.ENAMETOOLONG, LogUnreadableError, "too long"),
        (errno.EIO, LogUnreadableError, "Input/output error"),
        (errno.ESTALE, LogUnreadableError, "cannot be read"),
    ],
)
def test_what_the_system_says_becomes_an_error_with_a_fix(
    number: int, kind: type[Exception], word: str
) -> None:
    """M58: every error of the operating system names the path and a way out."""
    result = translated(OSError(number, os.strerror(number)), "a\nb", byte_offset=7)

    assert type(result) is kind
    assert word in result.what
    assert result.where == "a\\nb, byte 7"
    assert result.fix


def test_an_error_without_a_number_is_still_an_error_with_a_fix() -> None:
    """M58: an operating system error that carries only text keeps that text."""
    result = translated(OSError("odd"), "a.json")

    assert "odd" in result.what
    assert result.where == "a.json"


def test_a_reading_error_names_path_and_byte(
    written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """M36: an input or output error in mid-file says how far reading had come."""
    path = written(b"0123456789")

    with open_log(path) as raw:
        raw.read(4)
        monkeypatch.setattr(os, "pread", failing(errno.EIO))
        with pytest.raises(LogUnreadableError) as caught:
            raw.read(4)

    assert caught.value.where == f"{path}, byte 4"


def test_a_file_that_goes_away_on_a_network_is_an_error_of_ours(
    written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """M31: a stale handle is reported like any other reading error."""
    path = written(b"0123456789")

    with open_log(path) as raw, monkeypatch.context() as patch:
        patch.setattr(os, "fstat", failing(errno.ESTALE))
        with pytest.raises(LogUnreadableError) as caught:
            raw.size()

    assert caught.value.where == f"{path}, byte 0"


def test_skipping_tells_whether_the_file_reaches_that_far(written: Callable[..., Path]) -> None:
    """IN-21: going to a checkpoint is one seek, and a file that shrank is noticed."""
    with open_log(written(b"0123456789")) as raw:
        reached = raw.skip_to(8)
        rest = raw.read(10)
        reached_end = raw.skip_to(10)
        reached_beyond = raw.skip_to(11)

    assert (reached, rest, reached_end, reached_beyond) == (True, b"89", True, False)


def test_closing_twice_closes_once(
    written: Callable[..., Path], descriptors: dict[str, int]
) -> None:
    """M57: a descriptor is given back exactly once, so no stranger's is closed."""
    raw = open_log(written(b""))

    raw.close()
    raw.close()

    assert descriptors["open"] == 0


def failing(number: int) -> Callable[..., object]:
    """A stand-in that fails as the operating system does."""

    def fail(*_: object) -> object:
        raise OSError(number, os.strerror(number))

    return fail
