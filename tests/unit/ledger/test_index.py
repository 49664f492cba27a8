"""What a segment's lines amount to, in memory and in the file beside a closed segment."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.ledger import index as module
from evidentia.ledger.index import (
    Hashes,
    SegmentIndex,
    Standing,
    packed,
    standing_of,
    tag_of,
    unpacked,
)
from evidentia.ledger.reading import LedgerFiles, scan
from evidentia.ledger.statements import Signing
from evidentia.proof.tree import CompactRange, leaf_hash, root_of

from . import kit


def grown(lines: list[bytes], before: Standing | None = None) -> SegmentIndex:
    """The index of a segment with these lines."""
    index = SegmentIndex(before=before or Standing())
    for number, line in enumerate(lines):
        index.add(f"id{number}", leaf_hash(line), len(line))
    return index


def closed(index: SegmentIndex) -> bytes:
    """The index file of a segment that ends here."""
    tree = index.tree_at(index.size)
    return packed(index, Standing(size=tree.size, hashes=tree.hashes, event_hash="h"))


LINES = st.lists(st.binary(max_size=30), min_size=1, max_size=20)


@given(lines=LINES)
def test_a_closed_index_says_what_the_growing_one_said(lines: list[bytes]) -> None:
    """Places, leaf hashes, candidates for an id and the tree are the same after reading back."""
    index = grown(lines)

    found = unpacked(memoryview(closed(index)), 0, index.byte_end)

    assert found is not None
    assert (found.size, found.byte_end) == (index.size, index.byte_end)
    for sequence in range(index.size):
        assert found.span(sequence) == index.span(sequence)
        assert found.byte_start(sequence) == index.byte_start(sequence)
        assert list(found.candidates(f"id{sequence}")) == [sequence]
        assert found.tree_at(sequence + 1).root() == root_of(map(leaf_hash, lines[: sequence + 1]))
    assert list(found.candidates("nobody")) == []
    assert list(found.hashes()[:]) == list(map(leaf_hash, lines))


@given(lines=LINES, before=LINES)
def test_spans_are_the_lines_without_their_newlines(
    lines: list[bytes], before: list[bytes]
) -> None:
    """Sequences count from the beginning of the ledger, places from that of the segment."""
    tree = CompactRange()
    tree.extend(map(leaf_hash, before))
    start = Standing(size=tree.size, hashes=tree.hashes)
    index = grown(lines, start)
    data = b"".join(line + b"\n" for line in lines)

    found = [data[slice(*index.span(start.size + at))] for at in range(len(lines))]

    assert found == lines
    assert index.tree_at(index.size).root() == root_of(map(leaf_hash, before + lines))
    assert index.byte_start(index.size) == index.byte_end == len(data)


@given(lines=LINES, size=st.integers(0, 20))
def test_a_cut_index_is_that_of_fewer_lines(lines: list[bytes], size: int) -> None:
    """As if the others had never been added."""
    index = grown(lines)

    index.cut(min(size, len(lines)))

    assert index == grown(lines[:size])


def test_a_closed_segment_does_not_grow() -> None:
    """Its index lies in a file that is not written to."""
    index = grown([b"line"])
    found = unpacked(memoryview(closed(index)), 0, index.byte_end)
    assert found is not None

    with pytest.raises(TypeError):
        found.add("another", bytes(32), 4)


def test_a_damaged_index_is_not_used() -> None:
    """One flipped bit is enough, wherever it is, and so is a missing end."""
    index = grown([b"one", b"two"])
    data = closed(index)
    chance = random.Random(1)  # noqa: S311 - the same again

    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << chance.randrange(8)
        assert unpacked(memoryview(bytes(changed)), 0, index.byte_end) is None
    for length in range(len(data)):
        assert unpacked(memoryview(data[:length]), 0, index.byte_end) is None


def test_an_index_of_another_segment_is_not_used() -> None:
    """One that begins elsewhere, or that the segment has outgrown."""
    index = grown([b"one", b"two"])
    data = memoryview(closed(index))

    assert unpacked(data, 1, index.byte_end) is None
    assert unpacked(data, 0, index.byte_end + 1) is None


def test_ids_with_one_tag_are_all_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight bytes may stand for two ids; the lines tell which."""
    monkeypatch.setattr(module, "tag_of", lambda _: 7)
    index = grown([b"one", b"two"])
    found = unpacked(memoryview(closed(index)), 0, index.byte_end)
    assert found is not None

    assert list(found.candidates("id0")) == [0, 1]
    assert tag_of("x") != tag_of("y")


def test_a_standing_goes_on_where_chain_and_tree_were(tmp_path: Path) -> None:
    """With origin, signing and keys, as they are kept in an index file."""
    folder = kit.created(tmp_path / "ledger", Signing.ROWS)
    files = LedgerFiles(folder)
    found = scan(files.files[0], Standing())
    chain, tree = found.check.chain, found.index.tree_at(1)

    standing = standing_of(chain, tree)

    assert standing.chain() == chain
    assert standing.root == tree.root()
    index = replace(found.index, after=standing)
    again = unpacked(memoryview(packed(index, standing)), 0, index.byte_end)
    assert again is not None
    assert again.after == standing


def test_hashes_are_cut_into_stretches() -> None:
    """By number, as a list would be."""
    data = b"".join(bytes([number]) * 32 for number in range(5))

    hashes = Hashes(data)

    assert len(hashes) == 5
    assert list(hashes[1:3]) == [bytes([1]) * 32, bytes([2]) * 32]
    assert list(hashes[-1:]) == [bytes([4]) * 32]
