"""One process appends to a ledger."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evidentia.errors import LedgerError, LedgerHeldError
from evidentia.ledger.holding import held
from evidentia.ledger.layout import lock_path


def test_a_lock_is_held_by_one_and_then_by_the_next(tmp_path: Path) -> None:
    """The message names the process that holds it."""
    with (
        held(tmp_path),
        pytest.raises(LedgerHeldError, match=rf"pid {os.getpid()}\)"),
        held(tmp_path),
    ):
        pass
    with held(tmp_path):
        pass


def test_a_lock_whose_holder_is_not_known_is_held(tmp_path: Path) -> None:
    """The number in the file is for the message only."""
    descriptor = os.open(lock_path(tmp_path), os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    with pytest.raises(LedgerHeldError) as caught, held(tmp_path):
        pass
    os.close(descriptor)

    assert "pid" not in caught.value.what


def test_a_process_that_ends_lets_go(tmp_path: Path) -> None:
    """However it ends; here it is killed."""
    code = (
        "import os, signal, sys; from pathlib import Path;"
        "from evidentia.ledger.holding import held\n"
        "with held(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    path = os.pathsep.join(each for each in sys.path if each)

    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )

    with held(tmp_path):
        pass


def test_a_lock_is_let_go_of_although_a_child_has_its_file(tmp_path: Path) -> None:
    """As one that another thread is just starting: the file stays open there for a moment."""
    with held(tmp_path):
        child = os.fork()
        if not child:
            # Long enough to still be there below.
            import time  # noqa: PLC0415 - only in the child

            time.sleep(2)
            os._exit(0)

    with held(tmp_path):
        pass
    os.kill(child, 9)
    os.waitpid(child, 0)


def test_a_forked_child_does_not_let_go_for_its_parent(tmp_path: Path) -> None:
    """When it leaves the block, the parent holds the ledger still."""
    holding = held(tmp_path)
    holding.__enter__()
    child = os.fork()
    if not child:
        holding.__exit__(None, None, None)
        os._exit(0)
    os.waitpid(child, 0)

    with pytest.raises(LedgerHeldError), held(tmp_path):
        pass
    holding.__exit__(None, None, None)


def test_only_the_process_that_locked_unlocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, told by what is called."""
    mine, calls = os.getpid(), []
    lock = fcntl.flock

    def noted(descriptor: int, how: int) -> None:
        calls.append(how)
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", noted)
    with held(tmp_path):
        monkeypatch.setattr(os, "getpid", lambda: mine + 1)

    assert fcntl.LOCK_UN not in calls


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    """As an error of ours, with the place."""
    with pytest.raises(LedgerError, match="cannot be opened"), held(tmp_path / "nothing"):
        pass


def test_a_file_system_without_locks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger without a lock could get two writers."""

    def refuse(_: int, __: int) -> None:
        raise OSError(37, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)

    with pytest.raises(LedgerError, match="cannot be locked"), held(tmp_path):
        pass


def test_a_full_disk_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of the process need not fit."""

    def refuse(*_: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr(os, "pwrite", refuse)

    with held(tmp_path):
        pass


_HOLDING = """
import sys, time
from pathlib import Path
from evidentia.ledger.holding import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(0.3)
"""


def test_whoever_waits_gets_the_lock_once_it_is_free(tmp_path: Path) -> None:
    """The other process lets go by ending, after a while."""
    other = subprocess.Popen(
        [
            sys.executable,
            "-c",
            _HOLDING,
            str(tmp_path),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
    )
    assert other.stdout is not None
    other.stdout.readline()

    with held(tmp_path, wait_seconds=60):
        assert lock_path(tmp_path).read_text().split() == [str(os.getpid())]

    assert other.wait() == 0
    other.stdout.close()


def test_waiting_ends(tmp_path: Path) -> None:
    """A lock that stays held is told of, with who holds it."""
    with (
        held(tmp_path),
        pytest.raises(LedgerHeldError, match=rf"pid {os.getpid()}\)"),
        held(tmp_path, wait_seconds=0.05),
    ):
        pass
