"""Rows 15 and 16 of the matrix: archives that are whole, broken, or larger than they should be."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from tests.unit.ingest.kit import Place

from evidentia.ingest.values import Outcome
from evidentia.log.values import Limits

from .conftest import Look
from .scene import (
    ALL,
    LIVE,
    assert_settled,
    assert_sound,
    assert_tiled,
    gaps,
    held_by,
    letters,
    lines,
    once,
    states,
)

ARCHIVE = "live.jsonl.1.gz"


@pytest.mark.parametrize("padding", [b"", b"\0" * 512], ids=["members", "members and padding"])
def test_m15_several_members_and_zero_padding_are_fine(
    place: Place, look: Look, padding: bytes
) -> None:
    """What gzip itself reads as one stream is one stream, without a word."""
    packed = gzip.compress(lines(0, 9)) + gzip.compress(lines(9, 9)) + gzip.compress(b"")
    place.write(ARCHIVE, packed + padding)

    report = look()

    once(place, lines(0, 18))
    assert (gaps(place), report.problems) == ([], ())
    assert states(place) == ["finished"]
    assert_sound(place)
    assert_settled(place, look)


def wrong_checksum(packed: bytes) -> bytes:
    """The same archive with one wrong bit in its CRC."""
    return packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:]


@pytest.mark.parametrize(
    "damage",
    [wrong_checksum, lambda packed: packed + b"\x1fjunk behind it"],
    ids=["checksum", "trailing junk"],
)
def test_m15_a_corrupt_archive_gives_its_lines_and_a_gap(place: Place, damage) -> None:
    """Lines before the error are committed, the error is said, and no other log is held up."""
    place.write(ARCHIVE, damage(gzip.compress(lines(0, 60))))
    place.write(LIVE, lines(60, 2))

    report = place.ingest(ALL)

    once(place, lines(0, 60), lines(60, 2))
    assert gaps(place) == [(1, "corrupt_archive")]
    outcomes = [file.outcome for file in report.files]
    assert outcomes == [Outcome.FAILED, Outcome.READ]
    assert states(place) == ["broken", "live"]
    assert_tiled(place)
    assert_settled(place, lambda: place.ingest(ALL))


def test_m15_an_archive_corrupt_in_its_middle_gives_what_comes_before(place: Place) -> None:
    """The line that the error cuts is a dead letter; nothing behind it is made up."""
    data = b"".join(lines(number, 1, pad=f"{number * 7919:x}" * 9) for number in range(900))
    packed = bytearray(gzip.compress(data))
    packed[len(packed) // 2] ^= 0xFF
    place.write(ARCHIVE, bytes(packed))

    place.ingest(ALL)

    # What was inflated between the flipped byte and its detection may be wrong, not missing.
    sure = data[: len(data) // 3].splitlines()[:-1]
    assert held_by(place, 1)[: len(sure)] == sure
    assert gaps(place) == [(1, "corrupt_archive")]
    assert_tiled(place)


def test_m15_a_rotated_archive_that_breaks_continues_and_is_a_gap(place: Place, look: Look) -> None:
    """The unread tail is taken as far as it goes, once, and what follows is said to be unknown."""
    live = place.write(LIVE, lines(0, 10))
    look()
    place.append(LIVE, lines(10, 50))
    place.write(ARCHIVE, wrong_checksum(gzip.compress(live.read_bytes())))
    live.unlink()
    place.write(LIVE, lines(60, 2))
    look()
    look()

    once(place, lines(0, 62))
    assert "corrupt_archive" in {kind for _segment, kind in gaps(place)}
    assert_tiled(place)
    assert_settled(place, look)


def test_m15_an_archive_mended_from_a_backup_is_read_to_its_end(place: Place) -> None:
    """A broken archive that changes is looked at again, and goes on where it broke off."""
    data = b"".join(lines(number, 1, pad=f"{number * 7919:x}" * 9) for number in range(900))
    packed = gzip.compress(data)
    place.write(ARCHIVE, packed[: len(packed) // 2])
    place.ingest(ALL, options=replace(place.options, is_final=True))
    assert [kind for _segment, kind in gaps(place)] == ["truncated_archive"]
    torn = letters(place)

    place.write(ARCHIVE, packed)
    place.ingest(ALL)
    place.ingest(ALL)

    cut = {line for line in data.splitlines() if any(line.startswith(part) for part in torn)}
    assert set(place.raws()) >= set(data.splitlines()) - cut
    assert_tiled(place)
    assert_settled(place, lambda: place.ingest(ALL))


def test_m16_a_bomb_is_refused_and_the_option_is_named(place: Place) -> None:
    """Nothing of it is stored, the message says which limit to raise, and others go on."""
    place.write(ARCHIVE, gzip.compress(b'{"n":1}\n' * 400_000))
    place.write(LIVE, lines(0, 3))
    limits = Limits(expansion_max=100, expansion_free_bytes=1 << 20)
    tight = replace(place.options, limits=limits)

    report = place.ingest(ALL, options=tight)

    bomb, other = report.files
    assert (bomb.outcome, other.outcome) == (Outcome.FAILED, Outcome.READ)
    assert "limits.expansion_max" in str(bomb.problem)
    once(place, lines(0, 3))
    assert_settled(place, lambda: place.ingest(ALL, options=tight))


def test_m16_a_bomb_is_also_refused_where_it_could_continue_a_segment(place: Place) -> None:
    """An archive is tried against known segments within the same limits."""
    live = place.write(LIVE, lines(0, 3))
    place.ingest(ALL)
    live.rename(place.folder / "live.jsonl.1")
    place.write("live.jsonl.2.gz", gzip.compress(b"\n" * 8_000_000))
    place.write(LIVE, lines(3, 3))
    limits = Limits(expansion_max=100, expansion_free_bytes=1 << 20)

    report = place.ingest(ALL, options=replace(place.options, limits=limits))

    assert [file.outcome for file in report.files if file.problem] == [Outcome.FAILED]
    once(place, lines(0, 6))
