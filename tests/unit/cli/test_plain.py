"""Text from logs cannot steer a terminal; numbers and times are for people."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.cli.plain import counted, shown, shown_bytes, shown_time

FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(value=st.one_of(st.text(), st.binary(), st.integers(), st.floats(), st.none()))
def test_no_control_character_is_ever_let_through(value: object) -> None:
    """M60: no escape sequence, no line break, no direction mark, no lone surrogate."""
    text = shown(value)

    assert not {unicodedata.category(character) for character in text} & FORBIDDEN
    assert text.encode().decode() == text


@given(text=st.text(), width=st.integers(1, 30))
def test_a_width_is_kept(text: str, width: int) -> None:
    """What is longer ends in an ellipsis."""
    found = shown(text, width=width)

    assert len(found) <= width
    assert found == shown(text) or found.endswith("…")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain text", "plain text"),
        ("größer 😀", "größer 😀"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\nb\r\x07\x9b", r"a\x0ab\x0d\x07\x9b"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2028\ufeff\U000e0001", r"\u2028\ufeff\U000e0001"),
        ("\ud800", r"\ud800"),
        (b"\xff\x1b]0;x\x07", r"\xff\x1b]0;x\x07"),
        (None, ""),
        (1_234, "1234"),
    ],
)
def test_what_could_steer_a_terminal_is_escaped(value: object, text: str) -> None:
    """M60: the character's number is shown in its place."""
    assert shown(value) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (3_300_000, "3.3 MB"),
        (7_650_000_000, "7.7 GB"),
        (2 * 10**12, "2.0 TB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_bytes_are_for_people(count: int, text: str) -> None:
    """Decimal units, one digit."""
    assert shown_bytes(count) == text


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (None, ""),
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
        (253_402_300_800_000_000, "253402300800000000"),
    ],
)
def test_times_are_iso_8601(us: int | None, text: str) -> None:
    """To the second where nothing is lost, and as they are beyond the calendar."""
    assert shown_time(us) == text


def test_nouns_agree_with_their_number() -> None:
    """One event, two events, a thousand batches."""
    assert counted(1, "event") == "1 event"
    assert counted(0, "event") == "0 events"
    assert counted(1_234, "batch", "batches") == "1,234 batches"
