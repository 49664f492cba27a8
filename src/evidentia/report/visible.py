"""Text from logs made harmless: what would steer a reader's screen is written out.

What could be run or opened is defanged. The store keeps both as they were.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Control characters, formats (bidirectional overrides among them), surrogates and private use.
_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SCHEME: Final = re.compile(r"\b(?P<head>h|f)(?:tt|t)(?P<rest>ps?://)", re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"(?<=://)[^\s/?#'\"<>|;&]+")
_ADDRESS: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\.\d)")
_HOST: Final = re.compile(
    # A name in front of a path or a port, or one that begins with www; ``/etc/init.d/`` is none.
    r"(?<![\w./~$-])(?:www\.[a-z0-9.-]+|(?:[a-z0-9-]+\.)+[a-z]{2,}(?=/|:\d))",
    re.IGNORECASE,
)


def visible(text: str) -> str:
    """A text as one line of harmless characters; nothing else about it changes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNSHOWN:
        return character
    code = ord(character)
    if code < 0x100:  # noqa: PLR2004 - one byte
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - one plane


def cut(text: str, width: int) -> str:
    """A text of at most ``width`` characters."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def defanged(text: str) -> str:
    """A text in which no address is a link and none can be copied into a command.

    ``http://203.0.113.5/x.sh`` becomes ``hxxp://203[.]0[.]113[.]5/x.sh``. Doing it twice changes
    nothing more.
    """
    text = _AUTHORITY.sub(_dots, text)
    text = _ADDRESS.sub(_dots, text)
    text = _HOST.sub(_dots, text)
    return _SCHEME.sub(_scheme, text)


def _dots(match: re.Match[str]) -> str:
    return match.group().replace("[.]", ".").replace(".", "[.]")


def _scheme(match: re.Match[str]) -> str:
    marks = "xx" if match["head"].lower() == "h" else "x"
    return f"{match['head']}{marks}{match['rest']}"
