"""Times that are bare numbers, counted from 1970: exact to the microsecond. Pure."""

from __future__ import annotations

import re
from typing import Final

from evidentia.event.fieldmap import EpochUnit
from evidentia.event.values import Flag

_NUMBER: Final = re.compile(
    r"(?P<whole>-?[0-9]{1,40})(?:\.(?P<fraction>[0-9]{1,40}))?(?:[eE](?P<power>[+-]?[0-9]{1,3}))?"
)
"""A JSON number of bounded size, so that no arithmetic with it can take long."""

_MICROSECOND_POWERS: Final = {
    EpochUnit.SECONDS: 6,
    EpochUnit.MILLISECONDS: 3,
    EpochUnit.MICROSECONDS: 0,
    EpochUnit.NANOSECONDS: -3,
}
"""The power of ten that turns the unit into microseconds."""

_UNITS_BY_DIGITS: Final = {
    10: EpochUnit.SECONDS,
    13: EpochUnit.MILLISECONDS,
    16: EpochUnit.MICROSECONDS,
    19: EpochUnit.NANOSECONDS,
}
"""From 2001 to 2286 the number of digits tells the unit. Elsewhere nothing is guessed."""


def is_number(text: str) -> bool:
    """True when the text is a bare number of a size that can be a time."""
    return _NUMBER.fullmatch(text) is not None


def microseconds_of(text: str, unit: EpochUnit | None) -> tuple[int | None, Flag]:
    """UTC microseconds of a number, cut towards the past, with what is noteworthy about it.

    The decimal digits are taken at their word: no binary fraction comes in between.

    Args:
        text: The number as JSON writes it.
        unit: What it counts; None lets the magnitude decide where it is clear.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None, Flag.TIME_INVALID if unit else Flag.TIME_UNIT_UNCLEAR
    fraction = match["fraction"] or ""
    digits = int(match["whole"] + fraction)
    power = int(match["power"] or 0) - len(fraction)
    unit = unit or _unit_of(_scale(digits, power)[0])
    if unit is None:
        return None, Flag.TIME_UNIT_UNCLEAR
    microseconds, is_cut = _scale(digits, power + _MICROSECOND_POWERS[unit])
    return microseconds, Flag.TIME_TRUNCATED if is_cut else Flag(0)


def _unit_of(whole: int) -> EpochUnit | None:
    return _UNITS_BY_DIGITS.get(len(str(whole))) if whole > 0 else None


def _scale(digits: int, power: int) -> tuple[int, bool]:
    """The largest integer not above ``digits * 10**power``, and whether it is below."""
    if power >= 0:
        return digits * 10**power, False
    whole, rest = divmod(digits, 10**-power)
    return whole, rest != 0
