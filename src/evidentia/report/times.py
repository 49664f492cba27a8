"""Times as a page shows them."""

from __future__ import annotations

from typing import Final

from evidentia.event.timestamp import format_time

_MINUTE: Final = len("2026-01-31T12:34")
_SECOND: Final = len("2026-01-31T12:34:56")


def exact(us: int) -> str:
    """A time with all it has; the number itself where the calendar ends before it."""
    try:
        return format_time(us).replace(".000000Z", "Z")
    except OverflowError:
        return str(us)


def minute(us: int) -> str:
    """``2026-01-31 12:34``."""
    return exact(us)[:_MINUTE].replace("T", " ")


def second(us: int) -> str:
    """``2026-01-31 12:34:56``."""
    return exact(us)[:_SECOND].replace("T", " ")
