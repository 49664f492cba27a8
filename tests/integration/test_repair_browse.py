"""The browser of conversations on its screen: an orphan is found, repaired and taken back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.unit.packs.repair_folder import Desk, conversation

pytest.importorskip("textual", reason="needs Textual, which the extra 'browse' brings")

from evidentia.cli.browse_screen import BrowseApp
from evidentia.packs.repair.browsing import ConversationBrowser
from evidentia.packs.repair.desk import repairs


def test_keys_repair_an_orphan_and_take_it_back(tmp_path: Path) -> None:
    """Next, candidates, the best, its reason, undo: two events; the file keeps its bytes."""
    desk = Desk(tmp_path)
    talk = desk.put("talk.jsonl", conversation(1))
    before = Path(talk).read_bytes()
    orphans = desk.run("scan", file=talk)["orphans"]

    async def session() -> Any:
        app = BrowseApp(ConversationBrowser(desk.desk("browse"), talk), talk)
        async with app.run_test(size=(80, 24)) as pilot:
            for keys in (("n",), ("tab", "enter"), ("enter",), ("u",), ("q",)):
                await pilot.press(*keys)
                await pilot.pause()
        return app.return_value

    done = asyncio.run(session())

    events = repairs(desk.desk()).events
    assert [each.is_reverted for each in events] == [False, True]
    assert events[0].message_id == orphans[0]["message_id"]
    assert events[0].similarity_score > 0
    assert len(done) == 2
    assert Path(talk).read_bytes() == before
    after = desk.run("scan", file=talk, is_repaired=True)["orphans"]
    assert [each["message_id"] for each in after] == [each["message_id"] for each in orphans]
