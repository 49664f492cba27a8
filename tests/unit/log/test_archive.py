"""Archives: cut short, corrupt, bombs; every byte before the fault, then the truth."""

from __future__ import annotations

import itertools
import os
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from evidentia.errors import LogCorruptError, LogUnreadableError
from evidentia.log.compression import inspect_archive, open_stream
from evidentia.log.values import ArchiveCondition, Compression, Limits, LogPlace

Packed = Callable[[Compression, bytes], bytes]
Written = Callable[..., Path]

ARCHIVES = [each for each in Compression if each is not Compression.NONE]
SKIPPABLE = b"\x5a\x2a\x4d\x18\x04\x00\x00\x00skip"


def read_all(path: Path, compression: Compression, size: int = 10_000) -> bytes:
    """Everything that can be read before the end or the fault."""
    with open_stream(LogPlace(path=path, compression=compression)) as stream:
        return b"".join(iter(lambda: stream.salvage(size), b""))


@pytest.mark.parametrize("compression", ARCHIVES)
@pytest.mark.parametrize("part", [0.02, 0.5, 0.999])
def test_an_archive_that_ends_early_is_truncated_and_not_corrupt(
    lines: bytes, compression: Compression, part: float, packed: Packed, written: Written
) -> None:
    """M14: a half-written archive may still be completed; what is there is a prefix of the log."""
    archive = packed(compression, lines)
    path = written(archive[: int(len(archive) * part)])

    state = inspect_archive(LogPlace(path=path, compression=compression))
    result = read_all(path, compression)

    assert state.condition is ArchiveCondition.TRUNCATED
    assert state.decompressed_bytes == len(result)
    assert lines.startswith(result)
    assert state.detail


def test_a_zstandard_log_cut_at_any_byte_is_never_called_clean(
    lines: bytes, packed: Packed, written: Written
) -> None:
    """M14: the library's reader takes a cut frame for the end; this one must not."""
    archive = packed(Compression.ZSTANDARD, lines[:500])

    conditions = {
        inspect_archive(
            LogPlace(path=written(archive[:size]), compression=Compression.ZSTANDARD)
        ).condition
        for size in range(1, len(archive))
    }

    assert conditions == {ArchiveCondition.TRUNCATED}


@pytest.mark.parametrize("compression", ARCHIVES)
def test_a_flipped_byte_is_corrupt_and_costs_nothing_before_it(
    lines: bytes, compression: Compression, packed: Packed, written: Written
) -> None:
    """M15: one wrong byte in the last member leaves all members before it untouched."""
    first, last = packed(compression, lines), bytearray(packed(compression, lines))
    last[len(last) // 2] ^= 0x55
    path = written(first + bytes(last))

    state = inspect_archive(LogPlace(path=path, compression=compression))
    result = read_all(path, compression)

    assert state.condition is ArchiveCondition.CORRUPT
    assert state.decompressed_bytes == len(result)
    assert result.startswith(lines)
    assert state.detail


@pytest.mark.parametrize("has_fast_inflater", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_all_that_the_standard_library_can_inflate_is_salvaged(
    lines: bytes,
    has_fast_inflater: bool,  # noqa: FBT001  (a case of the test, not a switch)
    seed: int,
    packed: Packed,
    written: Written,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """M15: not one line before the fault is lost, with the fast inflater as without it."""
    if not has_fast_inflater:
        monkeypatch.setitem(sys.modules, "isal", None)
    archive = bytearray(packed(Compression.GZIP, lines))
    archive[20 + 104_729 * seed % (len(archive) - 28)] ^= 0x10
    path = written(bytes(archive))

    result = read_all(path, Compression.GZIP)

    assert result == inflated_byte_by_byte(bytes(archive))


def inflated_byte_by_byte(archive: bytes) -> bytes:
    """The most that zlib gives before it fails."""
    inflater = zlib.decompressobj(31)
    output = b""
    try:
        for byte in archive:
            output += inflater.decompress(bytes((byte,)))
    except zlib.error:
        pass
    return output


def test_a_wrong_checksum_is_corrupt_after_all_lines(
    lines: bytes, packed: Packed, written: Written
) -> None:
    """M15: every line stands before a bad CRC, and the error says what is wrong."""
    archive = bytearray(packed(Compression.GZIP, lines))
    archive[-6] ^= 1
    path = written(bytes(archive))

    state = inspect_archive(LogPlace(path=path, compression=Compression.GZIP))
    result = read_all(path, Compression.GZIP)

    assert result == lines
    assert state.condition is ArchiveCondition.CORRUPT
    assert "incorrect data check" in state.detail


def test_a_wrong_checksum_of_a_block_costs_hardly_a_line(
    lines: bytes, packed: Packed, written: Written
) -> None:
    """M15: what was unpacked in the call that failed is lost, so near a fault calls are small."""
    archive = bytearray(packed(Compression.BZIP2, lines))
    archive[10] ^= 1
    path = written(bytes(archive))

    result = read_all(path, Compression.BZIP2)

    assert lines.startswith(result)
    assert len(result) > len(lines) - 256


@pytest.mark.parametrize("compression", ARCHIVES)
@pytest.mark.parametrize("junk", [b"\n", b"\0\0\0\0junk", b"\x1fjunk"])
def test_junk_behind_an_archive_is_corrupt_after_all_lines(
    lines: bytes, compression: Compression, junk: bytes, packed: Packed, written: Written
) -> None:
    """M15: trailing junk is told from padding, and costs no line."""
    path = written(packed(compression, lines) + junk)

    state = inspect_archive(LogPlace(path=path, compression=compression))
    result = read_all(path, compression)

    assert result == lines
    assert state.condition is ArchiveCondition.CORRUPT
    assert "junk" in state.detail


@pytest.mark.parametrize("compression", ARCHIVES)
def test_the_start_of_another_member_is_truncated_and_not_junk(
    lines: bytes, compression: Compression, packed: Packed, written: Written
) -> None:
    """M14: the writer may be about to append a member."""
    archive = packed(compression, lines)
    path = written(archive + archive[:1])

    state = inspect_archive(LogPlace(path=path, compression=compression))

    assert state.condition is ArchiveCondition.TRUNCATED
    assert state.decompressed_bytes == len(lines)


def test_a_fault_seen_elsewhere_by_the_salvaging_inflater_is_approached_with_care(
    lines: bytes, packed: Packed, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M15: when two inflaters disagree on where the fault is, the later one has its way."""
    archive = bytearray(packed(Compression.GZIP, lines * 2))
    archive[-6] ^= 1
    path = written(bytes(archive))
    igzip = pytest.importorskip("isal.igzip_lib")

    class Early:
        """Gives up on the first bytes."""

        eof = False
        needs_input = False

        def __init__(self, flag: int) -> None:
            assert flag == igzip.DECOMP_GZIP

        def decompress(self, data: bytes, _: int) -> bytes:
            if data:
                return lines[:300_000]
            raise igzip.error("early")

    monkeypatch.setattr(igzip, "IgzipDecompressor", Early)

    result = read_all(path, Compression.GZIP)
    state = inspect_archive(LogPlace(path=path, compression=Compression.GZIP))

    assert len(archive) > 2 * 65_536
    assert result == lines * 2
    assert "incorrect data check" in state.detail


def test_a_broken_archive_raises_for_whoever_does_not_ask_how_it_ended(
    lines: bytes, packed: Packed, written: Written
) -> None:
    """M15: ``read`` gives every good byte and then an error with place and fix, each time."""
    archive = packed(Compression.GZIP, lines)
    path = written(archive[:-100])

    with open_stream(LogPlace(path=path, compression=Compression.GZIP)) as stream:
        good = stream.read(10**9)
        with pytest.raises(LogCorruptError) as caught:
            stream.read(1)
        with pytest.raises(LogCorruptError):
            stream.read(1)

    assert lines.startswith(good)
    assert len(good) > len(lines) - 10_000
    assert caught.value.where == f"{path}, decompressed byte {len(good)}"
    assert caught.value.fix


@pytest.mark.parametrize("compression", ARCHIVES)
@pytest.mark.parametrize(
    ("limits", "key"),
    [
        (Limits(expansion_max=10, expansion_free_bytes=100_000), "limits.expansion_max"),
        (Limits(decompressed_bytes_max=2_000_000), "limits.decompressed_bytes_max"),
    ],
)
def test_a_bomb_is_refused_and_the_error_names_the_limit(
    compression: Compression, limits: Limits, key: str, packed: Packed, written: Written
) -> None:
    """M16: an archive that expands beyond a limit is refused before it is decompressed."""
    path = written(packed(compression, bytes(20_000_000)))

    with pytest.raises(LogCorruptError) as inspected:
        inspect_archive(LogPlace(path=path, compression=compression), limits)
    with open_stream(LogPlace(path=path, compression=compression), limits=limits) as stream:
        with pytest.raises(LogCorruptError):
            stream.read(10**9)
        with pytest.raises(LogCorruptError):
            stream.salvage(1)

    assert key in (inspected.value.fix or "")
    assert inspected.value.where == str(path)


@pytest.mark.parametrize("compression", ARCHIVES)
def test_a_small_archive_may_expand_as_it_likes(
    compression: Compression, packed: Packed, written: Written
) -> None:
    """M16: a short log of equal lines is no bomb, however well it compresses."""
    path = written(packed(compression, b"{}\n" * 300_000))

    state = inspect_archive(LogPlace(path=path, compression=compression), Limits(expansion_max=10))

    assert state.condition is ArchiveCondition.CLEAN
    assert state.decompressed_bytes == 900_000


@pytest.mark.parametrize("compression", ARCHIVES)
def test_decompressing_does_not_hold_the_log(
    compression: Compression, packed: Packed, written: Written
) -> None:
    """M16: memory is bounded by the chunk and the format's window, not by the log."""
    path = written(packed(compression, bytes(60_000_000)))
    inspect_archive(LogPlace(path=path, compression=compression))
    tracemalloc.start()

    state = inspect_archive(LogPlace(path=path, compression=compression))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert state.decompressed_bytes == 60_000_000
    assert peak < 20_000_000


def test_a_zstandard_window_beyond_the_bound_is_refused(written: Written) -> None:
    """M16: a frame that asks for a window of 2 GiB is corrupt for us, not an empty machine."""
    header = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes(((31 - 10) << 3,)) + b"\x01\x00\x00"
    path = written(header)

    state = inspect_archive(LogPlace(path=path, compression=Compression.ZSTANDARD))

    assert state.condition is ArchiveCondition.CORRUPT
    assert "memory" in state.detail


def test_a_reading_error_inside_an_archive_is_an_error_of_ours(
    lines: bytes, packed: Packed, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M36: a disk fault is not taken for a corrupt archive, nor for a bzip2 error."""
    path = written(packed(Compression.BZIP2, lines))
    calls = itertools.count()
    real_read = os.pread

    def fail_later(descriptor: int, size: int, place: int) -> bytes:
        if next(calls):
            raise OSError(5, "Input/output error")
        return real_read(descriptor, size, place)

    with (
        monkeypatch.context() as patch,
        open_stream(LogPlace(path=path, compression=Compression.BZIP2)) as stream,
    ):
        patch.setattr(os, "pread", fail_later)
        with pytest.raises(LogUnreadableError):
            stream.read(10**9)


def test_a_stream_that_failed_does_not_pretend_to_have_ended(
    lines: bytes, packed: Packed, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M36: after a reading error the stream never answers with a clean end."""
    path = written(packed(Compression.GZIP, lines))

    with open_stream(LogPlace(path=path, compression=Compression.GZIP)) as stream:
        with monkeypatch.context() as patch:
            patch.setattr(os, "pread", lambda *_: (_ for _ in ()).throw(OSError(5, "fault")))
            with pytest.raises(LogUnreadableError):
                stream.read(10)
        with pytest.raises(LogUnreadableError):
            stream.read(10)
