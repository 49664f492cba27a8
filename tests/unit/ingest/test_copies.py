"""A file is a copy when each of its complete lines stands at the same byte of one segment."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from evidentia.ingest.copies import Copies, Likeness
from evidentia.ingest.values import IngestOptions, Outcome
from evidentia.log.discovery import discover
from evidentia.log.values import Limits, LogFile, LogSource

from .kit import Place, good, goods

SMALL = Limits(line_bytes_max=1_000, block_bytes=500)


@pytest.fixture
def place(place: Place) -> Place:
    """A folder whose logs are read with small limits."""
    return Place(folder=place.folder, options=IngestOptions(jobs=0, limits=SMALL))


def found(place: Place, name: str, *, pack: str = "plain", is_lenient: bool = False) -> LogFile:
    """The file, as an allow-list leads to it."""
    source = LogSource(pattern=str(place.folder / name), pack=pack, is_lenient=is_lenient)
    (file,) = discover([source]).files
    return file


@contextmanager
def copies_of(place: Place) -> Iterator[Copies]:
    """What tells copies of the stored lines."""
    with place.workspace.writer("ingest") as writer:
        yield Copies(writer, writer.segments(), SMALL)


def likeness(place: Place, name: str, **how: object) -> Likeness | None:
    """How far a file is like a segment."""
    with copies_of(place) as copies:
        return copies.likeness(found(place, name, **how))


def outcomes(place: Place, pattern: str = "*.jsonl*") -> dict[str, Outcome]:
    """What one more pass makes of each file."""
    report = place.ingest(pattern)
    return {file.path.rpartition("/")[2]: file.outcome for file in report.files}


@pytest.mark.parametrize(
    "data",
    [goods(9), goods(4), goods(1), goods(4) + good(4)[:20], goods(9)[:-1]],
    ids=["whole", "shorter", "one line", "torn", "without its last newline"],
)
def test_lines_that_are_stored_are_a_copy(place: Place, data: bytes) -> None:
    """All complete lines are compared; bytes after the last newline are no line yet."""
    place.write("a.jsonl", goods(9))
    place.ingest("a.jsonl")
    place.write("b.jsonl", data)

    like = likeness(place, "b.jsonl")

    same = data.rfind(b"\n") + 1
    assert like == Likeness(segment_id=1, same_bytes=same, is_whole=True)


@pytest.mark.parametrize(
    ("data", "same_lines"),
    [
        (goods(10), 9),
        (goods(8) + good(99), 8),
        (goods(8) + good(8).replace(b"good", b"goot"), 8),
        (goods(5) + b"\n" + b"".join(good(number) for number in range(5, 9)), 5),
    ],
    ids=["longer", "another last line", "one byte", "a blank line more"],
)
def test_one_line_that_is_not_stored_makes_it_none(
    place: Place, data: bytes, same_lines: int
) -> None:
    """It is told how many bytes of whole lines are the same."""
    place.write("a.jsonl", goods(9))
    place.ingest("a.jsonl")
    place.write("b.jsonl", data)

    like = likeness(place, "b.jsonl")

    assert like == Likeness(segment_id=1, same_bytes=len(goods(same_lines)), is_whole=False)


def test_another_first_line_is_like_nothing(place: Place) -> None:
    """The rest is not even compared."""
    place.write("a.jsonl", goods(9))
    place.ingest("a.jsonl")
    place.write("b.jsonl", good(50) + goods(8, 1))

    assert likeness(place, "b.jsonl") is None


def test_blank_lines_and_dead_letters_are_compared_too(place: Place) -> None:
    """Every byte of a line counts, whatever the line is."""
    data = b"\xef\xbb\xbf\n  \n" + goods(2) + b"[1]\n\0\0\n" + good(2)
    place.write("a.jsonl", data)
    place.ingest("a.jsonl")
    place.write("b.jsonl", data)
    place.write("c.jsonl", data.replace(b"[1]", b"[2]"))

    same, other = likeness(place, "b.jsonl"), likeness(place, "c.jsonl")

    assert same == Likeness(segment_id=1, same_bytes=len(data), is_whole=True)
    assert other is not None
    assert (other.same_bytes, other.is_whole) == (data.index(b"[1]"), False)


@pytest.mark.parametrize("changed", [b"x", b"y"])
def test_a_line_over_the_limit_is_compared_by_its_hash(place: Place, changed: bytes) -> None:
    """Its bytes are not in the store; length and SHA-256 are."""
    place.write("a.jsonl", goods(1) + b"x" * 5_000 + b"\n" + good(1))
    place.ingest("a.jsonl")
    place.write("b.jsonl", goods(1) + b"x" * 4_999 + changed + b"\n" + good(1))

    like = likeness(place, "b.jsonl")

    assert like is not None
    assert like.is_whole == (changed == b"x")
    assert place.rows("SELECT count(*) FROM dead_letter_rows WHERE raw IS NULL") == [(1,)]


def test_a_first_line_over_the_limit_is_known_by_its_hash(place: Place) -> None:
    """Also where the very first line is too long to hold."""
    data = b"x" * 5_000 + b"\n" + goods(2)
    place.write("a.jsonl", data)
    place.ingest("a.jsonl")
    place.write("b.jsonl", data)

    assert likeness(place, "b.jsonl") == Likeness(segment_id=1, same_bytes=len(data), is_whole=True)


@pytest.mark.parametrize("length", [3_000, 2_999])
def test_a_run_of_nuls_is_compared_by_its_length(place: Place, length: int) -> None:
    """A hole of a copytruncate rotation is the same hole in its copy."""
    place.write("a.jsonl", goods(1) + bytes(3_000) + good(1))
    place.ingest("a.jsonl")
    place.write("b.jsonl", goods(1) + bytes(length) + good(1))

    like = likeness(place, "b.jsonl")

    assert like is not None
    assert like.is_whole == (length == 3_000)


def test_a_line_over_the_limit_is_no_run_of_nuls(place: Place) -> None:
    """A hole of the same length at its place is not a copy of it."""
    place.write("a.jsonl", goods(1) + b"x" * 2_000 + b"\n" + good(1))
    place.ingest("a.jsonl")
    place.write("b.jsonl", goods(1) + bytes(2_001) + good(1))

    like = likeness(place, "b.jsonl")

    assert like is not None
    assert not like.is_whole


@pytest.mark.parametrize("how", [{"pack": "other"}, {"is_lenient": True}])
def test_what_is_read_otherwise_is_no_copy(place: Place, how: dict[str, object]) -> None:
    """Another pack makes other rows of the same line, and so does another strictness."""
    place.write("a.jsonl", goods(3))
    place.ingest("a.jsonl")
    place.write("b.jsonl", goods(3))

    assert likeness(place, "b.jsonl", **how) is None


def test_a_compressed_copy_is_compared_by_its_stream(place: Place) -> None:
    """The packing does not matter."""
    place.write("a.jsonl", goods(9))
    place.ingest("a.jsonl")
    place.write("b.jsonl.gz", gzip.compress(goods(4)))

    assert likeness(place, "b.jsonl.gz") == Likeness(
        segment_id=1, same_bytes=len(goods(4)), is_whole=True
    )


def test_of_several_segments_the_one_that_holds_all_is_named(place: Place) -> None:
    """Two logs begin alike; the copy is one of the second."""
    place.write("a.jsonl", goods(3) + good(50))
    place.write("b.jsonl", goods(3) + goods(4, 60))
    place.ingest("*.jsonl")
    place.write("c.jsonl", goods(3) + goods(2, 60))
    place.write("d.jsonl", goods(3) + good(50))

    likes = [likeness(place, name) for name in ("c.jsonl", "d.jsonl")]

    names = dict(place.rows("SELECT id, path FROM segments"))
    assert [each.is_whole for each in likes if each] == [True, True]
    assert [names[each.segment_id][-7:] for each in likes if each] == ["b.jsonl", "a.jsonl"]


@pytest.mark.parametrize(("data", "is_copy"), [(good(0)[:30], True), (b'{"another":', False)])
def test_a_first_line_in_the_making_may_be_a_copy(
    place: Place, data: bytes, *, is_copy: bool
) -> None:
    """All of its bytes are the beginning of a segment beside it."""
    place.write("a.jsonl", goods(3))
    place.ingest("a.jsonl")
    place.write("b.jsonl", data)

    like = likeness(place, "b.jsonl")

    assert like == (Likeness(segment_id=1, same_bytes=0, is_whole=True) if is_copy else None)


def test_a_first_line_in_another_folder_is_no_copy(place: Place) -> None:
    """Many logs begin with the same bytes."""
    place.write("a.jsonl", goods(3))
    place.ingest("a.jsonl")
    (place.folder / "other").mkdir()
    place.write("other/b.jsonl", good(0)[:30])

    assert likeness(place, "other/b.jsonl") is None


def test_a_copy_is_remembered_until_it_is_none(place: Place) -> None:
    """The next pass knows it by its size and its bytes, and forgets it when it is told to."""
    place.write("a.jsonl", goods(9))
    place.ingest("a.jsonl")
    place.write("b.jsonl", goods(4))
    file = found(place, "b.jsonl")
    with copies_of(place) as copies:
        like = copies.likeness(file)
        assert like is not None
        copies.remember(file, like)

    with copies_of(place) as copies:
        known = copies.known(file)
        assert known is not None
        is_unchanged = copies.is_unchanged(file, known)
        place.append("b.jsonl", good(4))
        is_grown_unchanged = copies.is_unchanged(found(place, "b.jsonl"), known)
        place.write("b.jsonl", goods(4, 1))
        is_other_unchanged = copies.is_unchanged(found(place, "b.jsonl"), known)
        copies.forget(file)
        is_forgotten = copies.known(file) is None
    with copies_of(place) as copies:
        is_still_forgotten = copies.known(file) is None

    assert (known.segment_id, known.size, known.same_bytes) == (1, len(goods(4)), len(goods(4)))
    assert (is_unchanged, is_grown_unchanged, is_other_unchanged) == (True, False, False)
    assert (is_forgotten, is_still_forgotten) == (True, True)


def test_another_file_at_a_copy_s_place_is_not_known(place: Place) -> None:
    """Path and inode together name a copy."""
    place.write("a.jsonl", goods(9))
    place.ingest("a.jsonl")
    place.write("b.jsonl", goods(4))
    assert outcomes(place)["b.jsonl"] is Outcome.COPY
    place.write("new", goods(4)).rename(place.folder / "b.jsonl")

    with copies_of(place) as copies:
        assert copies.known(found(place, "b.jsonl")) is None


def test_a_copy_that_grows_by_stored_lines_stays_one(place: Place) -> None:
    """A copy in the making is looked at again whenever it grows."""
    place.write("a.jsonl", goods(9))
    place.ingest("a.jsonl")
    seen = []
    for end in (30, 500, 900, len(goods(9))):
        place.write("b.jsonl", goods(9)[:end])
        seen.append(outcomes(place)["b.jsonl"])

    assert seen == [Outcome.COPY] * 4
    assert place.raws() == goods(9).splitlines()
    assert place.rows("SELECT decision FROM decisions WHERE path LIKE '%b.jsonl'") == [
        ("stale_copy",)
    ]


def test_a_copy_that_diverges_begins_a_segment(place: Place) -> None:
    """From then on it is a log of its own, with all of its lines."""
    place.write("a.jsonl", goods(9))
    place.write("b.jsonl", goods(4))
    place.ingest("a.jsonl")
    outcomes(place)
    place.append("b.jsonl", good(77))

    seen = outcomes(place)["b.jsonl"]

    assert seen is Outcome.READ
    assert place.raws() == (goods(9) + goods(4) + good(77)).splitlines()
    assert place.rows("SELECT decision FROM decisions WHERE path LIKE '%b.jsonl'") == [
        ("stale_copy",),
        ("diverged",),
    ]
    assert place.rows("SELECT count(*) FROM stale_copies") == [(0,)]


def test_a_copy_that_outgrows_its_segment_goes_on_with_it(place: Place) -> None:
    """It holds all of the segment and more, so nothing is stored twice."""
    path = place.write("a.jsonl", goods(4))
    place.ingest("a.jsonl")
    place.write("b.jsonl", goods(4))
    outcomes(place)
    path.unlink()
    place.append("b.jsonl", goods(2, 4))

    outcomes(place)

    assert place.raws() == goods(6).splitlines()
    assert place.rows("SELECT count(*) FROM segments") == [(1,)]


def test_a_copy_of_which_only_half_a_line_was_seen_is_a_copy_of_either(place: Place) -> None:
    """Half a first line begins like many logs; which of them is copied shows later."""
    place.write("a.jsonl", goods(4))
    place.write("b.jsonl", goods(4, 50))
    place.ingest("*.jsonl")
    seen = []
    for end in (12, len(goods(4))):
        place.write("c.jsonl", goods(4)[:end])
        seen.append(outcomes(place)["c.jsonl"])

    assert seen == [Outcome.COPY, Outcome.COPY]
    assert Counter(place.raws()) == Counter((goods(4) + goods(4, 50)).splitlines())


def test_a_copy_that_grows_is_compared_with_every_segment(place: Place) -> None:
    """Two logs begin with the same lines, and so does the copy of the second while it grows."""
    place.write("a.jsonl", goods(2) + goods(3, 60))
    place.write("b.jsonl", goods(2) + good(50))
    place.ingest("*.jsonl")
    before = Counter(place.raws())
    seen = []
    for data in (goods(2), goods(2) + good(50)):
        place.write("c.jsonl", data)
        seen.append(outcomes(place)["c.jsonl"])

    assert seen == [Outcome.COPY, Outcome.COPY]
    assert Counter(place.raws()) == before
