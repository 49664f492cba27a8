"""The documentation as data: its pages, their tables and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from .console import CHECKOUT

_ROOT_PAGES: Final = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "STYLE.md")
_FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\((?P<target>[^()\s]+)\)")
_HEADING: Final = re.compile(r"^#{1,6} (?P<words>.+)$", re.MULTILINE)


@cache
def pages() -> dict[str, str]:
    """The text of every page, by its name in the checkout."""
    found = [CHECKOUT / name for name in _ROOT_PAGES]
    found += sorted((CHECKOUT / "docs").rglob("*.md"))
    return {
        path.relative_to(CHECKOUT).as_posix(): path.read_text("utf-8")
        for path in found
        if path.is_file()
    }


def links(text: str) -> Iterator[str]:
    """The targets of a page's links, those in fenced blocks aside."""
    for match in _LINK.finditer(_FENCE.sub("", text)):
        yield match["target"]


def anchors(text: str) -> set[str]:
    """The fragments under which a page's headings are found, as GitHub makes them."""
    found = set()
    for heading in _HEADING.finditer(_FENCE.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading["words"]).lower()
        found.add(re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-"))
    return found


def marked_tables(text: str, mark: str) -> dict[str, list[list[str]]]:
    """The rows of each table below ``<!-- mark: name -->`` (or ``<!-- mark -->``), by name.

    The two lines of the head are left out.
    """
    found: dict[str, list[list[str]]] = {}
    for match in re.finditer(
        rf"^<!-- {mark}(?:: (?P<name>[^>]+?))? -->\n(?P<rows>(?:\|.*\n)+)", text, re.MULTILINE
    ):
        rows = match["rows"].splitlines()[2:]
        cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
        found[match["name"] or ""] = cells
    return found


def codes(cell: str) -> list[str]:
    """The words in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)
