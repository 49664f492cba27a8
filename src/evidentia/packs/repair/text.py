"""What a message says, as plain text and as words; for comparing messages and for people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from evidentia.event.values import JsonObject, JsonValue

TEXT_CHARACTERS_MAX: Final = 20_000
"""What is compared of a message. Outputs of tools run to megabytes, and say less the longer."""
_BLOCK_KEYS: Final = ("text", "thinking", "name", "content")
"""What of a block of content is text: of tools their name, and what they gave."""
_WORD: Final = re.compile(r"\w+")


def text_of(row: JsonObject) -> str:
    """The text of a row's message, or of its own ``content``; empty where it has none."""
    message = row.get("message")
    content = message.get("content") if isinstance(message, dict) else message
    if content is None:
        content = row.get("content")
    if isinstance(content, str):
        return content[:TEXT_CHARACTERS_MAX]
    return "\n".join(_blocks(content))[:TEXT_CHARACTERS_MAX]


def words_of(text: str) -> frozenset[str]:
    """The different words of a text, whatever their case."""
    return frozenset(_WORD.findall(text.casefold()))


def _blocks(content: JsonValue) -> Iterator[str]:
    left = TEXT_CHARACTERS_MAX
    # What is put back is nested less deep than what was taken, and lines are at most 200 deep.
    pending = [content]
    while pending and left > 0:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(reversed(node))
        elif isinstance(node, dict):
            pending.extend(node[key] for key in reversed(_BLOCK_KEYS) if key in node)
        elif isinstance(node, str):
            left -= len(node)
            yield node
