"""A pack's browser: what the command line shows as a tree in which something can be mended.

Values and protocols only. The pack says what there is and what may be done; ``cli`` draws it. So a
pack with a browser is tested without a terminal, and the terminal without a pack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from evidentia.pack.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowseNode:
    """A row of the tree. Text from logs may stand in it as it is.

    Attributes:
        id: What the browser knows it by.
        label: One line.
        is_marked: Something is wrong with it; the reader can jump from one such to the next.
        has_children: It can be opened.
        is_open: It is shown open at first.
    """

    id: str
    label: str
    is_marked: bool = False
    has_children: bool = False
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowseChoice:
    """Something that can be done about a node.

    Attributes:
        reason: What is recorded as the reason, unless the reader writes another.
    """

    id: str
    label: str
    reason: str


class Browser(Protocol):
    """What is browsed, with the moment's changes in it."""

    def summary(self) -> str:
        """One line about all of it."""
        ...

    def children(self, node: str | None) -> Sequence[BrowseNode]:
        """The rows below a node, or the outermost ones."""
        ...

    def marked(self) -> Sequence[tuple[str, ...]]:
        """The way to each marked node, from an outermost one to itself."""
        ...

    def details(self, node: str) -> Sequence[str]:
        """Lines about a node."""
        ...

    def choices(self, node: str) -> Sequence[BrowseChoice]:
        """What can be done about a node, the best first."""
        ...

    def apply(self, node: str, choice: str, reason: str) -> str:
        """Do it, and say what was done.

        Raises:
            EvidentiaError: It is refused, or fails.
        """
        ...

    def undo(self, reason: str) -> str:
        """Take back what this browser did last and has not taken back, and say what.

        Raises:
            UsageError: There is nothing to take back.
            EvidentiaError: It is refused, or fails.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PackBrowser:
    """``evidentia PACK browse FILE``: it reads a file, and appends to the pack's ledger.

    Attributes:
        open: Makes the browser of a file.
        help: What it is for.
        example: A whole command line, shown in the help.
    """

    open: Callable[[Workspace, str], Browser]
    help: str
    example: str
