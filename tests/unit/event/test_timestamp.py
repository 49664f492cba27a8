"""Times: what is certain becomes microseconds, what is not becomes a flag."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evidentia.event import timestamp
from evidentia.event.fieldmap import EpochUnit
from evidentia.event.long_number import LONG_INTEGER
from evidentia.event.timestamp import Timestamp, format_time, parse_time, parse_times
from evidentia.event.values import Flag, JsonValue

NO_FLAG = Flag(0)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT_US = 1_773_476_467_123_456
"""2026-03-14T08:21:07.123456Z"""
UNITS = [*EpochUnit, None]


@pytest.fixture(autouse=True)
def _forget_days() -> Iterator[None]:
    """Each test starts without remembered days and leaves none."""
    timestamp._days.clear()
    yield
    timestamp._days.clear()


def us_of(instant: datetime) -> int:
    """Microseconds since 1970, by exact arithmetic."""
    return (instant.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


def flag_of(value: JsonValue, unit: EpochUnit | None = None) -> Flag:
    """The flag of a time that must have no microseconds."""
    stamp = parse_time(value, unit)
    assert stamp.us is None
    return stamp.flag


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-14T08:21:07.123456Z",
        "2026-03-14T08:21:07.123456z",
        "2026-03-14t08:21:07.123456Z",
        "2026-03-14 08:21:07.123456Z",
        "2026-03-14 08:21:07,123456 UTC",
        "2026-03-14T08:21:07.123456+00:00",
        "2026-03-14T08:21:07.123456-00:00",
        "2026-03-14T13:51:07.123456+05:30",
        "2026-03-14T13:51:07.123456+0530",
        "2026-03-14 13:51:07.123456 +0530",
        "2026-03-14T13:21:07.123456+05",
        "2026-03-13T23:51:07.123456-08:30",
        "20260314T082107.123456Z",
        "2026-03-14T08:21:07.123456000Z",
    ],
)
def test_a_time_with_a_zone_is_an_instant_in_every_usual_spelling(text: str) -> None:
    """M55: Z, offsets with and without colon or minutes, T or a space, comma or point."""
    assert parse_time(text) == Timestamp(us=INSTANT_US, text=text, flag=NO_FLAG)
    assert parse_time(text) == Timestamp(us=INSTANT_US, text=text, flag=NO_FLAG)


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2026-03-14T08:21:07.1Z", INSTANT_US - 23_456),
        ("2026-03-14T08:21:07.123Z", INSTANT_US - 456),
        ("2026-03-14T08:21:07.123+00:00", INSTANT_US - 456),
        ("2026-03-14T08:21:07Z", INSTANT_US - 123_456),
        ("2026-03-14T08:21:07+00:00", INSTANT_US - 123_456),
        ("2024-02-29T00:00:00Z", us_of(datetime(2024, 2, 29, tzinfo=UTC))),
        ("0001-01-01T00:00:00Z", us_of(datetime(1, 1, 1, tzinfo=UTC))),
        ("9999-12-31T23:59:59.999999Z", us_of(datetime.max.replace(tzinfo=UTC))),
    ],
)
def test_fractions_and_the_ends_of_the_calendar_are_exact(text: str, us: int) -> None:
    """M55: years 1 to 9999, with no fraction, tenths, milliseconds or microseconds."""
    assert parse_time(text) == Timestamp(us=us, text=text, flag=NO_FLAG)
    assert parse_time(text) == Timestamp(us=us, text=text, flag=NO_FLAG)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-14T08:21:07.123456",
        "2026-03-14 08:21:07,123",
        "2026-03-14T08:21",
        "2026-03-14",
        "2016-12-31T23:59:60",
        "2026-10-25T02:30:00",
    ],
)
def test_a_time_without_a_zone_is_flagged_and_not_guessed(text: str) -> None:
    """M55: no local time is assumed, not even where a clock was put back."""
    assert parse_time(text) == Timestamp(us=None, text=text, flag=Flag.TIME_UNZONED)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-32",
        "0000-01-01T00:00:00Z",
        "292277-01-01T00:00:00Z",
        "+292277-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "2026-03-14T24:00:00Z",
        "2026-03-14T08:60:00Z",
        "2026-03-14T08:21:61Z",
        "2026-03-14T08:21:61",
        "2026-03-14T08:21:07+24:00",
        "2026-03-14T08:21:07-99:00",
        "2026-03-14T08:21:07+05:60",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2026-3-14T08:21:07Z",
        "2026-03-14T08:21:07.Z",
        "2026-03-14T08:21:07.123456Z ",
        "2026-03-14T08:21:07.12345xZ",
        "2026-03-14T08:21:7x.123456Z",
        "2026-03-14T082107.123456+00:00:00",
        "2026-0314T08:21:07Z",
        "2026-03-14x08:21:07Z",
        "\u0662\u0660\u0662\u0666-03-14T08:21:07Z",
        "2026-03-14T08:21:\u0660\u0667.123456Z",
        "2026-03-14T08:21:07.\u0661\u0662\u0663\u0664\u0665\u0666Z",
        "2026-03-14T08:21:07.12_456Z",
        "2026-03-14T08:21:07.+12456Z",
        "yesterday",
        "Sat Mar 14 08:21:07 2026",
        "\0",
        "1" * 100,
        "1e99999999999",
    ],
)
@pytest.mark.parametrize("earlier", ["2026-03-14T08:21:00Z", "1970-01-01T00:00:00Z"])
def test_what_is_no_time_of_this_calendar_is_flagged(text: str, earlier: str) -> None:
    """M55: impossible dates, offsets of a day, years outside 1 to 9999, other digits, words.

    It makes no difference which minutes have been seen before.
    """
    parse_time(earlier)

    assert parse_time(text) == Timestamp(us=None, text=text, flag=Flag.TIME_INVALID)


def test_digits_below_the_microsecond_are_cut_towards_the_past() -> None:
    """M55: nanoseconds are neither rounded nor lost silently."""
    text = "2026-03-14T08:21:07.123456999Z"

    assert parse_time(text) == Timestamp(us=INSTANT_US, text=text, flag=Flag.TIME_TRUNCATED)
    assert parse_time("1969-12-31T23:59:59.9999999Z").us == -1


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("2016-12-31T23:59:60Z", us_of(datetime(2017, 1, 1, tzinfo=UTC))),
        ("2017-01-01T05:29:60+05:30", us_of(datetime(2017, 1, 1, tzinfo=UTC))),
        ("2016-12-31T23:59:60.5Z", us_of(datetime(2017, 1, 1, tzinfo=UTC)) + 500_000),
    ],
)
def test_a_leap_second_counts_as_the_second_after_it(text: str, us: int) -> None:
    """M55: as POSIX and PostgreSQL have it, with a flag."""
    assert parse_time(text) == Timestamp(us=us, text=text, flag=Flag.TIME_LEAP_SECOND)


def test_a_leap_second_can_also_be_cut() -> None:
    """M55: both remarks are kept."""
    stamp = parse_time("2016-12-31T23:59:60.1234567Z")

    assert stamp.flag == Flag.TIME_LEAP_SECOND | Flag.TIME_TRUNCATED


@pytest.mark.parametrize(
    "text", ["2016-12-31T23:58:60Z", "2017-01-01T05:59:60+05:30", "9999-12-31T23:59:60Z"]
)
def test_second_60_is_invalid_where_utc_inserts_none(text: str) -> None:
    """M55: elsewhere it is a broken clock."""
    assert flag_of(text) == Flag.TIME_INVALID


@pytest.mark.parametrize(
    ("value", "text", "us"),
    [
        (1_773_476_467, "1773476467", INSTANT_US - 123_456),
        (1_773_476_467_123, "1773476467123", INSTANT_US - 456),
        (1_773_476_467_123_456, "1773476467123456", INSTANT_US),
        (1_773_476_467_123_456_000, "1773476467123456000", INSTANT_US),
        (1_773_476_467.123456, "1773476467.123456", INSTANT_US),
        ("1773476467.123456", "1773476467.123456", INSTANT_US),
        ("1.773476467123456e9", "1.773476467123456e9", INSTANT_US),
        (1e12, "1000000000000.0", 10**15),
        (10**9, "1000000000", 10**15),
        (10**10 - 1, "9999999999", (10**10 - 1) * 10**6),
    ],
)
def test_the_magnitude_of_a_number_tells_its_unit_where_it_is_clear(
    value: JsonValue, text: str, us: int
) -> None:
    """M55: seconds, milliseconds, microseconds and nanoseconds between 2001 and 2286."""
    assert parse_time(value) == Timestamp(us=us, text=text, flag=NO_FLAG)


@pytest.mark.parametrize(
    "value",
    [0, 1, -1, 999_999_999, 10**10, 10**12 - 1, 10**13, 10**14, 10**17, 10**19, 10**30, 10**4000],
)
def test_a_number_of_unclear_unit_is_flagged_and_not_guessed(value: int) -> None:
    """M55: 0 is no time, unless the pack knows that it is."""
    assert flag_of(value) == Flag.TIME_UNIT_UNCLEAR
    assert flag_of(-value) == Flag.TIME_UNIT_UNCLEAR


@pytest.mark.parametrize("text", ["2024", "20240102", "-1773476467", "0.5", "1e300", "1e-300"])
def test_a_numeric_text_of_unclear_unit_is_a_number_and_no_date(text: str) -> None:
    """M55: a bare year or day could be anything."""
    assert flag_of(text) == Flag.TIME_UNIT_UNCLEAR


@pytest.mark.parametrize(
    ("value", "unit", "us"),
    [
        (0, EpochUnit.SECONDS, 0),
        (-1, EpochUnit.SECONDS, -1_000_000),
        (5, EpochUnit.MILLISECONDS, 5_000),
        ("1.5", EpochUnit.MILLISECONDS, 1_500),
        (7, EpochUnit.MICROSECONDS, 7),
        (2_000, EpochUnit.NANOSECONDS, 2),
        (1_773_476_467, EpochUnit.MILLISECONDS, 1_773_476_467_000),
        ("-62135596800", EpochUnit.SECONDS, us_of(datetime(1, 1, 1, tzinfo=UTC))),
    ],
)
def test_a_declared_unit_is_taken_at_its_word(value: JsonValue, unit: EpochUnit, us: int) -> None:
    """M55: the pack knows its log; negative times and small numbers count too."""
    stamp = parse_time(value, unit)

    assert (stamp.us, stamp.flag) == (us, NO_FLAG)


@pytest.mark.parametrize(
    ("value", "unit", "us"),
    [
        (1_999, EpochUnit.NANOSECONDS, 1),
        (-1, EpochUnit.NANOSECONDS, -1),
        (1_773_476_467_123_456_789, None, INSTANT_US),
        ("1773476467.1234569", None, INSTANT_US),
        (0.1234567, EpochUnit.SECONDS, 123_456),
        ("1e-300", EpochUnit.SECONDS, 0),
    ],
)
def test_numbers_finer_than_a_microsecond_are_cut_towards_the_past(
    value: JsonValue, unit: EpochUnit | None, us: int
) -> None:
    """M55: before 1970 too."""
    stamp = parse_time(value, unit)

    assert (stamp.us, stamp.flag) == (us, Flag.TIME_TRUNCATED)


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (253_402_300_800, EpochUnit.SECONDS),
        (-62_135_596_801, EpochUnit.SECONDS),
        (10**39, EpochUnit.NANOSECONDS),
        (10**41, EpochUnit.NANOSECONDS),
        ("1e999", EpochUnit.SECONDS),
    ],
)
def test_a_number_outside_the_calendar_is_invalid(value: JsonValue, unit: EpochUnit) -> None:
    """M55: before year 1 or after year 9999."""
    assert flag_of(value, unit) == Flag.TIME_INVALID


def test_an_integer_too_long_for_text_has_neither_time_nor_text() -> None:
    """M49: 5,000 digits are no time in any unit, and are not converted to find out."""
    value = 10**5000

    assert parse_time(value) == Timestamp(us=None, text=None, flag=Flag.TIME_UNIT_UNCLEAR)
    assert parse_time(value, EpochUnit.SECONDS) == Timestamp(
        us=None, text=None, flag=Flag.TIME_INVALID
    )


@pytest.mark.parametrize("value", [True, [], {}, [1_773_476_467], LONG_INTEGER])
@pytest.mark.parametrize("unit", UNITS)
def test_a_value_that_is_neither_text_nor_number_is_no_time(
    value: JsonValue, unit: EpochUnit | None
) -> None:
    """M54: a field that changed its type is flagged."""
    assert parse_time(value, unit) == Timestamp(us=None, text=None, flag=Flag.TIME_INVALID)


def test_the_remembered_days_stay_few() -> None:
    """Memory does not grow with the number of days in a log."""
    for number in range(timestamp._DAYS_MAX + 100):
        parse_time(f"{date(2000, 1, 1) + timedelta(days=number)}T00:00:00.000000Z")

    assert 0 < len(timestamp._days) <= timestamp._DAYS_MAX


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ("20260314T0821+00:00", "20260314T0821+00:07.123Z"),
        ("20260314T082107.1234560000Z", "20260314T082107.107.123456Z"),
        ("20260314T08:21:07.12Z", "20260314T08:21:0707.123Z"),
        ("2026-03-14T082107.12Z", "2026-03-14T08210707Z"),
        ("2026-03-14T08:21+00:00", "2026-03-14T08:21+07Z"),
        ("2026-03-14T08:21:00+05:30", "2026-03-14T08:21:xxZ"),
    ],
)
def test_a_remembered_day_lends_itself_to_no_other_form(seen: str, text: str) -> None:
    """A text that merely begins like one seen before is judged by itself."""
    parse_time(seen)

    assert flag_of(text) == Flag.TIME_INVALID


def test_a_day_remembered_in_utc_is_not_that_of_another_zone() -> None:
    """The same digits elsewhere are another instant."""
    parse_time("2026-03-14T08:21:00.000000+05:30")

    stamp = parse_time("2026-03-14T08:21:00.000000Z")

    assert stamp.us == us_of(datetime(2026, 3, 14, 8, 21, tzinfo=UTC))


OFFSETS = st.integers(min_value=-1439, max_value=1439).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
INSTANTS = st.datetimes(timezones=OFFSETS | st.just(UTC)).filter(
    lambda instant: 1 < instant.year < 9999
)


@settings(derandomize=True, max_examples=300)
@given(instant=INSTANTS, separator=st.sampled_from("T "), is_short=st.booleans())
def test_any_instant_that_datetime_writes_is_read_to_the_microsecond(
    instant: datetime, separator: str, *, is_short: bool
) -> None:
    """M55: the standard library's own text and arithmetic are the measure."""
    text = instant.isoformat(separator, timespec="auto" if is_short else "microseconds")

    first, again = parse_time(text), parse_time(text)

    assert first == again == Timestamp(us=us_of(instant), text=text, flag=NO_FLAG)


@settings(derandomize=True, max_examples=300)
@given(instant=st.datetimes(timezones=st.just(UTC)))
@example(instant=datetime.min.replace(tzinfo=UTC))
@example(instant=datetime.max.replace(tzinfo=UTC))
@example(instant=datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
def test_a_formatted_time_reads_back_as_itself(instant: datetime) -> None:
    """Always 27 characters, from year 1 to year 9999, before and after 1970."""
    us = us_of(instant)

    text = format_time(us)

    assert len(text) == len("YYYY-MM-DDTHH:MM:SS.ffffffZ")
    assert text == instant.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert parse_time(text).us == us


def test_a_time_outside_the_calendar_is_not_formatted() -> None:
    """No store holds one, and no text could show it."""
    with pytest.raises(OverflowError):
        format_time(us_of(datetime.max.replace(tzinfo=UTC)) + 1)


@settings(derandomize=True, max_examples=300)
@given(
    text=st.text(min_size=1, max_size=40)
    | st.text(alphabet="0123456789-:.TZ+ e", min_size=1, max_size=40),
    unit=st.sampled_from(UNITS),
)
def test_no_text_makes_the_reading_raise(text: str, unit: EpochUnit | None) -> None:
    """There is a time, or a flag that says why not; the text is always kept."""
    stamp = parse_time(text, unit)

    assert stamp.text == text
    assert (stamp.us is None) == bool(
        stamp.flag & (Flag.TIME_UNZONED | Flag.TIME_INVALID | Flag.TIME_UNIT_UNCLEAR)
    )
    if stamp.us is not None:
        assert format_time(stamp.us)


@settings(derandomize=True, max_examples=300)
@given(
    value=st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    unit=st.sampled_from(UNITS),
)
def test_no_number_makes_the_reading_raise(value: float, unit: EpochUnit | None) -> None:
    """There is a time within the calendar, or a flag that says why not."""
    stamp = parse_time(value, unit)

    if stamp.us is None:
        assert stamp.flag in {Flag.TIME_INVALID, Flag.TIME_UNIT_UNCLEAR}
    else:
        assert format_time(stamp.us)


ZONES = ["", "Z", "z", " UTC", "+00:00", "-00:00", "+0530", "+05:30", "-08", "+23:59", "+24:00"]
TIMES = st.one_of(
    st.none(),
    st.sampled_from([0, 1_773_476_467, 1.5, 10**30, LONG_INTEGER, True, [], {}]),
    st.text("0123456789-:.,TZ+ ", min_size=1, max_size=30),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["0001-01-01", "1969-12-31", "2026-02-28", "2026-02-29", "9999-12-31"]),
        st.sampled_from(
            ["T00:00:00", "T23:59:60", "t23:59:59", " 24:00:00", "_08:21:07", "T08:21"]
        ),
        st.sampled_from(["", ".1", ".123", ".123456", ".1234565", ",123456", ".9999999", "."]),
        st.sampled_from(ZONES),
    ),
)


@settings(derandomize=True, max_examples=1_000)
@given(
    values=st.one_of(st.lists(TIMES, max_size=5), TIMES.map(lambda value: [value])),
    unit=st.sampled_from(UNITS),
)
def test_many_times_at_once_are_those_of_each_alone(
    values: list[JsonValue], unit: EpochUnit | None
) -> None:
    """A plain time is read another way when all of a block are plain, never to another instant."""
    instants, others = parse_times(values, unit)

    for index, value in enumerate(values):
        if value is None:
            assert instants[index] is None
            assert index not in others
            continue
        alone = parse_time(value, unit)
        assert instants[index] == alone.us
        if index in others:
            assert others[index] == alone
        else:
            assert (alone.text, alone.flag) == (value, NO_FLAG)
    assert len(instants) == len(values)
