"""Positions: a segment and a byte in one 64-bit integer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.event.values import (
    SEGMENT_BYTES_MAX,
    SEGMENT_ID_MAX,
    byte_offset_of,
    position_of,
    segment_of,
)


@settings(derandomize=True, max_examples=100)
@given(
    segment_id=st.integers(min_value=1, max_value=SEGMENT_ID_MAX),
    byte_offset=st.integers(min_value=0, max_value=SEGMENT_BYTES_MAX - 1),
)
def test_a_position_holds_its_segment_and_byte(segment_id: int, byte_offset: int) -> None:
    """Both come back, and the whole fits a signed 64-bit integer."""
    position = position_of(segment_id, byte_offset)

    assert (segment_of(position), byte_offset_of(position)) == (segment_id, byte_offset)
    assert 0 < position < 2**63


@pytest.mark.parametrize(
    ("segment_id", "byte_offset"),
    [(0, 0), (SEGMENT_ID_MAX + 1, 0), (1, -1), (1, SEGMENT_BYTES_MAX)],
)
def test_a_place_outside_the_limits_has_no_position(segment_id: int, byte_offset: int) -> None:
    """An overflow is an error, never another event's position."""
    with pytest.raises(OverflowError, match=f"segment {segment_id}, byte {byte_offset}"):
        position_of(segment_id, byte_offset)
