"""A transaction of the caller's: everything that the writer does inside is one."""

from __future__ import annotations

import pytest

from evidentia.errors import StoreError
from evidentia.store.heads import StoredHead
from evidentia.store.writer import StoreWriter

from .scene import Scene, event, lines

HEAD = StoredHead(origin="example.org/a", size=3, root=bytes(32))


class StopError(Exception):
    """The caller's own."""


def write_all(scene: Scene, writer: StoreWriter) -> None:
    """A new segment with a batch of a new kind, and a head."""
    segment = scene.segment(writer)
    kind = writer.kind_ids(["never seen"])["never seen"]
    writer.commit_batch(lines(segment, 1, 1, events=[event(segment, 1, kind)]))
    writer.replace_tree_head(None, HEAD)


def write_and_stop(scene: Scene, writer: StoreWriter) -> None:
    """Everything, and then the caller's own error, in one transaction."""
    with writer.transaction():
        write_all(scene, writer)
        raise StopError


def write_and_go_on(scene: Scene, writer: StoreWriter) -> None:
    """Everything, and a part that fails, whose error is caught, in one transaction."""
    with writer.transaction():
        write_all(scene, writer)
        with pytest.raises(StoreError, match="another tree head"):
            writer.replace_tree_head(None, HEAD)


def test_what_is_done_inside_is_committed_together(scene: Scene) -> None:
    """A reader sees nothing before the transaction is left, and all of it afterwards."""
    with scene.writer() as writer:
        with writer.transaction():
            write_all(scene, writer)
            assert writer.is_in_transaction
            with scene.store.reader() as reader:
                assert (reader.counts().events, reader.tree_heads()) == (0, ())

        assert not writer.is_in_transaction
        with scene.store.reader() as reader:
            assert (reader.counts().events, reader.tree_heads()) == (1, (HEAD,))


def test_an_error_inside_rolls_all_of_it_back(scene: Scene) -> None:
    """Invariant 2: nothing is left, and what was remembered beside the store is forgotten too."""
    with scene.writer() as writer:
        before = scene.adapter.dump()
        with pytest.raises(StopError):
            write_and_stop(scene, writer)
        after = {name: rows for name, rows in scene.adapter.dump().items() if name != "lease"}

        write_all(scene, writer)

    assert after == {name: rows for name, rows in before.items() if name != "lease"}
    with scene.store.reader() as reader:
        assert (reader.counts().events, reader.counts().segments) == (1, 1)
        assert [kind for _pack, kind, _count in reader.kinds()] == ["never seen"]


def test_a_part_that_failed_dooms_the_whole_even_if_its_error_is_caught(scene: Scene) -> None:
    """Invariant 2: half of a batch is not committed because somebody caught the error."""
    with scene.writer() as writer:
        with pytest.raises(StoreError, match="a part of this transaction failed"):
            write_and_go_on(scene, writer)

        with scene.store.reader() as reader:
            assert (reader.counts().events, reader.tree_heads()) == (0, ())


def test_what_was_written_is_read_inside(scene: Scene) -> None:
    """The writer's own reading side sees what the open transaction holds."""
    with scene.writer() as writer, writer.transaction():
        write_all(scene, writer)
        with writer.reading() as reader:
            assert reader.counts().events == 1
            assert [line.event_id for line in reader.events_with_ids(["e1", "e2"])] == ["e1"]
