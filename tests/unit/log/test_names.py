"""Names: what people see, and the order in which logs are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.log.names import order_key, path_of, printable, stored_path


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/var/log/cowrie.json", "/var/log/cowrie.json"),
        ("with space.json", "with space.json"),
        ("two\nlines", "two\\nlines"),
        ("bad\udcff.json", "bad\\xff.json"),
        ("back\\slash", "back\\\\slash"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("right\u202eleft", "right\\u202eleft"),
        ("käse.json", "käse.json"),
    ],
)
def test_a_name_is_shown_on_one_line_without_terminal_escapes(name: str, shown: str) -> None:
    """M56: spaces and letters stay, everything a terminal would act on is escaped."""
    result = printable(name)

    assert result == shown


@given(st.text())
@settings(derandomize=True, max_examples=200)
def test_every_character_shown_is_printable(name: str) -> None:
    """M60: no name, however hostile, reaches the terminal as anything but printable text."""
    result = printable(Path(name))

    assert result.isprintable()


@pytest.mark.parametrize(
    "names",
    [
        ("cowrie.json.1", "cowrie.json.2", "cowrie.json.10", "cowrie.json"),
        ("cowrie.json.2018-05-06", "cowrie.json.2018-05-07", "cowrie.json"),
        ("cowrie.json-20180506", "cowrie.json-20180507.gz", "cowrie.json"),
        ("cowrie.json.1.gz", "cowrie.json.2.zst", "cowrie.json.old", "cowrie.json"),
        ("cowrie.json.gz", "cowrie.json"),
        ("2018-05-06", "2018-05-07", "2019-01-01"),
        ("a.json", "b.json.1", "b.json", "c.json"),
        ("log9.json", "log10.json"),
        ("a/z.json", "b/a.json"),
        ("day2/a.json", "day10/a.json"),
        ("day01.json", "day1.json"),
    ],
)
def test_rotated_logs_stand_before_the_live_one_and_numbers_in_their_order(
    names: tuple[str, ...],
) -> None:
    """IN-04: numbers count as numbers, dates as dates, and what was rotated away comes first."""
    paths = [Path("/logs", name) for name in names]

    ordered = sorted(sorted(paths, reverse=True), key=order_key)

    assert ordered == paths


@given(st.lists(st.text("a1.-\n\udcff", min_size=1, max_size=8), unique=True))
@settings(derandomize=True, max_examples=200)
def test_any_names_have_one_order(names: list[str]) -> None:
    """M56: no mixture of digits, dots and odd bytes makes two names incomparable or equal."""
    paths = [Path("/logs") / f"x{name}" for name in names]

    keys = sorted(map(order_key, paths))

    assert len(set(keys)) == len(paths)


def test_a_path_without_a_name_has_an_order_too() -> None:
    """M19: the root folder, named by mistake, breaks no sorting."""
    key = order_key(Path("/"))

    assert key < order_key(Path("/a.json"))


@pytest.mark.parametrize(
    ("path", "stored"),
    [
        ("/logs/a b.json", "/logs/a b.json"),
        ("/logs/käse%20.json", "/logs/käse%20.json"),
        ("/logs/bad\udcff%.json", "file:///logs/bad%FF%25.json"),
    ],
)
def test_a_path_is_stored_as_text_that_any_database_holds(path: str, stored: str) -> None:
    """M56: plain where it is UTF-8, else an address with the bytes percent-encoded."""
    result = stored_path(Path(path))

    assert result == stored


@given(st.binary(min_size=1).filter(lambda name: not {0, ord("/")} & set(name)))
@settings(derandomize=True, max_examples=300)
def test_a_stored_path_leads_back_to_the_file(name: bytes) -> None:
    """M56: whatever bytes a name is made of, the store gives the same name back, as UTF-8 text."""
    path = Path("/logs", os.fsdecode(name))

    stored = stored_path(path)

    assert path_of(stored) == path
    assert stored.encode("utf-8")
