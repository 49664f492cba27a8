"""Members: four decompressors with one face."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable
from typing import Protocol

import pytest
import zstandard

from evidentia.log.members import decoder_for, drained
from evidentia.log.values import Compression

Packed = Callable[[Compression, bytes], bytes]

ARCHIVES = [each for each in Compression if each is not Compression.NONE]
# Long runs make one byte of input into a thousand of output, which then has to be fetched.
DATA = b"".join(bytes((number,)) * (number * 97) for number in range(80))


class OneShot(Protocol):
    """What every reference decompressor can do."""

    def decompress(self, data: bytes, /) -> bytes:
        """Give all output at once."""
        ...


REFERENCES: dict[Compression, Callable[[], OneShot]] = {
    Compression.GZIP: lambda: zlib.decompressobj(31),
    Compression.BZIP2: bz2.BZ2Decompressor,
    Compression.XZ: lzma.LZMADecompressor,
    Compression.ZSTANDARD: lambda: zstandard.ZstdDecompressor().decompressobj(),
}


@pytest.mark.parametrize("compression", ARCHIVES)
@pytest.mark.parametrize("max_length", [1, 100, 100_000_000])
def test_a_member_gives_its_output_in_pieces_and_what_stands_behind_it(
    compression: Compression, max_length: int, packed: Packed
) -> None:
    """M15: no output limit loses a byte, and the next member's bytes are handed back."""
    member = decoder_for(compression).begin()

    output = b"".join(drained(member, packed(compression, DATA) + b"next", max_length))

    assert output == DATA
    assert member.eof
    assert member.unused_data == b"next"


@pytest.mark.parametrize("compression", ARCHIVES)
def test_a_cut_member_gives_all_that_its_reference_gives(
    compression: Compression, packed: Packed
) -> None:
    """M14: at whatever byte an archive ends, the output up to there is complete."""
    archive = packed(compression, DATA)

    for size in range(len(archive)):
        member = decoder_for(compression, is_salvaging=True).begin()
        output = b"".join(drained(member, archive[:size], 64))

        assert DATA.startswith(output)
        assert len(output) >= len(REFERENCES[compression]().decompress(archive[:size]))
        assert not member.eof


def test_gzip_is_read_without_the_fast_inflater(
    packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M15: the fast inflater is not there on every platform; nothing else may depend on it."""
    monkeypatch.setitem(sys.modules, "isal", None)
    decoder = decoder_for(Compression.GZIP)

    output = b"".join(drained(decoder.begin(), packed(Compression.GZIP, DATA), 1_000))

    assert decoder.errors == (zlib.error,)
    assert output == DATA
