"""Text from logs made safe to show: a hostile line must not steer the reader's terminal."""

from __future__ import annotations

from evidentia.event.timestamp import format_time
from evidentia.report.visible import cut, visible


def shown(value: object, *, width: int | None = None) -> str:
    """A value as one line of harmless text, shortened to ``width`` characters."""
    if value is None:
        return ""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    text = visible(text)
    return text if width is None else cut(text, width)


def shown_bytes(count: int) -> str:
    """A number of bytes for people: ``3.3 MB``."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 - decimal units
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def shown_time(us: int | None) -> str:
    """UTC microseconds as ISO 8601, to the second where nothing is lost; as they are beyond it."""
    if us is None:
        return ""
    try:
        text = format_time(us)
    except OverflowError:
        return str(us)
    return text.replace(".000000Z", "Z")


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """``1 event``, ``2 events``, ``1,234 events``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {plural or f'{noun}s'}"
