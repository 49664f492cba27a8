"""Every system call on a ledger's files, made to fail or to be the last one of its process.

The gate runs some of the points, the same ones each time. All of them run by command::

    EVIDENTIA_FAULTS=full pytest -s tests/integration/ledger_faults/test_calls.py
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
from tests.unit.ledger import kit

from evidentia.errors import LedgerDamagedError, LedgerMissingError
from evidentia.ledger.verifying import VerifyRules, verify_ledger

from . import injection, oracle
from .injection import Outcome, Point
from .scenes import NUMBERS, SCENES, SIGNING

IS_FULL: Final = os.environ.get("EVIDENTIA_FAULTS") == "full"
SEED: Final = int(os.environ.get("EVIDENTIA_FAULTS_SEED", "1"))
QUICK_POINTS: Final = 7
"""Of each scene; chosen by the seed."""
AGAIN_POINTS: Final = 1
"""First faults in the quick form."""
AGAIN_EACH: Final = 12 if IS_FULL else 2
"""Second faults after each first one."""


def chosen(points: list[Point], count: int) -> list[Point]:
    """All points, or some of them in the quick form."""
    if IS_FULL or len(points) <= count:
        return points
    return sorted(random.Random(SEED).sample(points, count))  # noqa: S311 - the same again


def judge(operation: str, folder: Path, outcome: Outcome) -> None:
    """Hold a ledger, as a fault left it, against what the process had said."""
    assert outcome.record.is_done or outcome.status, "the driver broke off"
    options = kit.options(SIGNING)
    try:
        oracle.check(folder, outcome.record, SIGNING, options)
    except LedgerMissingError:
        assert operation == "create"
        assert not outcome.record.told
        kit.created(folder, SIGNING)
        oracle.check(folder, outcome.record, SIGNING, options)
    oracle.check_retry(folder, NUMBERS[operation], options)


@pytest.mark.parametrize("name", SCENES)
def test_a_call_that_fails_or_is_the_last_loses_nothing(name: str, tmp_path: Path) -> None:
    """Whatever call fails, once or for ever, or is not lived to see: the ledger goes on."""
    injection.require_strace()
    operation, make = SCENES[name]
    template = make(tmp_path / "template")
    work = tmp_path / "ledger"

    def fresh(folder: Path) -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        if template.exists():
            shutil.copytree(template, folder)
        return folder

    paths, points = injection.planned(operation, fresh(work))

    def run(point: Point) -> int:
        folder = fresh(tmp_path / f"{point.call}{point.number}{point.fault}{point.is_lasting}")
        own = [str(folder) + path.removeprefix(str(work)) for path in paths]
        outcome = injection.hit(operation, folder, own, point)
        assert outcome.has_fired, f"{point} did not fire"
        try:
            judge(operation, folder, outcome)
        except BaseException as error:
            error.add_note(f"{name}: {point.injection}; {outcome.record}; in {folder}")
            raise
        shutil.rmtree(folder)
        return 1

    with ThreadPoolExecutor(2) as pool:
        fired = sum(pool.map(run, chosen(points, QUICK_POINTS)))

    assert fired >= min(len(points), QUICK_POINTS)
    sys.stdout.write(f"{name}: {fired} of {len(points)} points fired, seed {SEED}\n")


@pytest.mark.parametrize("name", ["recover a torn line", "recover half a batch", "rotate"])
def test_a_fault_while_recovering_from_a_fault_loses_nothing(name: str, tmp_path: Path) -> None:
    """What a killed process left is opened by one that is hit as well, and then by a third."""
    injection.require_strace()
    operation, make = SCENES[name]
    template = make(tmp_path / "template")
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(template, first)
    paths, points = injection.planned(operation, first)
    kills = [point for point in points if point.fault == injection.KILL]
    fired = planned = 0
    for point in chosen(kills, AGAIN_POINTS):
        shutil.rmtree(first)
        shutil.copytree(template, first)
        before = injection.hit(operation, first, paths, point)
        shutil.copytree(first, second)
        own, again = injection.planned("recover", second)
        for other in random.Random(SEED).sample(again, min(AGAIN_EACH, len(again))):  # noqa: S311 - the same again
            planned += 1
            shutil.rmtree(second)
            shutil.copytree(first, second)
            outcome = injection.hit("recover", second, own, other)
            fired += outcome.has_fired
            outcome.record.told += before.record.told
            judge("recover", second, outcome)
        shutil.rmtree(second)

    assert fired == planned > 0
    sys.stdout.write(f"{name}: {fired} of {planned} second faults fired, seed {SEED}\n")


def test_a_write_that_lies_about_its_length_is_found(tmp_path: Path) -> None:
    """No head is signed over what is not there, and the ledger is refused when opened again.

    Such a lie cannot be survived: the system said that the bytes were written, and synced them.
    """
    injection.require_strace()
    operation, make = SCENES["append"]
    folder = make(tmp_path / "ledger")
    path = kit.last_segment(folder)
    before = path.read_bytes()
    # Of the first write to the segment ten bytes are said to be written, and none is.
    lie = Point("write", 1, "retval=10")

    outcome = injection.hit(operation, folder, [str(path)], lie)

    assert outcome.has_fired
    assert len(outcome.record.told) == 1
    assert path.read_bytes().startswith(before)
    failures = verify_ledger(folder, VerifyRules()).failures
    assert {each.path for each in failures} == {path}
    with pytest.raises(LedgerDamagedError):
        kit.opened(folder, SIGNING)
