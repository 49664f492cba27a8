"""One ingesting process per store, and what becomes of a holder that died."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from evidentia.errors import PackError, StoreHeldError
from evidentia.event.fieldmap import ColumnType, FieldMap, PromotedColumn
from evidentia.pack.contract import Pack
from evidentia.store.lease import STALE_SECONDS
from evidentia.store.values import Owner, SegmentChange, SegmentState
from evidentia.store.writer import StoreWriter

from .scene import Scene, dead_letter, event, gap, lines

ELSEWHERE = Owner(actor="eve", host="elsewhere.example", pid=7, process_start="", command="follow")


def _dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def _hold_as(scene: Scene, **changes: object) -> StoreWriter:
    """A writer that never gives the lease back, held by somebody else; then we are ourselves."""
    ourselves = scene.owner
    scene.owner = dataclasses.replace(ourselves, **changes)
    writer = scene.abandoned_writer()
    scene.owner = ourselves
    return writer


def test_a_second_writer_is_refused_and_told_who_holds_the_store(scene: Scene) -> None:
    """IN-29: the refusal names process, host, command, user and when it was last heard of."""
    _hold_as(scene, actor="alice", command="follow")
    scene.clock.advance(42)
    before = scene.adapter.dump()

    with pytest.raises(StoreHeldError) as caught, scene.writer():
        pytest.fail("the store was entered")

    assert caught.value.what == (
        f"the store is held by process {os.getpid()} on {scene.owner.host} "
        "(follow, user alice), last heard of 42 s ago"
    )
    assert scene.adapter.dump() == before


def test_readers_see_who_holds_the_store(scene: Scene) -> None:
    """The holder is public while it writes, and nobody is afterwards."""
    with scene.writer(), scene.store.reader() as reader:
        held = reader.lease_holder()
    with scene.store.reader() as reader:
        free = reader.lease_holder()

    assert held == scene.owner
    assert free is None


def test_a_dead_holder_on_this_host_is_taken_over_at_once(scene: Scene) -> None:
    """A process that is gone holds nothing, however fresh its last word is."""
    _hold_as(scene, pid=_dead_pid())

    with scene.writer(), scene.store.reader() as reader:
        assert reader.lease_holder() == scene.owner


def test_a_reused_process_number_is_not_taken_for_the_holder(scene: Scene) -> None:
    """The same number with another start is another process."""
    _hold_as(scene, process_start="another boot:1")

    with scene.writer(), scene.store.reader() as reader:
        assert reader.lease_holder() == scene.owner


def test_a_holder_without_a_known_start_is_believed(scene: Scene) -> None:
    """Where the system does not tell when a process began, a living number holds the store."""
    _hold_as(scene, process_start="")

    with pytest.raises(StoreHeldError), scene.writer():
        pytest.fail("the store was entered")


def test_a_holder_on_another_host_is_taken_over_when_silent(scene: Scene) -> None:
    """What cannot be asked is believed for STALE_SECONDS after its last word, and no longer."""
    _hold_as(scene, **dataclasses.asdict(ELSEWHERE))
    scene.clock.advance(STALE_SECONDS)
    with pytest.raises(StoreHeldError, match=r"on elsewhere\.example"), scene.writer():
        pytest.fail("the store was entered")

    scene.clock.advance(1)

    with scene.writer(), scene.store.reader() as reader:
        assert reader.lease_holder() == scene.owner


def test_a_clock_that_is_behind_is_said_as_no_time(scene: Scene) -> None:
    """A holder whose last word lies in the future is alive; no negative time is shown."""
    _hold_as(scene, **dataclasses.asdict(ELSEWHERE))
    scene.clock.advance(-30)

    with pytest.raises(StoreHeldError, match="last heard of 0 s ago"), scene.writer():
        pytest.fail("the store was entered")


def test_a_holder_keeps_its_lease_by_renewing_it(scene: Scene) -> None:
    """Renewing, and every commit, count as a sign of life for other hosts."""
    holder = _hold_as(scene, **dataclasses.asdict(ELSEWHERE))
    for _ in range(3):
        scene.clock.advance(STALE_SECONDS - 1)
        holder.renew()

    with pytest.raises(StoreHeldError, match="last heard of 0 s ago"), scene.writer():
        pytest.fail("the store was entered")


WRITES: dict[str, Callable[[Scene, StoreWriter], object]] = {
    "renew": lambda _, writer: writer.renew(),
    "log": lambda scene, writer: scene.segment(writer, "/logs/new"),
    "kinds": lambda _, writer: writer.kind_ids(["new"]),
    "batch": lambda scene, writer: writer.commit_batch(
        lines(_segment(scene), 6, 6, events=[event(_segment(scene), 6, 1)])
    ),
    "gaps": lambda scene, writer: writer.record_gaps([gap(_segment(scene), 50)]),
    "segment": lambda _, writer: writer.change_segment(
        1,
        SegmentChange(
            state=SegmentState.FINISHED,
            tail_bytes=0,
            last_size=0,
            last_mtime_us=0,
            path="/x",
            device=0,
            inode=0,
        ),
    ),
    "resolve": lambda scene, writer: writer.resolve_dead_letter(
        dead_letter(_segment(scene), 4).position, "seen"
    ),
    "packs": lambda _, writer: writer.register_packs(()),
    "bulk": lambda _, writer: writer.bulk().__enter__(),
}


def _segment(scene: Scene):
    with scene.store.reader() as reader:
        return reader.segments()[0]


@pytest.mark.parametrize("name", sorted(WRITES))
def test_a_holder_that_was_taken_over_can_write_no_more(scene: Scene, name: str) -> None:
    """Fencing: every write checks the lease in its own transaction, so a sleeper wakes too late."""
    with scene.writer() as writer:
        scene.fill(writer)
    sleeper = _hold_as(scene, pid=_dead_pid())
    with scene.writer():
        before = scene.adapter.dump()

        with pytest.raises(StoreHeldError, match="taken over"):
            WRITES[name](scene, sleeper)

        assert scene.adapter.dump() == before


def test_giving_back_a_lost_lease_leaves_the_new_holder_alone(scene: Scene) -> None:
    """The loser ends its own run and nothing else."""
    ourselves = scene.owner
    scene.owner = dataclasses.replace(ourselves, pid=_dead_pid())
    context = scene.writer()
    context.__enter__()
    scene.owner = ourselves
    with scene.writer():
        context.__exit__(None, None, None)

        with scene.store.reader() as reader:
            assert reader.lease_holder() == ourselves


def test_the_lease_is_given_back_when_the_work_fails(scene: Scene) -> None:
    """An exception passes unchanged, the lease is free, and the run is recorded as failed."""
    with pytest.raises(ZeroDivisionError), scene.writer():
        raise ZeroDivisionError

    with scene.writer():
        pass
    assert [run[-1] for run in scene.adapter.dump()["runs"]] == ["failed", "done"]


def test_the_lease_is_given_back_on_an_interrupt(scene: Scene) -> None:
    """Ctrl-C ends the work, not the store."""
    with pytest.raises(KeyboardInterrupt), scene.writer():
        raise KeyboardInterrupt

    with scene.store.reader() as reader:
        assert reader.lease_holder() is None


def test_the_lease_is_given_back_when_a_pack_is_refused(scene: Scene) -> None:
    """A pack that cannot be registered does not leave the store held."""
    reserved = PromotedColumn(name="kind", type=ColumnType.TEXT, sources=("kind",))
    bad = Pack(
        name="bad", version=1, title="bad", fields=FieldMap(kind=("k",), promoted=(reserved,))
    )

    with pytest.raises(PackError), scene.writer(bad):
        pytest.fail("the store was entered")

    with scene.store.reader() as reader:
        assert reader.lease_holder() is None


def test_a_failure_is_not_hidden_by_a_lease_that_cannot_be_given_back(scene: Scene) -> None:
    """What fails while cleaning up is noted on the first failure and does not replace it."""
    context = scene.writer()
    writer = context.__enter__()
    scene.adapter.execute_raw("DROP TABLE lease")
    failure = ZeroDivisionError("the first failure")

    assert context.__exit__(ZeroDivisionError, failure, None) is False

    assert writer is not None
    assert failure.__notes__[0].startswith("the lease was not given back: the database refuses")


def test_a_run_is_recorded_with_its_owner_and_outcome(scene: Scene) -> None:
    """Each hold of the lease is one run: command, user, host, process, version, times, outcome."""
    with scene.writer():
        scene.clock.advance(3)

    (run,) = scene.adapter.dump()["runs"]
    owner = scene.owner
    assert run[1:6] == (owner.command, owner.actor, owner.host, owner.pid, "0.0")
    assert run[6:] == (scene.clock() - 3_000_000, scene.clock(), "done")


def test_batches_name_the_run_that_committed_them(scene: Scene) -> None:
    """A batch leads to the process that wrote it."""
    with scene.writer():
        pass
    with scene.writer() as writer:
        segment = scene.fill(writer)

    with scene.store.reader() as reader:
        (batch,) = reader.batches(segment.id)

    assert (batch.run_id, batch.committed_us) == (2, scene.clock())
