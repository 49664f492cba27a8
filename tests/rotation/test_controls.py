"""Controls of matrix 6.6: under weaker rules of identity some scenario must fail."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from tests.unit.ingest.kit import Place

from evidentia.errors import EvidentiaError
from evidentia.ingest import copies, plan
from evidentia.log.identity import FingerprintBuilder, read_identity

from . import test_replacing as replacing
from . import test_rotating as rotating
from .conftest import Look
from .scene import ALL, LIVE, lines, once


def equal_heads(place: Place, look: Look) -> None:
    """A log is written anew, longer, with the same first kilobyte and other lines behind it."""
    place.write(LIVE, lines(0, 60))
    look()
    place.write(LIVE, lines(0, 12) + lines(100, 60))
    look()

    once(place, lines(0, 60), lines(0, 12), lines(100, 60))


SCENARIOS: Final[dict[str, Callable[[Place, Look], None]]] = {
    "equal heads": equal_heads,
    "m02": rotating.test_m02_a_renamed_file_is_drained_before_the_new_one,
    "m07": rotating.test_m07_truncated_and_grown_past_the_old_offset_is_the_next_segment,
    "m09": rotating.test_m09_copy_before_truncate_is_not_read_twice,
    "m24": functools.partial(
        replacing.test_m24_a_replacement_of_the_same_size_is_the_next_segment, is_rewritten=True
    ),
    "m29": functools.partial(
        replacing.test_m29_a_restored_backup_is_stale_until_it_diverges, kept=3, is_rewritten=True
    ),
}


def failing(folder: Path) -> set[str]:
    """The scenarios that do not hold."""
    found = set()
    for name, scenario in SCENARIOS.items():
        place = Place(folder=folder / name)
        place.folder.mkdir()
        try:
            scenario(place, functools.partial(place.ingest, ALL))
        except (AssertionError, EvidentiaError, KeyError):
            found.add(name)
    return found


def head_only(where: Any, known: Any, checkpoint: Any, **others: Any) -> Any:
    """Resume wherever the first kilobyte is the same, as several shippers do."""
    found = read_identity(where, checkpoint, **others)
    is_same = found is not None and found.fingerprint().head_hash == known.head_hash
    return FingerprintBuilder(found) if is_same else None


def inode_only(where: Any, _known: Any, checkpoint: Any, **others: Any) -> Any:
    """Resume whatever has the inode, as others do."""
    found = read_identity(where, checkpoint, **others)
    return None if found is None else FingerprintBuilder(found)


def test_every_scenario_holds_under_the_real_rules(tmp_path: Path) -> None:
    """What the controls break is whole without them."""
    assert failing(tmp_path) == set()


def test_head_only_identity_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the anchor a log with an equal head is read on at a foreign byte."""
    monkeypatch.setattr(plan, "resume_fingerprint", head_only)

    assert "equal heads" in failing(tmp_path)


def test_inode_only_identity_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the content a log that was written anew loses its beginning."""
    monkeypatch.setattr(plan, "resume_fingerprint", inode_only)

    assert failing(tmp_path) >= {"m07", "m24"}


def test_no_stale_copy_rule_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the stored lines a copy that was left behind is read a second time."""
    monkeypatch.setattr(copies.Copies, "likeness", lambda *_parts: None)

    assert failing(tmp_path) >= {"m09", "m29"}
