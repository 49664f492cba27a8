"""A segment given back from the store alone, byte for byte."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.ingest.kit import BAD_LINES, Place, good, goods

from evidentia.errors import StoreError
from evidentia.export import raw
from evidentia.export.raw import export_raw
from evidentia.ingest.values import IngestOptions
from evidentia.log.values import Limits

OPTIONS = IngestOptions(
    jobs=0, batch_events=10, limits=Limits(line_bytes_max=1_000, block_bytes=1_000)
)
CONTENT = (
    b"\xef\xbb\xbf\0\0"
    + goods(12)
    + b"\n \t\r\n"
    + b"".join(line + b"\r\n" for line in BAD_LINES)
    + b"\0" * 5_000
    + goods(12, 12)
    + b"x" * 1_500
    + b"\n"
    + good(24, text="y" * 3_000)
    + goods(3, 25)
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A store with something of everything."""
    there = Place(folder=tmp_path, options=OPTIONS)
    there.write("a.jsonl", CONTENT)
    there.ingest("a.jsonl")
    return there


def exported(place: Place, number: int = 1) -> bytes:
    """The bytes of a segment."""
    parts: list[bytes] = []
    with place.store.reader() as reader:
        segment = reader.segments()[number - 1]
        length = export_raw(reader, segment, parts.append, place.options.limits)
    data = b"".join(parts)
    assert len(data) == length
    return data


@pytest.mark.parametrize("window", [1, 64, 4_000, 1 << 24])
def test_a_segment_comes_back_byte_for_byte(
    place: Place, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    """IN-25: marks, NULs, blank lines, bad lines and long lines, in ranges of any size."""
    monkeypatch.setattr(raw, "_WINDOW_BYTES", window)

    assert exported(place) == CONTENT


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from([*BAD_LINES, good(1)[:-1], b"", b"\0" * 40, b"x" * 99]),
        ),
        max_size=9,
    ).map(b"\n".join)
)
def test_any_bytes_come_back(tmp_path: Path, data: bytes) -> None:
    """Invariant 3: whatever a finished log holds, the store can give it back."""
    for path in tmp_path.iterdir():
        path.unlink()
    limits = Limits(line_bytes_max=60, block_bytes=50)
    place = Place(folder=tmp_path, options=IngestOptions(jobs=0, is_final=True, limits=limits))
    place.write("a.jsonl", b"{}\n" + data)
    place.ingest("a.jsonl")

    assert exported(place) == b"{}\n" + data
    assert place.verify().findings == ()


def test_only_what_was_read_comes_back(place: Place) -> None:
    """Bytes behind the checkpoint are not the store's to give."""
    place.append("a.jsonl", goods(2, 50) + b'{"torn')

    assert exported(place) == CONTENT


def test_a_replaced_segment_comes_back_from_the_store_alone(tmp_path: Path) -> None:
    """IN-03: the log is gone, its bytes are not."""
    place = Place(folder=tmp_path)
    place.write("a.jsonl", goods(5))
    place.ingest("a.jsonl")
    place.write("a.jsonl", goods(2, 9))
    place.ingest("a.jsonl")

    assert (exported(place, 1), exported(place, 2)) == (goods(5), goods(2, 9))


def test_an_archive_comes_back_unpacked(tmp_path: Path) -> None:
    """Bytes of a segment are those of the decompressed stream, long lines too."""
    place = Place(folder=tmp_path, options=OPTIONS)
    place.write("a.gz", gzip.compress(CONTENT))
    place.ingest("a.gz")

    assert exported(place) == CONTENT


@pytest.mark.parametrize(
    "harm",
    [
        lambda place: (place.folder / "a.jsonl").unlink(),
        lambda place: place.write("a.jsonl", CONTENT.replace(b"xxx", b"yyy")),
        lambda place: place.write("a.jsonl", CONTENT[:1_000]),
    ],
    ids=["gone", "changed", "shortened"],
)
def test_a_long_line_that_is_no_longer_in_the_log_is_an_error(
    place: Place, harm: Callable[[Place], object]
) -> None:
    """Its bytes were never stored, and others are not given out for them."""
    harm(place)

    with pytest.raises(StoreError, match="a line over the limit was never stored"):
        exported(place)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM event_rows WHERE line_no = 4",
        "DELETE FROM fillers",
        "DELETE FROM event_rows WHERE line_no = (SELECT max(line_no) FROM event_rows)",
    ],
)
def test_a_hole_in_the_store_is_an_error_with_its_place(place: Place, statement: str) -> None:
    """An export is whole or fails; it never closes up over missing rows."""
    place.damage(statement)

    with pytest.raises(StoreError, match="the store lacks bytes of this segment"):
        exported(place)


def test_the_limit_of_the_day_does_not_matter(place: Place) -> None:
    """What is in the store is given back under any line limit."""
    other = replace(place, options=replace(OPTIONS, limits=Limits(line_bytes_max=10)))

    assert exported(other) == CONTENT
