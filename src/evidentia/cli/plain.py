"""Text from logs made safe to show: a hostile line must not steer the reader's terminal."""

from __future__ import annotations

import unicodedata
from typing import Final

from evidentia.event.timestamp import format_time

# Control characters, formats (bidirectional overrides among them), surrogates and private use.
_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def shown(value: object, *, width: int | None = None) -> str:
    """A value as one line of harmless text, shortened to ``width`` characters."""
    if value is None:
        return ""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    if not text.isascii() or not text.isprintable():
        text = "".join(_escaped(character) for character in text)
    if width is not None and len(text) > width:
        return text[: max(0, width - 1)] + "…"
    return text


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNSHOWN:
        return character
    code = ord(character)
    if code < 0x100:  # noqa: PLR2004 - one byte
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - one plane


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
