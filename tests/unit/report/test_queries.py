"""Named queries: found by name, parameters read from text and bound, never SQL from outside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ingest.kit import OTHER, PLAIN, Place, goods

from evidentia.errors import StoreError, UsageError
from evidentia.event.timestamp import format_time
from evidentia.pack.contract import (
    NamedQuery,
    ParameterType,
    QueryParameter,
    ResultColumn,
    ResultType,
)
from evidentia.report.queries import (
    ask,
    bind,
    find_query,
    query_names,
    read_parameter,
    read_time,
)

NOW_US = 1_767_225_600_000_000
ECHO = NamedQuery(
    name="echo",
    title="Echo",
    description="x",
    parameters=(
        QueryParameter(name="word", type=ParameterType.TEXT, default="hello", description="x"),
        QueryParameter(name="number", type=ParameterType.INTEGER, default="7", description="x"),
        QueryParameter(name="since", type=ParameterType.TIME, default="-1h", description="x"),
    ),
    columns=(
        ResultColumn(name="word", type=ResultType.TEXT, title="word"),
        ResultColumn(name="number", type=ResultType.INTEGER, title="number"),
        ResultColumn(name="since", type=ResultType.TIME, title="since"),
    ),
    sql="SELECT :word AS word, :number AS number, :since AS since",
)
SLOW = replace(
    ECHO,
    name="slow",
    parameters=(),
    sql="WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
)
PACKS = {
    "plain": replace(PLAIN, queries=(ECHO, SLOW)),
    "other": replace(OTHER, queries=(ECHO,)),
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A store with a few events."""
    there = Place(folder=tmp_path, packs=PACKS)
    there.write("a.jsonl", goods(3))
    there.ingest("a.jsonl")
    return there


def test_a_query_has_its_own_name_where_that_is_unique() -> None:
    """Two packs may use one name; then the pack goes in front."""
    names = query_names(PACKS)

    assert sorted(names) == ["other.echo", "plain.echo", "plain.slow", "slow"]


def test_a_query_that_is_not_there_is_wrong_usage_with_the_nearest_names() -> None:
    """A slip of the keyboard costs no search."""
    with pytest.raises(UsageError, match=r"there is no query 'plain\.ecko'") as near:
        find_query("plain.ecko", PACKS)
    with pytest.raises(UsageError) as far:
        find_query("DROP TABLE events", PACKS)

    assert near.value.fix == "did you mean plain.echo or plain.slow?"
    assert far.value.fix == "list them: evidentia query --list"
    assert find_query("slow", PACKS) is SLOW


def test_parameters_are_bound_and_the_rest_have_their_defaults(place: Place) -> None:
    """Invariant 6: what a caller passes is a value and stays one."""
    values = bind(ECHO, {"word": "'; DROP TABLE event_rows; --"}, NOW_US)

    with place.store.reader() as reader:
        answer = ask(reader, ECHO, values)

    assert answer.rows == (("'; DROP TABLE event_rows; --", 7, NOW_US - 3_600_000_000),)
    assert answer.columns == ECHO.columns
    assert len(place.raws()) == 3


def test_all_that_is_wrong_with_parameters_is_said_at_once() -> None:
    """One message, not one for each try."""
    with pytest.raises(UsageError) as caught:
        bind(ECHO, {"wrd": "x", "number": "seven", "since": "then"}, NOW_US)

    assert caught.value.what == (
        "'wrd' is not one of number, since, word; "
        "number: 'seven' is not an integer of at most 64 bits; since: 'then' is not a time"
    )
    assert caught.value.where == "query echo"


def test_a_query_without_parameters_says_so() -> None:
    """There is nothing to choose from."""
    with pytest.raises(UsageError, match="'x' is not one of none"):
        bind(SLOW, {"x": "1"}, NOW_US)


@pytest.mark.parametrize("text", ["0", "-1", "+5", str(2**63 - 1), str(-(2**63) + 1)])
def test_integers_of_64_bits_are_read(text: str) -> None:
    """Exactly as they are written."""
    parameter = ECHO.parameters[1]

    assert read_parameter(parameter, text, NOW_US) == int(text)


@pytest.mark.parametrize("text", ["", "1.0", "1e3", str(2**63), "٣", "0x10", " 1", "1\n"])
def test_what_is_no_integer_of_64_bits_is_wrong_usage(text: str) -> None:
    """No other script, no other base, no overflow in the driver."""
    with pytest.raises(UsageError, match=r"number: .* is not an integer"):
        read_parameter(ECHO.parameters[1], text, NOW_US)


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("now", NOW_US),
        ("-30s", NOW_US - 30_000_000),
        ("-2h", NOW_US - 7_200_000_000),
        ("-1d", NOW_US - 86_400_000_000),
        ("-2w", NOW_US - 1_209_600_000_000),
        ("2026-01-01", NOW_US),
        ("2026-01-01T00:00:00Z", NOW_US),
        ("2026-01-01T01:00:00+01:00", NOW_US),
        ("2026-01-01T00:00:00.5", NOW_US + 500_000),
        ("2026-01-01T00:00", NOW_US),
    ],
)
def test_times_are_iso_8601_or_relative_to_now(text: str, us: int) -> None:
    """A date, or a time without a zone, is taken as UTC."""
    assert read_time(text, NOW_US) == us


@pytest.mark.parametrize("text", ["", "yesterday", "-2y", "-h", "2026-02-30", "+1h", "-9999999h"])
def test_what_is_no_time_is_wrong_usage(text: str) -> None:
    """The message shows how to write one."""
    with pytest.raises(UsageError, match="is not a time") as caught:
        read_time(text, NOW_US)

    assert caught.value.fix is not None


@given(us=st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
def test_every_time_that_is_shown_can_be_typed(us: int) -> None:
    """What a listing prints leads back to the same microsecond."""
    assert read_time(format_time(us), NOW_US) == us


def test_a_query_that_takes_too_long_is_stopped(place: Place) -> None:
    """Invariant 12: a listing cannot run for ever."""
    with place.store.reader() as reader, pytest.raises(StoreError, match="time limit"):
        ask(reader, SLOW, {}, lambda: True)
