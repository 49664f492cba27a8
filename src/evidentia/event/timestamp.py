"""From the time a log states to UTC microseconds, and back to text. Pure.

Nothing is guessed: a time without a zone, an impossible date or a number of unclear unit has no
microseconds, only its text and a flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, cast

import msgspec

from evidentia.event.epoch import is_number, microseconds_of
from evidentia.event.fieldmap import EpochUnit
from evidentia.event.values import Flag, JsonValue

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_UNZONED: Final = _EPOCH.replace(tzinfo=None)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)
_US_MIN: Final = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_US_MAX: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _SECOND_US
_DAY_MINUTES: Final = 24 * 60
_DAY_US: Final = _DAY_MINUTES * _MINUTE_US
_FRACTION_DIGITS: Final = 6
_LEAP_SECOND: Final = 60
_LAST_MINUTE: Final = 59
_NO_FLAG: Final = Flag(0)

_ISO_8601: Final = re.compile(
    r"""
    (?P<year>[0-9]{4})
    (?P<dash>-|(?=[0-9]{4}[Tt\ ]))      # the basic form only where a time follows: else a number
    (?P<month>[0-9]{2}) (?P=dash) (?P<day>[0-9]{2})
    (?: [Tt\ ]
        (?P<hour>[0-9]{2}) (?P<colon>:?) (?P<minute>[0-9]{2})
        (?: (?P=colon) (?P<second>[0-9]{2}) (?: [.,] (?P<fraction>[0-9]+) )? )?
        (?: \ ? (?P<zone> [Zz] | UTC | [+-][0-9]{2} (?: :? [0-9]{2} )? ) )?
    )?
    """,
    re.VERBOSE,
)

_PLAIN_CHARACTERS_MAX: Final = len("YYYY-MM-DDTHH:MM:SS.ffffffZ")
"""No text of this length states anything finer than a microsecond, which msgspec would round."""
_TEXT_OR_NONE: Final = frozenset({str, type(None)})

_UTC_SUFFIXES: Final = frozenset({"Z", "+00:00"})
_MINUTES: Final = {
    f"{number // 60:02d}:{number % 60:02d}:": number * _MINUTE_US for number in range(_DAY_MINUTES)
}
_SECONDS: Final = {f"{number:02d}.": number * _SECOND_US for number in range(60)}
_MILLISECONDS: Final = {f"{number:03d}": number * 1000 for number in range(1000)}
_MICROSECONDS: Final = {f"{number:03d}": number for number in range(1000)}
_days: dict[str, int] = {}
"""Microseconds of the days seen last, by their first 11 characters. Only saves time."""
_DAYS_MAX: Final = 4096


class Timestamp(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a log says about when something happened.

    A Struct because one is made for every event and a frozen dataclass takes ten times as long.

    Attributes:
        us: UTC microseconds since 1970, or None where they are not certain.
        text: The time as the log has it; None for what is neither text nor a number.
        flag: What is noteworthy; the flags whose names begin with ``TIME_``.
    """

    us: int | None
    text: str | None
    flag: Flag


def parse_time(value: JsonValue, epoch_unit: EpochUnit | None = None) -> Timestamp:
    """The instant that a value of a log states, with the original text.

    ISO 8601 with a zone in its usual spellings, and numbers counted from 1970. Digits below the
    microsecond are cut off. Second 60 is allowed where UTC can insert one, at the end of an hour,
    and counts as the second after it, as POSIX has it.

    Args:
        value: Neither None nor an empty string.
        epoch_unit: What numbers count; None lets the magnitude decide where it is clear.
    """
    if type(value) is str:
        try:
            # Most events end here: YYYY-MM-DDTHH:MM:SS.ffffff, then Z or +00:00.
            if value[26:] in _UTC_SUFFIXES:
                us = (
                    _days[value[:11]]
                    + _MINUTES[value[11:17]]
                    + _SECONDS[value[17:20]]
                    + _MILLISECONDS[value[20:23]]
                    + _MICROSECONDS[value[23:26]]
                )
            else:
                us = _read_coarse(value)
        except KeyError:
            return _parse_text(value, epoch_unit)
        return Timestamp(us=us, text=value, flag=_NO_FLAG)
    if type(value) is int or type(value) is float:
        return _parse_number(value, epoch_unit)
    return Timestamp(us=None, text=None, flag=Flag.TIME_INVALID)


def parse_times(
    values: Sequence[JsonValue], epoch_unit: EpochUnit | None = None
) -> tuple[list[int | None], dict[int, Timestamp]]:
    """The instants that the values of many events state, as ``parse_time`` has them.

    Args:
        values: None where an event states no time; never an empty string.
        epoch_unit: What numbers count.

    Returns:
        The microseconds; and by index the whole outcome where the time is not a text as it stands,
        or is flagged.
    """
    plain = _plain_instants(values)
    if plain is not None:
        return plain, {}
    found: list[int | None] = []
    others: dict[int, Timestamp] = {}
    for index, value in enumerate(values):
        if value is None:
            found.append(None)
            continue
        stamp = parse_time(value, epoch_unit)
        found.append(stamp.us)
        if stamp.flag or stamp.text is not value:
            others[index] = stamp
    return found, others


def _plain_instants(values: Sequence[JsonValue]) -> list[int | None] | None:
    """The microseconds where all values are plain times with a zone, or None."""
    if not set(map(type, values)) <= _TEXT_OR_NONE:
        return None
    texts = cast("Iterable[str]", filter(None, values))
    if max(map(len, texts), default=0) > _PLAIN_CHARACTERS_MAX:
        return None
    try:
        # Half the time of the look-ups in ``parse_time``, but slow where it says no.
        instants = msgspec.convert(values, list[datetime | None])
        return [None if each is None else (each - _EPOCH) // _MICROSECOND for each in instants]
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError):
        # Another form, an impossible time, or (TypeError) one without a zone.
        return None


def format_time(us: int) -> str:
    """The instant as ``YYYY-MM-DDTHH:MM:SS.ffffffZ``.

    Raises:
        OverflowError: The instant is outside the years 1 to 9999.
    """
    # Without a zone and by place it takes half the time, and each append formats one.
    return (_EPOCH_UNZONED + timedelta(0, 0, us)).isoformat("T", "microseconds") + "Z"


def _parse_number(value: float, epoch_unit: EpochUnit | None) -> Timestamp:
    try:
        text = repr(value)
    except ValueError:
        # An integer with more digits than this process converts to text.
        flag = Flag.TIME_INVALID if epoch_unit else Flag.TIME_UNIT_UNCLEAR
        return Timestamp(us=None, text=None, flag=flag)
    return _bounded(*microseconds_of(text, epoch_unit), text)


def _parse_text(text: str, epoch_unit: EpochUnit | None) -> Timestamp:
    match = _ISO_8601.fullmatch(text)
    if match is not None:
        try:
            us, flag = _read_iso(match)
        except ValueError:
            return Timestamp(us=None, text=text, flag=Flag.TIME_INVALID)
        stamp = _bounded(us, flag, text)
        if stamp.us is not None and not stamp.flag:
            _remember_day(stamp.us, match)
        return stamp
    if is_number(text):
        return _bounded(*microseconds_of(text, epoch_unit), text)
    return Timestamp(us=None, text=text, flag=Flag.TIME_INVALID)


def _bounded(us: int | None, flag: Flag, text: str) -> Timestamp:
    if us is not None and not _US_MIN <= us <= _US_MAX:
        us, flag = None, Flag.TIME_INVALID
    return Timestamp(us=us, text=text, flag=flag)


def _read_coarse(text: str) -> int:
    """Microseconds of a text with milliseconds or whole seconds, on a day that is known.

    Raises:
        KeyError: The text is of another form, or its day is new.
    """
    if text[23:] in _UTC_SUFFIXES:
        return _read_minute(text) + _SECONDS[text[17:20]] + _MILLISECONDS[text[20:23]]
    if text[19:] in _UTC_SUFFIXES:
        return _read_minute(text) + _SECONDS[text[17:19] + "."]
    raise KeyError(text)


def _read_minute(text: str) -> int:
    return _days[text[:11]] + _MINUTES[text[11:17]]


def _remember_day(us: int, match: re.Match[str]) -> None:
    # With dash, colon and seconds the first 11 characters are ``YYYY-MM-DDT``.
    if match["dash"] and match["colon"] and match["second"] and match["zone"] in _UTC_SUFFIXES:
        if len(_days) >= _DAYS_MAX:
            _days.clear()
        _days[match[0][:11]] = us - us % _DAY_US


def _read_iso(match: re.Match[str]) -> tuple[int | None, Flag]:
    """Microseconds and flag of a text in the right form.

    Raises:
        ValueError: There is no such day, time or zone.
    """
    day = date(int(match["year"]), int(match["month"]), int(match["day"])).toordinal()
    if match["hour"] is None:
        return None, Flag.TIME_UNZONED
    minute = (day - _EPOCH_DAY) * _DAY_MINUTES
    minute += _below(24, match["hour"]) * 60 + _below(60, match["minute"])
    second = _below(_LEAP_SECOND + 1, match["second"] or "0")
    if match["zone"] is None:
        return None, Flag.TIME_UNZONED
    minute -= _offset_minutes(match["zone"])
    flag = _NO_FLAG
    if second == _LEAP_SECOND:
        if minute % 60 != _LAST_MINUTE:
            raise ValueError("no leap second there")
        flag = Flag.TIME_LEAP_SECOND
    fraction = match["fraction"] or ""
    if fraction[_FRACTION_DIGITS:].strip("0"):
        flag |= Flag.TIME_TRUNCATED
    us = int(fraction[:_FRACTION_DIGITS].ljust(_FRACTION_DIGITS, "0"))
    return (minute * 60 + second) * _SECOND_US + us, flag


def _offset_minutes(zone: str) -> int:
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    minutes = _below(24, digits[:2]) * 60 + _below(60, digits[2:] or "0")
    return -minutes if zone[0] == "-" else minutes


def _below(limit: int, digits: str) -> int:
    number = int(digits)
    if number >= limit:
        raise ValueError(digits)
    return number
