"""Decompressors for one member of an archive, all with one face and bounded output.

A member is what one run of the compressor wrote: a gzip member, a bzip2 or xz stream, a Zstandard
frame. Files hold any number of them. Memory per member: what the format's window needs, which is
capped where the format leaves it open.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, cast

from evidentia.log.values import MEBIBYTE, Compression

WINDOW_BYTES_MAX: Final = 128 * MEBIBYTE
"""Zstandard's own default, and room for xz at its strongest preset (65 MiB)."""

BEGINNINGS: Final[dict[Compression, tuple[bytes, ...]]] = {
    Compression.GZIP: (b"\x1f\x8b",),
    Compression.BZIP2: tuple(b"BZh%d" % level for level in range(1, 10)),
    Compression.XZ: (b"\xfd7zXZ\x00",),
    # The second to last are skippable frames, which may stand before the first real one.
    Compression.ZSTANDARD: (
        b"\x28\xb5\x2f\xfd",
        *(bytes((0x50 + number,)) + b"\x2a\x4d\x18" for number in range(16)),
    ),
}
"""The first bytes of a member, all that are possible."""

_GZIP_WINDOW_BITS: Final = 31
# A block of Zstandard is at least 4 bytes and expands to at most 128 KiB, and its decompressor
# knows no output limit: this much input yields at most 8 MiB.
_ZSTANDARD_INPUT_BYTES: Final = 256


class Member(Protocol):
    """The face of ``bz2.BZ2Decompressor``, which the others are given too."""

    @property
    def eof(self) -> bool:
        """The member is complete and its checksum was right."""
        ...

    @property
    def needs_input(self) -> bool:
        """The input has been taken; where output was full, there may still be more."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Input behind the member's end."""
        ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Take input, give at most ``max_length`` bytes of output."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """How members of one format are read, and what their decompressor raises."""

    begin: Callable[[], Member]
    errors: tuple[type[Exception], ...]


def drained(member: Member, data: bytes, max_length: int) -> Iterator[bytes]:
    """All output of the member for this input, some of it empty."""
    output = member.decompress(data, max_length)
    yield output
    # A full output may hide more although all input was taken: bzip2's whole block, for one.
    while not member.eof and (not member.needs_input or len(output) >= max_length):
        output = member.decompress(b"", max_length)
        yield output


def decoder_for(compression: Compression, *, is_salvaging: bool = False) -> Decoder:
    """The decoder of a format: the fastest, or when salvaging the one that gives up latest."""
    if compression is Compression.GZIP:
        return _gzip_decoder(is_salvaging=is_salvaging)
    return _DECODERS[compression]()


def _gzip_decoder(*, is_salvaging: bool) -> Decoder:
    standard = Decoder(begin=_ZlibMember, errors=(zlib.error,))
    if is_salvaging:
        # The fast inflater loses 8 to 15 more lines before the error than this one.
        return standard
    try:
        from isal import igzip_lib  # noqa: PLC0415  (not there on every platform)
    except ImportError:
        return standard
    # The package's type stub declares the exception class as an instance.
    error = cast("type[Exception]", igzip_lib.error)
    return Decoder(
        begin=lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP),
        errors=(error,),
    )


def _bzip2_decoder() -> Decoder:
    return Decoder(begin=bz2.BZ2Decompressor, errors=(OSError, ValueError))


def _xz_decoder() -> Decoder:
    return Decoder(
        begin=lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=WINDOW_BYTES_MAX),
        errors=(lzma.LZMAError,),
    )


def _zstandard_decoder() -> Decoder:
    import zstandard  # noqa: PLC0415  (its import takes longer than reading a small log)

    def begin() -> Member:
        return _ZstandardMember(
            zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX).decompressobj()
        )

    return Decoder(begin=begin, errors=(zstandard.ZstdError,))


_DECODERS: Final[dict[Compression, Callable[[], Decoder]]] = {
    Compression.BZIP2: _bzip2_decoder,
    Compression.XZ: _xz_decoder,
    Compression.ZSTANDARD: _zstandard_decoder,
}


class _ZlibMember:
    """The standard library's inflater, which keeps unread input in a place of its own."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(_GZIP_WINDOW_BITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflater.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        output = self._inflater.decompress(self._inflater.unconsumed_tail + data, max_length)
        self.needs_input = not self._inflater.unconsumed_tail
        return output


class _ZstandardInflater(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes) -> bytes: ...


class _ZstandardMember:
    """Zstandard's push decompressor, fed in slices so small that its output stays bounded."""

    def __init__(self, inflater: _ZstandardInflater) -> None:
        self._inflater = inflater
        self._input = b""
        self._used = 0
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflater.unused_data + self._input[self._used :]

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        del max_length  # bounded by the slices instead
        if data:
            self._input, self._used = self._input[self._used :] + data, 0
        begin, self._used = self._used, self._used + _ZSTANDARD_INPUT_BYTES
        output = self._inflater.decompress(self._input[begin : self._used])
        self.needs_input = self._used >= len(self._input)
        return output
