"""Identity: whether the bytes already read are still there."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import LogCorruptError, LogMissingError, LogUnreadableError
from evidentia.event.values import ByteOffset, LineNumber
from evidentia.log.identity import (
    FingerprintBuilder,
    fingerprint,
    resume_fingerprint,
    still_holds,
)
from evidentia.log.lines import LineCutter
from evidentia.log.values import Block, Compression, Fingerprint, Limits, LogPlace, Stretch

Packed = Callable[[Compression, bytes], bytes]
Written = Callable[..., Path]

NONE, GZIP = Compression.NONE, Compression.GZIP
LINES = b"".join(b'{"n":%d}\n' % each for each in range(3_000))
CHECKPOINTS = [0, 1, 1_023, 1_024, 1_025, 4_096, 4_097, 5_119, 5_120, 5_121, 20_000, len(LINES)]


def by_hand(data: bytes, checkpoint: int) -> Fingerprint:
    """The fingerprint as its definition has it."""
    head, anchor = data[:checkpoint][:1_024], data[:checkpoint][-4_096:]
    return Fingerprint(
        head_bytes=len(head),
        head_hash=blake3(head).digest(),
        anchor_bytes=len(anchor),
        anchor_hash=blake3(anchor).digest(),
    )


@pytest.mark.parametrize("compression", list(Compression))
@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_a_fingerprint_covers_head_and_anchor_of_the_decompressed_stream(
    compression: Compression, checkpoint: int, packed: Packed, written: Written
) -> None:
    """M13, M59: the compressed copy and the moved file have the fingerprint of the log."""
    path = written(packed(compression, LINES))

    result = fingerprint(LogPlace(path=path, compression=compression), ByteOffset(checkpoint))

    assert result == by_hand(LINES, checkpoint)


@pytest.mark.parametrize("compression", list(Compression))
@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_a_log_that_grew_still_holds(
    compression: Compression, checkpoint: int, packed: Packed, written: Written
) -> None:
    """IN-02: appended bytes change nothing before the checkpoint."""
    path = written(packed(compression, LINES + b"{}\n"))

    result = still_holds(
        LogPlace(path=path, compression=compression),
        by_hand(LINES, checkpoint),
        ByteOffset(checkpoint),
    )

    assert result


@pytest.mark.parametrize("compression", list(Compression))
@pytest.mark.parametrize("missing", [1, 4_096, len(LINES)])
def test_a_shorter_log_does_not_hold(
    compression: Compression, missing: int, packed: Packed, written: Written
) -> None:
    """M07, M31: a truncated log is another segment, whatever its first bytes are."""
    path = written(packed(compression, LINES[:-missing]))
    known = by_hand(LINES, len(LINES))

    result = still_holds(
        LogPlace(path=path, compression=compression), known, ByteOffset(len(LINES))
    )

    assert not result


@pytest.mark.parametrize("place", [0, 1_023, len(LINES) - 4_096, len(LINES) - 1])
@pytest.mark.parametrize("compression", [NONE, GZIP])
def test_a_changed_byte_in_head_or_anchor_does_not_hold(
    place: int, compression: Compression, packed: Packed, written: Written
) -> None:
    """M24, IN-02: a replacement of the same size is seen by its bytes."""
    changed = bytearray(LINES)
    changed[place] ^= 1
    path = written(packed(compression, bytes(changed)))
    known = by_hand(LINES, len(LINES))

    result = still_holds(
        LogPlace(path=path, compression=compression), known, ByteOffset(len(LINES))
    )

    assert not result


def test_a_change_between_head_and_anchor_is_not_seen(written: Written) -> None:
    """M25: the documented limit of a live look; verify finds what this cannot."""
    changed = bytearray(LINES)
    changed[2_000] ^= 1
    path = written(bytes(changed))

    result = still_holds(
        LogPlace(path=path, compression=NONE), by_hand(LINES, len(LINES)), ByteOffset(len(LINES))
    )

    assert result


@pytest.mark.parametrize("checkpoint", [3_000, len(LINES)])
def test_an_archive_that_breaks_before_the_checkpoint_does_not_hold(
    checkpoint: int, written: Written
) -> None:
    """M14: a half-written archive does not vouch for bytes it does not have yet."""
    archive = gzip.compress(LINES)
    path = written(archive[:500])

    result = still_holds(
        LogPlace(path=path, compression=GZIP), by_hand(LINES, checkpoint), ByteOffset(checkpoint)
    )

    assert not result


def test_an_archive_that_breaks_behind_the_checkpoint_holds(written: Written) -> None:
    """M15: what is corrupt later does not unmake what was read before."""
    archive = gzip.compress(LINES)
    path = written(archive[:-8])

    result = still_holds(
        LogPlace(path=path, compression=GZIP), by_hand(LINES, 9_000), ByteOffset(9_000)
    )

    assert result


def test_a_missing_log_is_an_error_and_no_answer(tmp_path: Path) -> None:
    """M17: a file that is not there neither holds nor fails to hold."""
    with pytest.raises(LogMissingError):
        still_holds(
            LogPlace(path=tmp_path / "a.json", compression=NONE), by_hand(b"", 0), ByteOffset(0)
        )


def test_a_fingerprint_beyond_the_end_is_an_error(written: Written) -> None:
    """M07: there are no bytes to take it of."""
    path = written(LINES)

    with pytest.raises(LogUnreadableError) as caught:
        fingerprint(LogPlace(path=path, compression=NONE), ByteOffset(len(LINES) + 1))

    assert caught.value.where == f"{path}, byte {len(LINES) + 1}"


def test_limits_hold_for_fingerprints_too(written: Written) -> None:
    """M16: a bomb is not decompressed to its end on the way to a checkpoint."""
    path = written(gzip.compress(bytes(10**7)))
    limits = Limits(decompressed_bytes_max=10**6)

    with pytest.raises(LogCorruptError, match="expands"):
        fingerprint(LogPlace(path=path, compression=GZIP), ByteOffset(10**7), limits=limits)


@given(
    size=st.integers(0, 12_000),
    cuts=st.lists(st.integers(0, 12_000), max_size=6).map(sorted),
    resumed_at=st.integers(0, 6),
)
@settings(derandomize=True, max_examples=150)
def test_the_next_fingerprint_needs_no_second_reading(
    size: int, cuts: list[int], resumed_at: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """IN-21: fed with the pieces, and resumed from a checkpoint, the builder is right."""
    data = LINES[:size]
    path = tmp_path_factory.mktemp("log") / "a.json"
    path.write_bytes(data)
    places = [0, *(cut for cut in cuts if cut <= size), size]
    builder = FingerprintBuilder()

    for number, (begin, end) in enumerate(itertools.pairwise(places)):
        if number == resumed_at:
            known = builder.fingerprint()
            resumed = resume_fingerprint(
                LogPlace(path=path, compression=NONE), known, ByteOffset(begin)
            )
            assert resumed is not None
            builder = resumed
        builder.feed(data[begin:end])

    assert builder.fingerprint() == by_hand(data, size)


def test_a_builder_is_not_resumed_on_other_bytes(written: Written) -> None:
    """M12: a log whose bytes changed has no next fingerprint."""
    path = written(b"other\n" + LINES)

    result = resume_fingerprint(
        LogPlace(path=path, compression=NONE), by_hand(LINES, 100), ByteOffset(100)
    )

    assert result is None


@given(
    lengths=st.lists(st.integers(0, 3_000), min_size=1, max_size=8),
    is_hole=st.booleans(),
)
@settings(derandomize=True, max_examples=100)
def test_stretches_count_with_both_their_ends(lengths: list[int], is_hole: bool) -> None:  # noqa: FBT001  (drawn)
    """M35, M45: a line too long to hold still gives the next checkpoint its anchor."""
    limits = Limits(block_bytes=64, line_bytes_max=100)
    text = b"".join(b"%d" % length + b"x" * length + b"\n" for length in lengths)
    data = text.replace(b"\nx", b"\n\0").replace(b"x", b"\0") if is_hole else text
    cutter = LineCutter(start=ByteOffset(0), first_line=LineNumber(1), limits=limits)
    builder = FingerprintBuilder()

    for place in range(0, len(data), 64):
        for piece in cutter.feed(data[place : place + 64]):
            if isinstance(piece, Block):
                builder.feed(piece.data)
            elif isinstance(piece, Stretch):
                builder.feed_stretch(piece)

    assert builder.fingerprint() == by_hand(data, len(data))
