"""Which files make a ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidentia.errors import LedgerDamagedError, LedgerError, LedgerMissingError
from evidentia.ledger.layout import (
    acknowledged_path,
    broken_folder,
    head_path,
    lock_path,
    segment_file,
    segment_files,
    segment_holding,
)


def test_segments_are_found_in_order_of_their_first_event(tmp_path: Path) -> None:
    """By their names, whose digits have one width."""
    for first in (1_000, 0, 20):
        segment_file(tmp_path, first).path.touch()
    (tmp_path / "head").touch()

    files = segment_files(tmp_path)

    assert [each.first_sequence for each in files] == [0, 20, 1_000]
    assert files[1].index_path.name == f"{20:020d}.index"


def test_a_sequence_falls_into_the_last_segment_that_begins_before_it(tmp_path: Path) -> None:
    """The next event to come falls into the last."""
    files = [segment_file(tmp_path, first) for first in (0, 20)]

    assert segment_holding(files, 19) is files[0]
    assert segment_holding(files, 20) is files[1]
    assert segment_holding(files, 10**9) is files[1]


@pytest.mark.parametrize(
    "name", ["1.jsonl", f"{0:021d}.jsonl", "copy of 0.jsonl", "٣" * 20 + ".jsonl"]
)
def test_a_stranger_that_looks_like_a_segment_is_refused(name: str, tmp_path: Path) -> None:
    """It is neither passed over nor read as a part of the ledger."""
    segment_file(tmp_path, 0).path.touch()
    (tmp_path / name).touch()

    with pytest.raises(LedgerDamagedError, match="not a segment"):
        segment_files(tmp_path)


def test_a_folder_without_segments_is_no_ledger(tmp_path: Path) -> None:
    """Nor is one that is not there, or a file."""
    (tmp_path / "file").touch()

    for place in (tmp_path, tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(LedgerMissingError):
            segment_files(place)


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a ledger could be made where there is one."""

    def refuse(_: Path) -> None:
        raise PermissionError(13, "not allowed")

    monkeypatch.setattr(Path, "iterdir", refuse)

    with pytest.raises(LedgerError, match="cannot be read") as caught:
        segment_files(tmp_path)
    assert not isinstance(caught.value, LedgerMissingError)


def test_the_other_files_lie_beside_the_segments(tmp_path: Path) -> None:
    """Their names are part of the format."""
    names = [
        path(tmp_path).name for path in (head_path, lock_path, acknowledged_path, broken_folder)
    ]

    assert names == ["head", "lock", "acknowledged", "broken"]
