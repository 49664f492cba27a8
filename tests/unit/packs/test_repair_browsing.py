"""What the browser of conversations shows and does, without a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evidentia.errors import UsageError
from evidentia.pack.browsing import BrowseNode, Browser
from evidentia.packs.repair.browsing import ConversationBrowser
from evidentia.packs.repair.desk import repairs

from .repair_folder import Desk


def row(uuid: str, parent: str | None, second: int, **more: Any) -> dict[str, Any]:
    """A message."""
    return {
        "uuid": uuid,
        "parentUuid": parent,
        "sessionId": "s",
        "type": "user",
        "message": {"role": "user", "content": f"text of {uuid}"},
        "timestamp": f"2026-01-01T10:00:{second:02d}Z",
        **more,
    }


ROWS = [
    row("a", None, 1),
    row("b", "a", 2),
    row("c", "b", 3),
    row("d", "b", 4),
    row("e", "d", 5),
    row("f", "gone", 6),
    row("g", "f", 7),
    row("x", "y", 8),
    row("y", "x", 9),
]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A ledger beside the store."""
    return Desk(tmp_path, is_mirrored=False)


@pytest.fixture
def browser(desk: Desk) -> Browser:
    """A chain that forks, an orphan, a cycle."""
    return ConversationBrowser(desk.desk("browse"), desk.put("talk.jsonl", ROWS))


def outline(browser: Browser, node: str | None = None, depth: int = 0) -> Iterator[str]:
    """Every row, indented."""
    for each in browser.children(node):
        yield f"{'  ' * depth}{each.label}"
        if each.has_children:
            yield from outline(browser, each.id, depth + 1)


def first_marked(browser: Browser) -> str:
    """The id of the first marked row."""
    return browser.marked()[0][-1]


def test_chains_are_flat_and_forks_begin_lists_of_their_own(browser: Browser) -> None:
    """A conversation of thousands of messages is no staircase; a cycle is shown once round."""
    assert list(outline(browser)) == [
        "s: 9 messages, 1 without a parent",
        "  thread from 1 user: text of a",
        "    1 user: text of a",
        "    2 user: text of b",
        "      branch from 3 user: text of c",
        "        3 user: text of c",
        "      branch from 4 user: text of d",
        "        4 user: text of d",
        "        5 user: text of e",
        "  ORPHAN (missing_parent) thread from 6 user: text of f",
        "    6 user: text of f",
        "    7 user: text of g",
        "  cycle from 8 user: text of x",
        "    8 user: text of x",
        "    9 user: text of y",
    ]
    assert browser.summary() == "9 messages, 1 without a parent, cycles: 1"


def test_orphans_are_marked_and_have_candidates(browser: Browser) -> None:
    """The way leads from the session to the thread; nothing else has a mark."""
    assert len(browser.marked()) == 1
    orphan = first_marked(browser)

    assert browser.details(orphan)[1] == "parent: gone (missing_parent)"
    assert browser.choices(orphan)[0].id == "e"
    session = browser.children(None)[0]
    assert list(browser.choices(session.id)) == []
    assert browser.details(session.id)[0].endswith("talk.jsonl")


def test_a_choice_is_appended_with_its_score_and_taken_back(browser: Browser, desk: Desk) -> None:
    """Undo appends as well; the last of this browser's repairs first."""
    orphan = first_marked(browser)
    best = browser.choices(orphan)[0]

    said = browser.apply(orphan, best.id, best.reason)
    after = (browser.summary(), list(browser.marked()))
    undone = browser.undo("wrong after all")

    events = repairs(desk.desk()).events
    assert said == "f hangs on e now: event 1 of the ledger"
    assert after == ("9 messages, 0 without a parent, cycles: 1", [])
    assert undone.startswith("took back evt_")
    assert [each.is_reverted for each in events] == [False, True]
    assert f"score {events[0].similarity_score:.3f}" in events[0].reason
    assert browser.marked()
    with pytest.raises(UsageError, match="nothing was repaired here"):
        browser.undo("again")


def test_the_last_candidate_is_recorded_with_its_score_as_well(desk: Desk) -> None:
    """Whichever the reader takes."""
    rows = [row(f"m{n}", None if n == 0 else f"m{n - 1}", n) for n in range(12)]
    talk = desk.put("talk.jsonl", [*rows, row("lost", "gone", 30)])
    browser = ConversationBrowser(desk.desk("browse"), talk)
    orphan = first_marked(browser)
    last = browser.choices(orphan)[-1]

    browser.apply(orphan, last.id, last.reason)

    assert repairs(desk.desk()).events[0].similarity_score > 0


def test_a_long_chain_is_no_deep_tree(desk: Desk) -> None:
    """Nothing is recursive: 20,000 messages in one chain are 20,000 rows of one list."""
    count = 20_000
    rows = [row(f"m{n}", f"m{n - 1}" if n else None, 0, timestamp=None) for n in range(count)]

    browser = ConversationBrowser(desk.desk("browse"), desk.put("long.jsonl", rows))

    thread = browser.children(browser.children(None)[0].id)[0]
    assert isinstance(thread, BrowseNode)
    assert len(browser.children(thread.id)) == count
