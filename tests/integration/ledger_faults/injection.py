"""strace as the one who makes system calls fail: which there are, and what becomes of the program.

Traps that this avoids (each made a test pass for nothing, somewhere): the program traced must be
the interpreter, not a shim; a call is counted only if it is on one of the ledger's paths; each
planned point must have fired.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from tests.integration.processes import environment

from evidentia.proof.head import TreeHead

from .oracle import Record, Told

CALLS: Final = (
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "ftruncate",
    "openat",
    "mkdir",
)
ERRORS: Final = ("error=EIO", "error=ENOSPC")
KILL: Final = "signal=KILL"
CHECKOUT: Final = Path(__file__).parents[3]
TIMEOUT_SECONDS: Final = 60
_CALL: Final = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?(\w+)\(")


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One fault: which call, the how manieth of its kind, what happens to it, and whether for ever.

    Attributes:
        total: How many calls of the kind an undisturbed run makes.
    """

    call: str
    number: int
    fault: str
    is_lasting: bool = False
    total: int = 0

    @property
    def injection(self) -> str:
        """The point in strace's words."""
        return f"inject={self.call}:{self.fault}:when={self.number}{'+' if self.is_lasting else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended.

    Attributes:
        has_fired: The fault came to pass.
    """

    record: Record
    status: int
    has_fired: bool
    log: str


@cache
def why_not() -> str | None:
    """Why this machine cannot run such tests; None where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    found = subprocess.run(
        ["strace", "-qq", "-o", os.devnull, "/bin/true"], capture_output=True, check=False
    )
    return None if found.returncode == 0 else "strace may not trace processes here (ptrace)"


def require_strace() -> None:
    """Skip the test where there is no strace."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)


def planned(operation: str, folder: Path) -> tuple[list[str], list[Point]]:
    """The paths an operation touches in a ledger, and every point at which it can be hit."""
    trace = ",".join(CALLS)
    outcome = _run(operation, folder, ["-y", "-e", f"trace={trace}"])
    assert outcome.record.is_done
    assert not outcome.record.errors
    touching = [line for line in outcome.log.splitlines() if str(folder) in line]
    pattern = re.compile(r'["<](' + re.escape(str(folder)) + r'[^">]*)[">]')
    paths = sorted({found for line in touching for found in pattern.findall(line)})
    counts = Counter(match[1] for line in touching if (match := _CALL.match(line)))
    points = [
        Point(call, number, fault, is_lasting, total)
        for call, total in sorted(counts.items())
        for number in range(1, total + 1)
        for fault in (*ERRORS, KILL)
        for is_lasting in ((False, True) if fault != KILL else (False,))
    ]
    return paths, points


def hit(operation: str, folder: Path, paths: list[str], point: Point) -> Outcome:
    """Run an operation on a ledger with one fault."""
    filters = [part for path in paths for part in ("-P", path)]
    # Only the calls of that kind stop then, which is three times as fast; but no signal comes.
    filters += [] if point.fault == KILL else ["--seccomp-bpf"]
    return _run(operation, folder, [*filters, "-e", f"trace={point.call}", "-e", point.injection])


def _driver(operation: str) -> Path:
    name = "mirror_driver.py" if operation.startswith("mirror") else "driver.py"
    return Path(__file__).with_name(name)


def _run(operation: str, folder: Path, arguments: list[str]) -> Outcome:
    log = folder.parent / f"{folder.name}.strace"
    command = [
        *("strace", "-f", "-qq", "-s", "0", "-o", str(log)),
        *arguments,
        # A version manager's shim or a shell would be traced, and hit, in place of the driver.
        *(os.path.realpath(sys.executable), str(_driver(operation)), operation, str(folder)),
    ]
    found = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    text = log.read_text("utf-8", "replace")
    assert found.returncode in {0, -signal.SIGKILL}, found.stderr.decode()
    return Outcome(
        record=_record(found.stdout),
        status=found.returncode,
        has_fired="(INJECTED)" in text or found.returncode == -signal.SIGKILL,
        log=text,
    )


def _record(answers: bytes) -> Record:
    record = Record()
    for line in answers.splitlines():
        answer = json.loads(line)
        if "number" in answer:
            record.told.append(Told(**answer))
        elif "size" in answer:
            root = bytes.fromhex(answer["root"])
            record.heads.append(TreeHead(origin=answer["origin"], size=answer["size"], root=root))
        elif "error" in answer:
            record.errors.append(answer["error"])
        else:
            record.is_done = True
    return record
