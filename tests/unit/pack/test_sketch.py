"""Sketches count different values: exactly while they are few, in any order, closely beyond."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.pack.sketch import (
    EMPTY,
    ESTIMATE_DIGITS,
    SKETCH_HASHES,
    estimate_of,
    merged_sketches,
    sketch_of,
)

VALUES = st.lists(st.text(max_size=3) | st.integers(-9, 9) | st.integers(0, 10**6), max_size=400)


@given(parts=st.lists(VALUES, max_size=4))
def test_any_cut_and_order_gives_one_text(parts: list[list[str | int]]) -> None:
    """Merged from parts, forwards or backwards, and made at once: byte for byte equal."""
    whole = sketch_of([value for part in parts for value in part])
    forwards = backwards = EMPTY
    for part in parts:
        forwards = merged_sketches(forwards, sketch_of(part))
        backwards = merged_sketches(sketch_of(part), backwards)

    assert forwards == backwards == whole
    assert merged_sketches(whole, whole) == whole


@given(values=st.sets(st.text(max_size=9), max_size=SKETCH_HASHES - 1))
def test_few_values_are_counted_exactly(values: set[str]) -> None:
    """Each once, however often it comes."""
    assert estimate_of(sketch_of([*values, *values])) == len(values)


def test_a_sketch_is_bounded_and_sorted() -> None:
    """19 digits and at most 256 hashes of 16 hexadecimal digits, in order."""
    sketch = sketch_of(range(10_000))

    hashes = [sketch[n : n + 16] for n in range(ESTIMATE_DIGITS, len(sketch), 16)]
    assert len(sketch) == ESTIMATE_DIGITS + 16 * SKETCH_HASHES
    assert hashes == sorted(set(hashes))
    assert sketch_of(()) == EMPTY


@pytest.mark.parametrize("number", [300, 1_000, 20_000])
def test_many_values_are_estimated_within_the_stated_error(number: int) -> None:
    """Over forty sets the relative errors spread as 1 / sqrt(254) says, around nothing."""
    errors = [
        int(estimate_of(sketch_of(f"{run}/{each}" for each in range(number)))) / number - 1
        for run in range(40)
    ]

    assert abs(statistics.fmean(errors)) < 0.03
    assert statistics.pstdev(errors) < 0.09
    assert max(map(abs, errors)) < 0.25


def test_a_number_and_its_text_are_one_value() -> None:
    """A column holds one of them only; a truth is the integer that it is stored as."""
    assert sketch_of([7, True]) == sketch_of(["7", "1"])


def test_the_hash_is_one_that_anybody_can_compute() -> None:
    """The first 8 bytes of SHA-256 over the UTF-8 text."""
    assert sketch_of(["é"]) == "0000000000000000001" + "4a99557e4033c353"


@pytest.mark.parametrize("text", ["", "x", "0000000000000000001", "1" * 19 + "zz" * 4096])
def test_what_somebody_put_in_its_place_stops_nothing(text: str) -> None:
    """It is merged as well as it can be; the check of the projection names the row."""
    estimate_of(text)

    assert merged_sketches(text, sketch_of(["a"]))
