"""The browser's screen, driven by Textual's pilot over a browser made of lists."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from evidentia.errors import RejectionError, UsageError
from evidentia.pack.browsing import BrowseChoice, BrowseNode

pytest.importorskip("textual", reason="needs Textual, which the extra 'browse' brings")

from textual.widgets import Input, OptionList, Static

from evidentia.cli.browse_screen import ROWS_AT_A_TIME, BrowseApp

MANY = 2 * ROWS_AT_A_TIME + 10


class Lists:
    """Two sessions: one with two marked threads, one with many rows."""

    def __init__(self) -> None:
        self.marks = ["b", "z"]
        self.calls: list[tuple[str, ...]] = []

    def summary(self) -> str:
        """How many are marked."""
        return f"{len(self.marks)} marked\x1b[2J"

    def children(self, node: str | None) -> Sequence[BrowseNode]:
        """Lists, as written down here."""
        if node is None:
            return [
                BrowseNode(id="s", label="small [bold]", has_children=True, is_open=True),
                BrowseNode(id="l", label="large", has_children=True),
            ]
        if node == "s":
            return [self._node("a"), self._node("b")]
        if node == "l":
            return [*(self._node(f"n{n}") for n in range(MANY)), self._node("z")]
        return []

    def _node(self, name: str) -> BrowseNode:
        return BrowseNode(id=name, label=f"row {name}", is_marked=name in self.marks)

    def marked(self) -> Sequence[tuple[str, ...]]:
        """The ways to b and z, while they are marked."""
        return [way for way in (("s", "b"), ("l", "z")) if way[-1] in self.marks]

    def details(self, node: str) -> Sequence[str]:
        """One line."""
        return [f"about {node}\x07"]

    def choices(self, node: str) -> Sequence[BrowseChoice]:
        """Two."""
        return [
            BrowseChoice(id=f"{node}{n}", label=f"choice {n}", reason=f"reason {n}") for n in "12"
        ]

    def apply(self, node: str, choice: str, reason: str) -> str:
        """Unmark; refuse what says so."""
        if reason == "refuse":
            raise RejectionError("it is refused")
        self.calls.append((node, choice, reason))
        self.marks.remove(node)
        return f"{node} done"

    def undo(self, reason: str) -> str:
        """Mark again."""
        if not self.calls:
            raise UsageError("nothing to take back")
        node, *_ = self.calls.pop()
        self.marks.insert(0, node)
        return f"{node} undone: {reason}"


Play = Callable[[Any, Any], Awaitable[None]]


def play(browser: Lists, script: Play) -> Sequence[str] | None:
    """Run the screen at the size of a small terminal while a script types."""

    async def run() -> Sequence[str] | None:
        app = BrowseApp(browser, "title")
        async with app.run_test(size=(80, 24)) as pilot:
            await script(app, pilot)
            await pilot.press("q")
        return app.return_value

    return asyncio.run(run())


def text_of(app: Any, selector: str) -> str:
    """What a line of the screen says."""
    return str(app.query_one(selector, Static).render())


def test_marked_rows_are_found_one_after_the_other() -> None:
    """The key goes round, opens what hides a row, and reaches the end of a long list."""
    seen: list[str | None] = []

    async def script(app: Any, pilot: Any) -> None:
        for _ in range(3):
            await pilot.press("n")
            await pilot.pause()
            seen.append(None if app.selected is None else app.selected.id)

    assert play(Lists(), script) == []
    assert seen == ["b", "z", "b"]


def test_a_choice_is_applied_with_its_reason_and_taken_back() -> None:
    """What was done is said, the row is no longer marked, and undo marks it again."""
    browser = Lists()
    summaries: list[str] = []

    async def script(app: Any, pilot: Any) -> None:
        await pilot.press("n")
        await pilot.pause()
        assert app.query_one("#choices", OptionList).option_count == 2
        await pilot.press("tab", "down", "enter")
        await pilot.pause()
        assert app.screen.query_one("#reason", Input).value == "reason 2"
        await pilot.press("!", "enter")
        await pilot.pause()
        summaries.append(text_of(app, "#summary"))
        assert text_of(app, "#said") == "b done"
        await pilot.press("u")
        await pilot.pause()
        summaries.append(text_of(app, "#summary"))

    done = play(browser, script)

    assert done == ["b done", "b undone: taken back in the browser"]
    assert [each[:8] for each in summaries] == ["1 marked", "2 marked"]


def test_nothing_is_done_without_a_reason() -> None:
    """Escape leaves it, and an empty reason is none."""
    browser = Lists()

    async def script(app: Any, pilot: Any) -> None:
        await pilot.press("n")
        await pilot.pause()
        await pilot.press("tab", "down", "enter")
        await pilot.pause()
        app.screen.query_one("#reason", Input).value = "  "
        await pilot.press("enter", "escape")
        await pilot.pause()

    assert play(browser, script) == []
    assert browser.calls == []


def test_a_refusal_is_shown_and_nothing_ends() -> None:
    """The reader goes on."""
    said: list[str] = []

    async def script(app: Any, pilot: Any) -> None:
        await pilot.press("u")
        await pilot.pause()
        said.append(text_of(app, "#said"))
        await pilot.press("n")
        await pilot.pause()
        await pilot.press("tab", "down", "enter")
        await pilot.pause()
        app.screen.query_one("#reason", Input).value = "refuse"
        await pilot.press("enter")
        await pilot.pause()
        said.append(text_of(app, "#said"))

    assert play(Lists(), script) == []
    assert said == ["nothing to take back", "it is refused"]


def test_text_from_logs_is_harmless() -> None:
    """Neither markup nor control characters of a log steer the screen."""
    seen: list[str] = []

    async def script(app: Any, pilot: Any) -> None:
        await pilot.press("n")
        await pilot.pause()
        seen.extend((text_of(app, "#summary"), text_of(app, "#details")))
        seen.append(str(app.query_one("#tree").root.children[0].label))

    play(Lists(), script)

    assert not any(character in text for text in seen for character in "\x1b\x07")
    assert seen[2] == "small [bold]"


def test_a_long_list_is_shown_in_parts() -> None:
    """Enter on its last row shows the next part."""
    counts: list[int] = []

    async def script(app: Any, pilot: Any) -> None:
        large = app.query_one("#tree").root.children[1]
        large.expand()
        await pilot.pause()
        for _ in range(3):
            counts.append(len(large.children))
            app.query_one("#tree").move_cursor(large.children[-1])
            await pilot.press("enter")
            await pilot.pause()

    play(Lists(), script)

    assert counts == [ROWS_AT_A_TIME + 1, 2 * ROWS_AT_A_TIME + 1, MANY + 1]
