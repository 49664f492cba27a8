"""A process that is killed anywhere leaves whole batches, and the next one goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evidentia.proof.chain import GENESIS, link_batch
from evidentia.store.opening import Store
from evidentia.store.records import facts_of

from .kit import SPAN, batch_of, writing

PER_BATCH = 40
"""Events of each batch that the children below commit."""
CHILD = Path(__file__).with_name("crashing_writer.py")


def _child(store: Store, moment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(store.path), moment], stdout=subprocess.PIPE, text=True
    )


def _check(store: Store) -> int:
    """The number of batches, all of them whole."""
    with store.reader() as reader:
        assert reader.integrity_problems() == ()
        (segment,) = reader.segments()
        batches = list(reader.batches())
        counts = reader.counts()
        events = sum(1 for _ in reader.events(segment.id, SPAN))
        rows = reader.rows_per_batch()
    link, end = GENESIS, 0
    for batch in batches:
        link = link_batch(link, facts_of(batch))
        assert (batch.chain, batch.byte_start) == (link, end)
        end = batch.byte_end
    assert segment.checkpoint == end
    assert events == counts.events == PER_BATCH * len(batches)
    assert counts.dead_letters == counts.gaps == len(batches)
    assert all((row.events, row.dead_letters) == (PER_BATCH, 1) for row in rows)
    return len(batches)


def _go_on(store: Store) -> None:
    """What the next run does: it takes the dead holder's place at once."""
    with store.reader() as reader:
        (segment,) = reader.segments()
    with writing(store) as writer:
        writer.commit_batch(batch_of(segment.id, segment.next_line, PER_BATCH))
    with store.reader() as reader:
        assert reader.notices() == ()


MOMENTS = [
    "before:_advance",
    "after:_advance",
    "before:insert_rows",
    "during:insert_rows",
    "after:insert_rows",
    "after:insert_dead_letters",
    "after:insert_gaps",
]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_process_killed_inside_a_batch_leaves_the_batches_before_it(
    store: Store, moment: str
) -> None:
    """Invariant 2: SIGKILL between statements of a transaction loses and doubles nothing."""
    child = _child(store, moment)
    said, _ = child.communicate(timeout=60)

    assert child.returncode == -signal.SIGKILL
    assert said.split() == ["1", "2"]
    assert _check(store) == 2
    _go_on(store)
    assert _check(store) == 3


@pytest.mark.parametrize("patience", [0.0, 0.004, 0.011])
def test_a_process_killed_at_any_time_leaves_what_it_had_said(
    store: Store, patience: float
) -> None:
    """Invariant 2: every batch that was reported is there, and at most the one after it."""
    child = _child(store, "never")
    assert child.stdout is not None
    heard = [child.stdout.readline() for _ in range(3)]
    time.sleep(patience)
    child.kill()
    heard += child.stdout.readlines()
    child.stdout.close()

    assert child.wait(60) == -signal.SIGKILL
    said = int(heard[-1])
    assert said <= _check(store) <= said + 1
    _go_on(store)


def test_a_process_killed_in_a_large_load_leaves_whole_batches(store: Store) -> None:
    """Invariant 2: the next writer also builds the indexes that the load had dropped."""
    child = _child(store, "bulk")
    child.communicate(timeout=60)
    with store.reader() as reader:
        notices = reader.notices()

    assert child.returncode == -signal.SIGKILL
    assert _check(store) == 2
    assert len([notice for notice in notices if "index" in notice]) == 4
    assert len([notice for notice in notices if "journal" in notice]) == 1
    _go_on(store)


def test_a_process_killed_while_it_makes_the_store_leaves_none(store: Store) -> None:
    """Half a store does not exist: the next run makes it."""
    child = _child(store, "create")
    child.communicate(timeout=60)

    assert child.returncode == -signal.SIGKILL
    assert store.exists()
    with writing(store):
        pass
    with store.reader() as reader:
        assert reader.notices() == ()
