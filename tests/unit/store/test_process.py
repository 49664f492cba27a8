"""Who we are, and whether somebody else still lives."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from evidentia.store import process
from evidentia.store.process import is_alive, is_this_process, process_start, this_process


def test_we_are_ourselves() -> None:
    """This process is alive, named and told from others."""
    owner = this_process("ingest")

    assert (owner.pid, owner.host, owner.command) == (os.getpid(), socket.gethostname(), "ingest")
    assert is_alive(owner) is True
    assert is_this_process(owner)


@pytest.mark.parametrize("failure", [KeyError("uid not found"), OSError("no entry")])
def test_a_user_without_a_name_has_a_number(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """A container may run under a user id that no table knows; Python's versions differ on it."""

    def fail() -> str:
        raise failure

    monkeypatch.setattr(process.getpass, "getuser", fail)

    owner = this_process("ingest")

    assert owner.actor == f"uid {os.getuid()}"


def test_a_process_that_is_gone_is_dead() -> None:
    """Its number answers nothing."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    assert is_alive(dataclasses.replace(this_process("x"), pid=child.pid)) is False


def test_a_process_that_nobody_collected_is_dead() -> None:
    """A killed child that its parent has not waited for still answers signal 0."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    owner = dataclasses.replace(
        this_process("x"), pid=child.pid, process_start=process_start(child.pid) or ""
    )
    was_alive = is_alive(owner)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    is_still_alive = is_alive(owner)

    child.wait()
    assert (was_alive, is_still_alive) == (True, False)


def test_a_number_that_no_process_can_have_is_dead() -> None:
    """A forged lease does not crash the next writer."""
    assert is_alive(dataclasses.replace(this_process("x"), pid=2**40)) is False


def test_a_reused_number_is_another_process() -> None:
    """The same number that began at another time is not the holder."""
    owner = dataclasses.replace(this_process("x"), process_start="another boot:1")

    assert is_alive(owner) is False
    assert not is_this_process(owner)


def test_a_process_of_another_user_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not being allowed to signal a process shows that it is there."""

    def refuse(pid: int, signal: int) -> None:
        raise PermissionError(pid, signal)

    monkeypatch.setattr(process.os, "kill", refuse)

    assert is_alive(this_process("x")) is True


def test_a_process_on_another_host_is_unknown() -> None:
    """Only time can tell."""
    owner = dataclasses.replace(this_process("x"), host="elsewhere.example")

    assert is_alive(owner) is None
    assert not is_this_process(owner)


def test_a_system_that_does_not_tell_starts_believes_the_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without /proc a living number is the holder."""
    monkeypatch.setattr(process, "_BOOT_ID", tmp_path / "absent")

    owner = this_process("x")

    assert owner.process_start == ""
    assert is_alive(owner) is True
    assert is_this_process(owner)


def test_a_process_that_is_gone_has_no_start() -> None:
    """There is nothing to read of it."""
    assert process_start(2**22 + 1) is None


def test_a_start_survives_an_odd_command_name(tmp_path: Path) -> None:
    """The name field may hold spaces and brackets; the start is still found."""
    odd = tmp_path / "a) b (c"
    odd.symlink_to("/bin/sleep")
    child = subprocess.Popen([str(odd), "60"])

    start = process_start(child.pid)

    child.kill()
    child.wait()
    assert start is not None
    assert start.rpartition(":")[2].isdigit()
