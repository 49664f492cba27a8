"""Whether the page on the JSON of ``evidentia repair`` names every key, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from tests.unit.packs.repair_folder import COMMANDS, Desk, conversation

from evidentia.event.envelope import Draft

from .pages import codes, marked_tables, pages
from .test_reference import key_paths

PAGE: Final = "docs/reference/json-repair.md"
DATA_KEYS: Final = {
    "scan": {"standalone": "<kind>"},
    "as-of": {"sessions[].message_parents": "<message>"},
    "check": {"digests": "<standing>"},
    "export": {"metadata.operators": "<operator>"},
}
"""Where the keys of an object are data; all such keys count as one."""
DOCUMENTED: Final = marked_tables(pages()[PAGE], "keys")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What each command gives, in situations that bring out every key."""
    desk = Desk(tmp_path_factory.mktemp("repair"))
    rows = conversation(1)
    rows[4]["parentUuid"], rows[5]["parentUuid"] = rows[5]["uuid"], rows[4]["uuid"]
    talk = desk.put("talk.jsonl", [*rows, rows[0]])
    with Path(talk).open("a") as file:
        file.write('{"type":"summary"}\n[]\n')
    orphans = [each["message_id"] for each in desk.run("scan", file=talk)["orphans"]]
    first = desk.run("apply", file=talk, message=orphans[0], is_best=True)
    parent = rows[0]["uuid"]
    desk.run("apply", file=talk, message=orphans[0], parent=parent, reason="a")
    found = {
        "scan": [desk.run("scan", file=talk)],
        "suggest": [desk.run("suggest", file=talk)],
        # Of one shape: what a revert relies on is empty for a repair.
        "apply": [first, desk.run("revert", event=first["event"]["event_id"], reason="b")],
        "stats": [desk.run("stats")],
        "render": [desk.run("render", file=talk, out=str(desk.folder / "r"))],
        "compare": [desk.run("compare", original=talk, other=str(desk.folder / "r"))],
        "archive": [
            desk.run("archive", older_than="0s", out=str(desk.folder / "a")),
            desk.run("archive", older_than="9d", out=str(desk.folder / "a2")),
        ],
        "export": [desk.run("export", session="s-1", out=str(desk.folder / "e"))],
        "rebuild-stale": [desk.run("rebuild-stale")],
        "validate": [desk.run("validate")],
    }
    found["compare"].append(desk.run("compare", original=talk, other=str(talk)))
    with desk.workspace.writer("other"):
        desk.run("apply", file=talk, message=orphans[1], is_best=True)
    found["rebuild-stale"].append(desk.run("rebuild-stale"))
    desk.desk().append(
        [Draft(event_type="repair.event.v1", payload={}, id="evt_x", session_id="s-1")],
        reason="by hand",
    )
    found["history"] = [desk.run("history", name="s-1")]
    found["stats"].append(desk.run("stats"))
    found["as-of"] = [desk.run("as-of", moment="now")]
    found["check"] = [desk.run("check")]
    for each in found.values():
        for document in each:
            # That is the exit status, and no key.
            del document["is_finding"]
    return found


def test_every_command_is_on_the_page(outputs: dict[str, list[dict[str, Any]]]) -> None:
    """None is left out, here or there."""
    assert set(outputs) == set(DOCUMENTED)
    assert set(COMMANDS) - set(DOCUMENTED) == {"revert"}


@pytest.mark.parametrize("command", sorted(DOCUMENTED))
def test_keys_are_those_of_the_page(command: str, outputs: dict[str, list[dict[str, Any]]]) -> None:
    """Each key on the page is given, and each that is given is on the page."""
    documented = {codes(row[0])[0] for row in DOCUMENTED[command]}

    given = {
        key for each in outputs[command] for key in key_paths(each, DATA_KEYS.get(command, {}))
    }

    assert json.dumps(sorted(given)) == json.dumps(sorted(documented))
