"""A ledger as it lies on the disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evidentia.errors import LedgerDamagedError, LedgerError
from evidentia.ledger.index import Standing
from evidentia.ledger.layout import segment_files
from evidentia.ledger.reading import LedgerFiles, LedgerView, created_of, scan
from evidentia.ledger.statements import Signing
from evidentia.proof.tree import leaf_hash, root_of

from . import kit

NUMBERS = range(1, 9)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger of several segments."""
    kit.filled(tmp_path / "ledger", NUMBERS, segment_bytes_max=1_200)
    return tmp_path / "ledger"


def view_of(folder: Path) -> LedgerView:
    """The view that reading a folder gives."""
    files = LedgerFiles(folder)
    return LedgerView(files, scan(files.files[-1], files.before(files.last)).index)


def test_every_event_is_found_by_sequence_and_by_id(folder: Path) -> None:
    """In whichever segment it stands."""
    view, lines = view_of(folder), kit.lines(folder)

    assert len(segment_files(folder)) > 2
    assert [view.line(at) for at in range(view.size)] == lines
    for number in NUMBERS:
        found = view.find(f"e{number}")
        assert found is not None
        assert json.loads(lines[found.sequence])["id"] == f"e{number}"
    assert view.find("nobody") is None


def test_the_tree_is_that_of_the_lines_at_each_size(folder: Path) -> None:
    """And the leaf hashes are those of any stretch."""
    view, leaves = view_of(folder), [leaf_hash(line) for line in kit.lines(folder)]

    for size in range(1, view.size + 1):
        assert view.tree_at(size).root() == root_of(leaves[:size])
    assert len(view) == len(leaves)
    assert list(view[:]) == leaves
    assert list(view[2:7]) == leaves[2:7]


@pytest.mark.parametrize("damage", ["none", "missing", "garbage", "empty"])
def test_an_index_that_is_not_there_is_made_again(damage: str, folder: Path) -> None:
    """Whatever became of it: the segment itself is read."""
    expected = view_of(folder).tree_at(9).root()
    for path in folder.glob("*.index"):
        if damage == "missing":
            path.unlink()
        elif damage != "none":
            path.write_bytes(b"garbage" if damage == "garbage" else b"")

    view = view_of(folder)

    assert view.tree_at(9).root() == expected
    assert view.find("e1") is not None


def test_a_closed_segment_that_does_not_hold_is_refused(folder: Path) -> None:
    """With the place, where no index speaks for it; a torn end or an open batch as well."""
    first = segment_files(folder)[0]
    data = first.path.read_bytes()
    for path in folder.glob("*.index"):
        path.unlink()
    batch = data.replace(b'{"domain_tags"', b'{"batch":{"index":0,"size":2},"domain_tags"', 1)

    for changed in (data.replace(b"number", b"nomber", 1), data[:-1], batch, data + b"torn"):
        first.path.write_bytes(changed)
        with pytest.raises(LedgerDamagedError) as caught:
            view_of(folder)
        assert str(caught.value.where).startswith(str(first.path))


def test_a_missing_segment_is_noticed(folder: Path) -> None:
    """The first, one in between, and one whose neighbour has another name."""
    files = segment_files(folder)
    for file in (files[0], files[1]):
        data = file.path.read_bytes()
        file.path.unlink()
        with pytest.raises(LedgerDamagedError, match="missing"):
            view_of(folder)
        file.path.write_bytes(data)

    files[-1].path.rename(files[-1].path.with_name(f"{77:020d}.jsonl"))
    with pytest.raises(LedgerDamagedError, match="missing"):
        view_of(folder)


def test_an_event_that_cannot_be_read_any_more_is_damage(folder: Path) -> None:
    """An append that meets it in a look-up gets an error of ours, with the place."""
    view, first = view_of(folder), segment_files(folder)[0]
    first.path.write_bytes(bytes(first.path.stat().st_size))

    with pytest.raises(LedgerDamagedError, match="event 1 cannot be read"):
        view.find("e1")


def test_a_line_of_a_file_that_is_gone_is_an_error_of_ours(folder: Path) -> None:
    """Not one of the system's."""
    view = view_of(folder)
    view.line(0)
    segment_files(folder)[0].path.unlink()

    with pytest.raises(LedgerError, match="cannot be read"):
        view.line(0)


def test_a_look_up_tells_ids_with_one_tag_apart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the lines themselves."""
    view = view_of(folder)
    for index in view.files.closed_indexes():
        monkeypatch.setattr(
            type(index), "candidates", lambda self, _: iter(range(self.before.size, self.size))
        )

    found = view.find("e2")

    assert found is not None
    assert found.id == "e2"


def test_a_scan_stops_at_the_size_that_is_asked_for(tmp_path: Path) -> None:
    """As if nothing came after it."""
    folder = tmp_path / "ledger"
    kit.filled(folder, NUMBERS)
    file = segment_files(folder)[0]

    for size in (0, 1, 5):
        found = scan(file, Standing(), size)
        assert (found.index.size, found.whole_size, found.check.chain.size) == (size, size, size)
        assert found.failure is None


def test_a_scan_counts_whole_batches_only(tmp_path: Path) -> None:
    """Events of one that is not all there are read, but do not count."""
    folder = kit.created(tmp_path / "ledger")
    with kit.opened(folder) as ledger:
        ledger.append(kit.drafts(1, 2, 3), kit.ALLOW)
    path = kit.last_segment(folder)
    path.write_bytes(b"\n".join(kit.lines(folder)[:3]) + b"\ntorn")

    found = scan(segment_files(folder)[0], Standing())

    assert (found.index.size, found.whole_size, found.torn) == (3, 1, b"torn")


def test_the_first_event_says_which_ledger_this_is(tmp_path: Path) -> None:
    """Without that, it is damage."""
    folder = kit.created(tmp_path / "ledger", Signing.ROWS)

    assert created_of(folder).origin == kit.ORIGIN
    assert created_of(folder).signing is Signing.ROWS
    for garbage in (b"{}\n", b"\xff\n", b""):
        kit.last_segment(folder).write_bytes(garbage)
        with pytest.raises(LedgerDamagedError):
            created_of(folder)
