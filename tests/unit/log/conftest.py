"""What the tests of the log room share: files found as the product finds them, real archives."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
import zstandard

from evidentia.log.discovery import discover
from evidentia.log.values import Compression, LogFile, LogSource


@pytest.fixture(scope="session")
def lines() -> bytes:
    """Half a megabyte of events that compress about as well as real ones."""
    chance = Random(7)  # noqa: S311  (the same bytes in every run, not a secret)
    return b"".join(
        b'{"n":%d,"hash":"%032x","text":"the quick fox"}\n' % (number, chance.getrandbits(128))
        for number in range(6_000)
    )


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write bytes to a new file."""

    def write(data: bytes, name: str = "app.json") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def found() -> Callable[[Path], LogFile]:
    """Find a file through an allow-list that holds nothing else."""

    def find(path: Path) -> LogFile:
        discovery = discover([LogSource(pattern=str(path), pack="world")])
        assert discovery.problems == ()
        return discovery.files[0]

    return find


@pytest.fixture
def packed() -> Callable[[Compression, bytes], bytes]:
    """Compress with the reference implementation of each format."""

    def pack(compression: Compression, data: bytes) -> bytes:
        match compression:
            case Compression.GZIP:
                return gzip.compress(data, mtime=0)
            case Compression.BZIP2:
                return bz2.compress(data)
            case Compression.XZ:
                return lzma.compress(data)
            case Compression.ZSTANDARD:
                return zstandard.ZstdCompressor(write_checksum=True).compress(data)
            case Compression.NONE:
                return data

    return pack


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, int]]:
    """The path and flags of every file that is opened from now on."""
    calls: list[tuple[Path, int]] = []
    real_open = os.open

    def noting_open(path: Path, flags: int) -> int:
        calls.append((path, flags))
        return real_open(path, flags)

    monkeypatch.setattr(os, "open", noting_open)
    return calls


@pytest.fixture
def descriptors(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Count the file descriptors that are open now and that were open at most."""
    counts = {"open": 0, "most": 0}
    real_open, real_close = os.open, os.close

    def counting_open(*arguments: object, **options: object) -> int:
        descriptor = real_open(*arguments, **options)  # type: ignore[arg-type]  # passed through
        counts["open"] += 1
        counts["most"] = max(counts.values())
        return descriptor

    def counting_close(descriptor: int) -> None:
        real_close(descriptor)
        counts["open"] -= 1

    monkeypatch.setattr(os, "open", counting_open)
    monkeypatch.setattr(os, "close", counting_close)
    yield counts
    monkeypatch.undo()
