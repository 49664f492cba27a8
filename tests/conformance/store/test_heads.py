"""The last tree head of a ledger: kept under compare-and-swap, and never stepping back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evidentia.errors import StoreError
from evidentia.store.heads import StoredHead

from .scene import Scene

FIRST = StoredHead(origin="example.org/a", size=3, root=b"\x01" * 32, note=b"signed")
NEXT = replace(FIRST, size=5, root=b"\x02" * 32, note=b"signed later")


def test_a_head_is_kept_and_gives_way_to_a_larger_one(scene: Scene) -> None:
    """What was put is what is read, by the writer and by readers, with its signed bytes."""
    with scene.writer() as writer:
        before = writer.tree_head(FIRST.origin)
        writer.replace_tree_head(None, FIRST)
        writer.replace_tree_head(FIRST, NEXT)
        found = writer.tree_head(FIRST.origin)

    with scene.store.reader() as reader:
        assert (before, found, reader.tree_head(FIRST.origin)) == (None, NEXT, NEXT)


def test_each_ledger_has_its_own_head(scene: Scene) -> None:
    """The origin tells ledgers apart; heads are listed by it."""
    other = replace(NEXT, origin="example.org/0")
    with scene.writer() as writer:
        writer.replace_tree_head(None, FIRST)
        writer.replace_tree_head(None, other)

    with scene.store.reader() as reader:
        assert reader.tree_heads() == (other, FIRST)
        assert reader.tree_head("example.org/none") is None


@pytest.mark.parametrize("known", [None, replace(FIRST, size=2), replace(FIRST, root=bytes(32))])
def test_a_swap_by_someone_who_knows_another_head_is_refused(scene: Scene, known) -> None:
    """Two writers cannot both follow the same head; the refusal says what stands there."""
    with scene.writer() as writer:
        writer.replace_tree_head(None, FIRST)

        with pytest.raises(StoreError, match=f"another tree head is kept: 3 events.*{'01' * 32}"):
            writer.replace_tree_head(known, NEXT)

        assert writer.tree_head(FIRST.origin) == FIRST


@pytest.mark.parametrize("change", [{"size": 2}, {"size": 0}, {"root": b"\x09" * 32}])
def test_a_head_never_steps_back_or_aside(scene: Scene, change) -> None:
    """A smaller head, or another root at the same size, is refused, and names both."""
    new = replace(FIRST, **change)
    with scene.writer() as writer:
        writer.replace_tree_head(None, FIRST)

        with pytest.raises(StoreError, match=f"{new.size} events .* does not follow .*3 events"):
            writer.replace_tree_head(FIRST, new)

        assert writer.tree_head(FIRST.origin) == FIRST


def test_a_head_that_was_signed_anew_takes_the_place_of_the_same_head(scene: Scene) -> None:
    """Size and root are the head; a further signature on it is no other head."""
    signed = replace(FIRST, note=b"signed by two")
    with scene.writer() as writer:
        writer.replace_tree_head(None, FIRST)
        writer.replace_tree_head(replace(FIRST, note=b""), signed)

        assert writer.tree_head(FIRST.origin) == signed
