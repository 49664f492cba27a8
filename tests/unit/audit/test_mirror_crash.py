"""A process that is killed anywhere in a mirrored append, and the retry with the same id."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evidentia.errors import DivergenceError

from .mirror_kit import ALLOW, Mirror, draft

CHILD = Path(__file__).with_name("crashing_mirror.py")
MOMENTS = {
    "before the ledger": 0,
    "before the sync": 1,
    "after the sync": 1,
    "between ledger and store": 1,
    "inside the store's transaction": 1,
    "after the store": 1,
}
"""How many lines of the event the ledger holds after the kill: the page cache outlives a process,
so what was written and not synced is there as well, and is taken up by the retry."""


def kill(mirror: Mirror, moment: str) -> None:
    """Append in a process of its own, which is killed at a moment."""
    done = subprocess.run(
        [sys.executable, str(CHILD), str(mirror.folder), moment],
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def lines_of_event(mirror: Mirror) -> int:
    """How often the ledger holds the event."""
    return sum(b'"id":"evt-9"' in line.raw for line in mirror.lines())


def retry_and_check(mirror: Mirror) -> None:
    """The oracle: the same id again, and then one event in the ledger, and both sides equal."""
    with mirror.mirrored() as mirrored:
        mirrored.append([draft(9)], ALLOW)
    assert lines_of_event(mirror) == 1
    assert mirror.parity().is_consistent
    assert mirror.stored() == [line.raw for line in mirror.lines()]
    assert mirror.replay().replayed == 0


@pytest.mark.parametrize(("moment", "written"), MOMENTS.items())
def test_a_retry_after_a_kill_makes_one_event_of_it(both: Mirror, moment: str, written) -> None:
    """IN-33: crash at every point of an append, retry with the same id: one event, and parity."""
    kill(both, moment)

    assert lines_of_event(both) == written
    assert both.parity().missing_in_jsonl == ()
    retry_and_check(both)


@pytest.mark.parametrize("moment", ["between ledger and store", "inside the store's transaction"])
def test_a_replay_after_a_kill_completes_the_store(both: Mirror, moment: str) -> None:
    """Nobody has to retry: replay reads the store on to the ledger's end."""
    kill(both, moment)
    between = both.parity()

    done = both.replay()

    assert between.missing_in_sqlite == ("evt-9",)
    assert (done.replayed, done.parity.is_consistent) == (1, True)


def test_the_first_append_of_all_may_be_killed_too(mirror: Mirror) -> None:
    """There is no segment in the store yet, and none is left half made."""
    kill(mirror, "inside the store's transaction")

    assert mirror.rows("SELECT count(*) FROM segments") == [(0,)]
    retry_and_check(mirror)


def test_store_first_fails_the_same_oracle(both: Mirror) -> None:
    """The control: in the wrong order the store is ahead, and the retry finds divergence."""
    kill(both, "store first")

    assert both.parity().missing_in_jsonl == ("evt-9",)
    with pytest.raises(DivergenceError, match="not those that the ledger holds"):
        retry_and_check(both)
