"""Compression: told by content, and the same bytes whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from evidentia.errors import LogCorruptError
from evidentia.event.values import ByteOffset
from evidentia.log.compression import inspect_archive, open_stream, tell_compression
from evidentia.log.values import (
    ArchiveCondition,
    ArchiveState,
    Compression,
    Limits,
    LogPlace,
)

Packed = Callable[[Compression, bytes], bytes]
Written = Callable[..., Path]

ARCHIVES = [each for each in Compression if each is not Compression.NONE]
SKIPPABLE = b"\x5a\x2a\x4d\x18\x04\x00\x00\x00skip"


def read_all(path: Path, compression: Compression, size: int = 10_000) -> bytes:
    """Everything that can be read before the end or the fault."""
    with open_stream(LogPlace(path=path, compression=compression)) as stream:
        return b"".join(iter(lambda: stream.salvage(size), b""))


@pytest.mark.parametrize(
    ("first_bytes", "compression"),
    [
        (b"\x1f\x8b\x08\x00\x00\x00", Compression.GZIP),
        (b"BZh91A", Compression.BZIP2),
        (b"BZh0xx", Compression.NONE),
        (b"BZhack", Compression.NONE),
        (b"\xfd7zXZ\x00", Compression.XZ),
        (b"\x28\xb5\x2f\xfd\x00\x00", Compression.ZSTANDARD),
        (b"\x50\x2a\x4d\x18\x00\x00", Compression.ZSTANDARD),
        (b"\x5f\x2a\x4d\x18\x00\x00", Compression.ZSTANDARD),
        (b"\x60\x2a\x4d\x18\x00\x00", Compression.NONE),
        (b'{"a":1', Compression.NONE),
        (b"\x1f", Compression.NONE),
        (b"", Compression.NONE),
    ],
)
def test_the_first_bytes_tell_the_compression(first_bytes: bytes, compression: Compression) -> None:
    """M13: magic numbers decide, also of Zstandard's skippable frames."""
    result = tell_compression(first_bytes)

    assert result is compression


@pytest.mark.parametrize("compression", list(Compression))
@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_a_log_reads_the_same_however_it_is_compressed(
    lines: bytes, compression: Compression, size: int, packed: Packed, written: Written
) -> None:
    """M13: the decompressed bytes are the log's bytes, in reads of any size."""
    path = written(packed(compression, lines))

    result = read_all(path, compression, size)

    assert result == lines


@pytest.mark.parametrize("compression", ARCHIVES)
def test_several_members_and_zero_padding_are_one_log(
    lines: bytes, compression: Compression, packed: Packed, written: Written
) -> None:
    """M15: appended members and zero padding between and behind them are fine."""
    archive = b"".join(
        [packed(compression, lines[:99]), bytes(8), packed(compression, lines[99:]), bytes(70_000)]
    )
    path = written(archive)

    result = read_all(path, compression)
    state = inspect_archive(LogPlace(path=path, compression=compression))

    assert result == lines
    assert state == ArchiveState(
        condition=ArchiveCondition.CLEAN, decompressed_bytes=len(lines), detail=""
    )


def test_skippable_frames_hold_nothing(lines: bytes, packed: Packed, written: Written) -> None:
    """M15: Zstandard's skippable frames before, between and behind the data are passed over."""
    frame = packed(Compression.ZSTANDARD, lines)
    path = written(SKIPPABLE + frame + SKIPPABLE + frame + SKIPPABLE)

    result = read_all(path, Compression.ZSTANDARD)
    state = inspect_archive(LogPlace(path=path, compression=Compression.ZSTANDARD))

    assert result == lines + lines
    assert state.condition is ArchiveCondition.CLEAN


@pytest.mark.parametrize("compression", ARCHIVES)
def test_a_stream_skips_forward_to_a_checkpoint(
    lines: bytes, compression: Compression, packed: Packed, written: Written
) -> None:
    """M01: a byte offset counts decompressed bytes; beyond the end there is nothing."""
    path = written(packed(compression, lines))

    with open_stream(LogPlace(path=path, compression=compression)) as stream:
        first = stream.read(10)
        reached = stream.skip_to(ByteOffset(300_000))
        rest = stream.read(50)
        reached_end = stream.skip_to(ByteOffset(len(lines)))
        reached_beyond = stream.skip_to(ByteOffset(len(lines) + 1))
        behind = stream.read(1)

    assert (first, rest, behind) == (lines[:10], lines[300_000:300_050], b"")
    assert (reached, reached_end, reached_beyond) == (True, True, False)


def test_a_clean_archive_ends_without_an_error(
    lines: bytes, packed: Packed, written: Written
) -> None:
    """M13: the end of a complete archive is simply the end."""
    path = written(packed(Compression.GZIP, lines))

    with open_stream(LogPlace(path=path, compression=Compression.GZIP)) as stream:
        data = stream.read(10**9)
        end = stream.read(1)

    assert (data, end) == (lines, b"")


def test_a_plain_file_is_clean_and_as_long_as_it_is(lines: bytes, written: Written) -> None:
    """M13: inspecting what is not compressed tells its size."""
    state = inspect_archive(LogPlace(path=written(lines), compression=Compression.NONE))

    assert state == ArchiveState(
        condition=ArchiveCondition.CLEAN, decompressed_bytes=len(lines), detail=""
    )


@pytest.mark.parametrize("compression", list(Compression))
def test_the_descriptor_is_given_back(
    lines: bytes,
    compression: Compression,
    packed: Packed,
    written: Written,
    descriptors: dict[str, int],
) -> None:
    """M57: in mid-file, at the end and after an error no descriptor stays open."""
    path = written(packed(compression, lines))

    with open_stream(LogPlace(path=path, compression=compression)) as stream:
        stream.read(10)
    inspect_archive(LogPlace(path=path, compression=compression))
    with (
        pytest.raises(LogCorruptError),
        open_stream(
            LogPlace(path=path, compression=Compression.GZIP),
            limits=Limits(decompressed_bytes_max=-1),
        ) as stream,
    ):
        stream.read(10)

    assert descriptors == {"open": 0, "most": 1}


def test_frames_written_by_other_settings_are_read(lines: bytes, written: Written) -> None:
    """M13: frames without checksum or content size, as streaming writers make them."""
    writer = zstandard.ZstdCompressor(write_checksum=False, write_content_size=False).compressobj()
    path = written(writer.compress(lines) + writer.flush())

    result = read_all(path, Compression.ZSTANDARD)

    assert result == lines
