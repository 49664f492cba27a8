"""Which process this is, and whether another one still lives.

What surprised: a killed process whose parent does not collect it (a container's first process
often does not) stays in the process table and answers signal 0. It is dead all the same.
"""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

from evidentia.store.values import Owner

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ZOMBIE = "Z"


def this_process(command: str) -> Owner:
    """The owner that this process would be."""
    pid = os.getpid()
    return Owner(
        actor=_user_name(),
        host=socket.gethostname(),
        pid=pid,
        process_start=process_start(pid) or "",
        command=command,
    )


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a user id that has no name.
        return f"uid {os.getuid()}"


def process_start(pid: int) -> str | None:
    """When the system says a process began, in its own words; None if it cannot tell.

    Linux keeps it as field 22 of ``/proc/PID/stat``, in ticks since boot; the boot id makes it
    unique across restarts of the machine.
    """
    fields = _stat_fields(pid)
    try:
        boot = _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return None
    return f"{boot}:{fields[19]}" if fields else None


def _stat_fields(pid: int) -> list[str]:
    """Fields 3 and following of ``/proc/PID/stat``; none where the system does not say."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return []
    # The command name, field 2, may itself hold spaces and brackets.
    return stat.rpartition(")")[2].split()


def is_this_process(owner: Owner) -> bool:
    """Whether an owner is the process that asks."""
    pid = os.getpid()
    ours = (socket.gethostname(), pid, process_start(pid) or "")
    return (owner.host, owner.pid, owner.process_start) == ours


def is_alive(owner: Owner) -> bool | None:
    """Whether an owner's process still runs; None when it is on another host."""
    if owner.host != socket.gethostname():
        return None
    try:
        os.kill(owner.pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        # It is another user's: there, but not ours to signal.
        pass
    if _stat_fields(owner.pid)[:1] == [_ZOMBIE]:
        return False
    start = process_start(owner.pid)
    return not (start and owner.process_start) or start == owner.process_start
