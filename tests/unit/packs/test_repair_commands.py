"""The commands of ``evidentia repair`` on conversations, a ledger and a store on the disk."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidentia.errors import (
    DuplicateIdError,
    EvidentiaError,
    RejectionError,
    SequenceError,
    UsageError,
)
from evidentia.event.envelope import Draft
from evidentia.packs.repair import PACK
from evidentia.packs.repair.desk import repairs
from evidentia.packs.repair.export import verify_export
from evidentia.packs.repair.replay import replay_repair_events

from .repair_folder import Desk, conversation

ROWS: list[dict[str, Any]] = [
    {"uuid": "m1", "parentUuid": None, "type": "user", "text": "fix the parser of dates"},
    {"uuid": "m2", "parentUuid": "m1", "type": "assistant", "text": "I fix the parser of dates"},
    {"uuid": "m3", "parentUuid": "gone", "type": "user", "text": "thanks, the parser works"},
    {"uuid": "m4", "parentUuid": "m3", "type": "assistant", "text": "good"},
    {"uuid": "m5", "parentUuid": None, "type": "user", "text": "one more thing"},
]


def rows() -> list[dict[str, Any]]:
    """Five messages, two of them without a parent."""
    return [
        {
            "uuid": each["uuid"],
            "parentUuid": each["parentUuid"],
            "sessionId": "s-1",
            "type": each["type"],
            "message": {"role": each["type"], "content": each["text"]},
            "timestamp": f"2026-01-01T10:0{number}:00Z",
        }
        for number, each in enumerate(ROWS)
    ]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A ledger that is mirrored, and no repairs yet."""
    return Desk(tmp_path)


@pytest.fixture
def talk(desk: Desk) -> str:
    """The conversation's file."""
    return desk.put("talk.jsonl", rows())


def test_scan_counts_every_line_once_and_names_what_is_wrong(desk: Desk, talk: str) -> None:
    """Orphans with their reason, a repeated uuid, a row without uuid, lines that are no objects."""
    with Path(talk).open("a") as file:
        file.write('{"type":"summary","leafUuid":"m2"}\n\n[1]\n{"uuid":"m1","sessionId":"s-1"}\n')

    found = desk.run("scan", file=talk)

    assert found["counts"] == {
        "message": 5,
        "repeated": 1,
        "standalone": 1,
        "refused": 1,
        "blank": 1,
    }
    assert sum(found["counts"].values()) == found["line_count"]
    assert [(each["message_id"], each["reason"]) for each in found["orphans"]] == [
        ("m3", "missing_parent"),
        ("m5", "null_parent"),
    ]
    assert [each["line_no"] for each in found["refused"]] == [8]
    assert [(each["message_id"], each["first_line_no"]) for each in found["repeated"]] == [
        ("m1", 1)
    ]
    assert found["standalone"] == {"summary": 1}
    assert found["is_finding"]


def test_scan_of_a_whole_conversation_finds_nothing(desk: Desk) -> None:
    """Status 0."""
    whole = desk.put("whole.jsonl", rows()[:2])

    assert not desk.run("scan", file=whole)["is_finding"]


def test_a_repair_is_applied_to_the_ledger_and_never_to_the_log(desk: Desk, talk: str) -> None:
    """The file keeps its bytes; the scan over repairs sees the message at its place."""
    before = Path(talk).read_bytes()

    done = desk.run("apply", file=talk, message="m3", parent="m2", reason="it answers that")

    assert Path(talk).read_bytes() == before
    assert done["changes"] == [
        {"session_id": "s-1", "message_id": "m3", "before": "gone", "after": "m2"}
    ]
    assert done["is_stored"]
    assert [each["message_id"] for each in desk.run("scan", file=talk)["orphans"]] == ["m3", "m5"]
    repaired = desk.run("scan", file=talk, is_repaired=True)
    assert [each["message_id"] for each in repaired["orphans"]] == ["m5"]


def test_the_best_candidate_is_recorded_with_its_score(desk: Desk, talk: str) -> None:
    """What ``suggest`` puts first is what ``apply --best`` takes."""
    first = desk.run("suggest", file=talk, orphan="m3", top=1)["suggestions"][0]["candidates"][0]

    event = desk.run("apply", file=talk, message="m3", is_best=True)["event"]

    assert (event["new_parent_uuid"], event["similarity_score"]) == (
        first["parent_uuid"],
        first["score"],
    )
    assert event["reason"].startswith("best candidate, score 0.")
    assert event["validation_passed"]


@pytest.mark.parametrize(
    ("message", "parent", "said"),
    [
        ("m3", "m4", "close the cycle m3 -> m4 -> m3"),
        ("m3", "m5", "is not earlier than m3"),
        ("m3", "m3", "cycle"),
        ("m3", "nowhere", "there is no message nowhere"),
    ],
)
def test_a_wrong_parent_is_refused_and_nothing_is_appended(
    desk: Desk, talk: str, message: str, parent: str, said: str
) -> None:
    """A parent exists, is earlier, and closes no cycle."""
    size = desk.segment.stat().st_size

    with pytest.raises(RejectionError, match=said):
        desk.run("apply", file=talk, message=message, parent=parent, reason="x")

    assert desk.segment.stat().st_size == size


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"message": "m3", "parent": "m2"}, "needs a reason"),
        ({"message": "m3", "parent": "m2", "reason": " "}, "reason is no text"),
        ({"message": "m3", "parent": "m2", "reason": "x", "operator": "me"}, "operator is 'me'"),
        ({"message": "m3", "reason": "x"}, "either a PARENT or --best"),
        ({"message": "m3", "parent": "m2", "is_best": True}, "either a PARENT or --best"),
        ({"message": "m1", "is_best": True}, "no earlier message can be the parent"),
        ({"message": "absent", "is_best": True}, "no conversation that was read has"),
        ({"message": "m2", "parent": "m1", "reason": "x"}, "is the parent of 'm2' already"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    desk: Desk, talk: str, given: dict[str, Any], said: str
) -> None:
    """Each with what is wrong; nothing is appended."""
    with pytest.raises(EvidentiaError, match=said):
        desk.run("apply", file=talk, **given)

    assert repairs(desk.desk()).events == ()


def test_a_dry_run_appends_nothing(desk: Desk, talk: str) -> None:
    """It checks and shows what the same command would do."""
    shown = desk.run("apply", file=talk, message="m3", parent="m2", reason="x", is_dry_run=True)

    assert shown["is_dry_run"]
    assert shown["changes"][0]["after"] == "m2"
    assert repairs(desk.desk()).events == ()


def test_taking_back_is_shown_first_and_orphans_get_none_again(desk: Desk, talk: str) -> None:
    """RR-01: an orphan's parent is null again and no empty text; --write has to be said."""
    event = desk.run("apply", file=talk, message="m5", parent="m4", reason="x")["event"]

    shown = desk.run("revert", event=event["event_id"], reason="wrong")
    done = desk.run("revert", event=event["event_id"], reason="wrong", is_dry_run=False)

    assert (shown["is_dry_run"], shown["sequence"], done["sequence"]) == (True, None, 2)
    assert shown["changes"] == done["changes"]
    assert done["changes"] == [
        {"session_id": "s-1", "message_id": "m5", "before": "m4", "after": None}
    ]
    assert [each["status"] for each in desk.run("history", name="m5")["events"]] == [
        "reverted",
        "active",
    ]


def test_taking_back_a_repair_lists_later_ones_that_rely_on_it(desk: Desk, talk: str) -> None:
    """RR-02: a: gone -> m1, b: m1 -> m2; taking a back leaves m2 and names b."""
    a = desk.run("apply", file=talk, message="m3", parent="m1", reason="a")["event"]["event_id"]
    b = desk.run("apply", file=talk, message="m3", parent="m2", reason="b")["event"]["event_id"]
    c = desk.run("apply", file=talk, message="m5", parent="m4", reason="c")["event"]["event_id"]

    shown = desk.run("revert", event=a, reason="wrong", file=talk)

    assert shown["changes"] == []
    assert [(each["event_id"], each["relation"]) for each in shown["dependents"]] == [
        (b, "builds_on"),
        (c, "hangs_below"),
    ]


def test_a_revert_can_be_taken_back(desk: Desk, talk: str) -> None:
    """The repair is in force again, and what was taken back cannot be taken back twice."""
    first = desk.run("apply", file=talk, message="m3", parent="m2", reason="x")["event"]
    back = desk.run("revert", event=first["event_id"], reason="no", is_dry_run=False)["event"]

    with pytest.raises(RejectionError, match="not in force"):
        desk.run("revert", event=first["event_id"], reason="again", is_dry_run=False)
    again = desk.run("revert", event=back["event_id"], reason="yes", is_dry_run=False)

    assert again["changes"][0]["after"] == "m2"
    assert [each["status"] for each in desk.run("history", name="s-1")["events"]] == [
        "active",
        "reverted",
        "active",
    ]


def test_an_unknown_event_cannot_be_taken_back(desk: Desk) -> None:
    """Wrong usage, with the way to the history."""
    with pytest.raises(UsageError, match="no repair event 'evt_x'"):
        desk.run("revert", event="evt_x", reason="no")


def test_history_finds_by_message_and_by_session(desk: Desk, talk: str) -> None:
    """RR-10: both lead to the event; another name to none."""
    desk.run("apply", file=talk, message="m3", parent="m2", reason="x", operator="agent:mender")

    found = {name: desk.run("history", name=name)["events"] for name in ("m3", "s-1", "m2")}

    assert [len(each) for each in found.values()] == [1, 1, 0]
    assert found["m3"][0]["operator"] == "agent:mender"
    assert found["m3"][0]["digest"] == "digest: covers every field"


def test_stats_and_history_and_export_agree(desk: Desk, talk: str) -> None:
    """RR-03: one replay gives all numbers."""
    a = desk.run("apply", file=talk, message="m3", parent="m2", reason="a")["event"]["event_id"]
    desk.run("apply", file=talk, message="m5", parent="m4", reason="b", operator="agent:x")
    desk.run("revert", event=a, reason="c", is_dry_run=False)

    stats = {each["operator"]: each for each in desk.run("stats")["operators"]}
    metadata = desk.run("export", session="s-1", out=str(desk.folder / "e.json"))["metadata"]
    listed = desk.run("history", name="s-1")["events"]

    active = [each for each in listed if each["status"] == "active" and not each["is_reverted"]]
    assert sum(each["active"] for each in stats.values()) == metadata["active_events"] == 1
    assert len(active) == 1
    assert sum(each["reverted"] for each in stats.values()) == metadata["reverted_events"] == 1
    assert stats["agent:x"]["repairs"] == 1


def test_as_of_an_event_or_a_time_is_a_prefix(desk: Desk, talk: str) -> None:
    """The state between two events is asked for by either."""
    a = desk.run("apply", file=talk, message="m3", parent="m1", reason="a")["event"]
    between = desk.desk().now_us()
    desk.run("apply", file=talk, message="m3", parent="m2", reason="b")

    by_event = desk.run("as-of", moment=a["event_id"])
    by_time = desk.run("as-of", moment=str(between))
    now = desk.run("as-of", moment="now", file=talk)
    before = desk.run("as-of", moment="2020-01-01")

    assert by_event["sessions"] == by_time["sessions"]
    assert by_event["sessions"][0]["message_parents"] == {"m3": "m1"}
    assert now["sessions"][0]["message_parents"] == {
        "m1": None,
        "m2": "m1",
        "m3": "m2",
        "m4": "m3",
        "m5": None,
    }
    assert before["sessions"] == []


@pytest.mark.parametrize("moment", ["evt_unknown", "tomorrow", ""])
def test_a_moment_that_is_none_is_wrong_usage(desk: Desk, moment: str) -> None:
    """Neither an event nor a time."""
    with pytest.raises(UsageError, match="neither a repair event"):
        desk.run("as-of", moment=moment)


def test_render_changes_only_the_parent_and_only_in_the_copy(desk: Desk, talk: str) -> None:
    """Odd spacing, key order and escapes of the original stay; its last line has no newline."""
    original = Path(talk).read_bytes().replace(b'"parentUuid": "gone"', b'"parentUuid" :\t"gone"')
    Path(talk).write_bytes(original.rstrip(b"\n"))
    desk.run("apply", file=talk, message="m3", parent="m2", reason="x")

    done = desk.run("render", file=talk, out=str(desk.folder / "copy.jsonl"))

    assert Path(talk).read_bytes() == original.rstrip(b"\n")
    assert (desk.folder / "copy.jsonl").read_bytes() == original.rstrip(b"\n").replace(
        b'"parentUuid" :\t"gone"', b'"parentUuid" :\t"m2"'
    )
    assert (done["lines"], done["changed_lines"]) == (5, 1)


def test_render_never_writes_over_anything(desk: Desk, talk: str) -> None:
    """CL-09: least of all the conversation."""
    before = Path(talk).read_bytes()

    with pytest.raises(UsageError, match="exists and is not overwritten"):
        desk.run("render", file=talk, out=talk)

    assert Path(talk).read_bytes() == before


def test_render_is_of_one_whole_file(desk: Desk, talk: str) -> None:
    """Two files would become one conversation."""
    desk.put("talk2.jsonl", rows())

    with pytest.raises(UsageError, match="2 files are to be rendered into one"):
        desk.run("render", file=f"{desk.folder}/talk*.jsonl", out=str(desk.folder / "c"))

    assert Path(talk).exists()


def test_a_copy_that_a_program_repaired_is_compared_with_the_ledger(desk: Desk, talk: str) -> None:
    """Parallel write and dual read: the same repair in both agrees, another one is named."""
    desk.run("apply", file=talk, message="m3", parent="m2", reason="x")
    same = desk.put(
        "same.jsonl",
        [{**rows()[2], "parentUuid": "m2"} if n == 2 else each for n, each in enumerate(rows())],
    )
    shorter = desk.put("shorter.jsonl", rows()[:3])
    stranger = desk.put("stranger.jsonl", [{**each, "sessionId": "s-2"} for each in rows()[:1]])

    agreed = desk.run("compare", original=talk, other=same)
    differing = desk.run("compare", original=talk, other=shorter)
    foreign = desk.run("compare", original=shorter, other=stranger)

    assert (agreed["messages"], agreed["differences"], agreed["is_finding"]) == (5, [], False)
    assert [
        (each["message_id"], each["from_ledger"], each["in_copy"], each["is_in_copy"])
        for each in differing["differences"]
    ] == [("m3", "m2", "gone", True), ("m4", "m3", None, False), ("m5", None, None, False)]
    assert differing["is_finding"]
    assert [each["is_in_original"] for each in foreign["differences"]] == [True, True, True, False]


def test_one_session_in_two_files_is_not_guessed(desk: Desk, talk: str) -> None:
    """Which of them is meant has to be said."""
    desk.put("talk2.jsonl", rows())
    both = f"{desk.folder}/talk*.jsonl"

    for name, asked in (
        ("as-of", {"moment": "now", "file": both}),
        ("compare", {"original": talk, "other": both}),
    ):
        with pytest.raises(UsageError, match="two files have the session 's-1'"):
            desk.run(name, **asked)
    for name, asked in (
        ("apply", {"file": both, "message": "m3", "is_best": True}),
        ("suggest", {"file": both, "orphan": "m3"}),
    ):
        with pytest.raises(UsageError, match="several conversations have the message 'm3'"):
            desk.run(name, **asked)
    assert len(desk.run("scan", file=both)["orphans"]) == 4


def test_an_export_verifies_and_a_changed_one_does_not(desk: Desk, talk: str) -> None:
    """Digests and numbers are computed anew."""
    desk.run("apply", file=talk, message="m3", parent="m2", reason="x")
    path = desk.folder / "e.json"

    done = desk.run("export", session="s-1", out=str(path))

    document = json.loads(path.read_text())
    assert (done["event_count"], verify_export(document).is_valid) == (1, True)
    assert document["metadata"]["operators"] == {done["metadata"]["operators"].popitem()[0]: 1}
    document["events"][0]["reason"] = "y"
    assert not verify_export(document).is_valid


def test_an_archive_is_a_verified_copy_and_removes_nothing(desk: Desk, talk: str) -> None:
    """What is younger stays out; a file that is there is not written over."""
    desk.run("apply", file=talk, message="m3", parent="m2", reason="x")
    out = str(desk.folder / "archive.json")

    younger = desk.run("archive", older_than="90d", out=out)
    assert (younger["path"], Path(out).exists()) == (None, False)
    done = desk.run("archive", older_than="0s", out=out)

    assert (done["sessions"], done["events"], done["removed_events"]) == (1, 1, 0)
    assert verify_export(json.loads(Path(out).read_text())["sessions"][0]).is_valid
    assert len(repairs(desk.desk()).events) == 1
    with pytest.raises(UsageError, match="exists"):
        desk.run("archive", older_than="0s", out=out)


def test_a_decision_that_another_process_overtook_is_made_anew(
    desk: Desk, talk: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading and appending somebody else gave the message this parent."""
    from evidentia.app.pack_workspace import PackWorkspace  # noqa: PLC0415 - to be wrapped

    append: Callable[..., Any] = PackWorkspace.append
    others = [0]

    def overtaken(self: PackWorkspace, drafts: Any, **more: Any) -> Any:
        if not others[0]:
            others[0] += 1
            other = Draft(event_type="other.v1", payload={}, id="x")
            append(self, [other], reason="meanwhile")
        return append(self, drafts, **more)

    monkeypatch.setattr(PackWorkspace, "append", overtaken)

    done = desk.run("apply", file=talk, message="m3", parent="m2", reason="x")

    assert done["sequence"] == 2


@pytest.mark.parametrize("refusal", [SequenceError("size"), DuplicateIdError("id")])
def test_a_decision_is_not_made_anew_for_ever(
    desk: Desk, talk: str, monkeypatch: pytest.MonkeyPatch, refusal: RejectionError
) -> None:
    """After a few tries the error is told."""
    from evidentia.app.pack_workspace import PackWorkspace  # noqa: PLC0415 - to be replaced

    tries = [0]

    def refused(*_arguments: Any, **_more: Any) -> None:
        tries[0] += 1
        raise refusal

    monkeypatch.setattr(PackWorkspace, "append", refused)

    with pytest.raises(type(refusal)):
        desk.run("apply", file=talk, message="m3", parent="m2", reason="x")

    assert tries == [5]


def test_an_unreadable_repair_stops_decisions_and_is_named(desk: Desk, talk: str) -> None:
    """RR-12: an event that cannot be read is no reason to guess."""
    desk.run("apply", file=talk, message="m3", parent="m2", reason="x")
    broken = Draft(
        event_type="repair.event.v1", payload={"event_id": "evt_1"}, id="evt_1", session_id="s-1"
    )
    desk.desk().append([broken], reason="by hand")

    with pytest.raises(EvidentiaError, match="event 2 of the ledger is no readable repair"):
        desk.run("apply", file=talk, message="m5", parent="m4", reason="x")
    history, checked = desk.run("history", name="s-1"), desk.run("check")

    assert [each["sequence"] for each in history["problems"]] == [2]
    assert [(each["sequence"], each["kind"]) for each in checked["findings"]] == [(2, "unreadable")]
    assert checked["is_finding"]


def test_an_unreadable_repair_of_another_session_stops_nobody(desk: Desk, talk: str) -> None:
    """A decision rests on the events of its own session, and on those that name none."""
    for number, session in enumerate(("s-2", None)):
        broken = Draft(
            event_type="repair.event.v1",
            payload={},
            id=f"evt_{number}",
            session_id=session,
        )
        if session is None:
            assert desk.run("apply", file=talk, message="m3", parent="m2", reason="x")["sequence"]
        desk.desk().append([broken], reason="by hand")

    with pytest.raises(EvidentiaError, match="event 3 of the ledger is no readable repair"):
        desk.run("apply", file=talk, message="m5", parent="m4", reason="x")


def test_check_of_a_ledger_that_holds_finds_nothing(desk: Desk, talk: str) -> None:
    """Each event's digest covers every field, and the chain every byte."""
    desk.run("apply", file=talk, message="m3", parent="m2", reason="x")

    found = desk.run("check")

    assert (found["findings"], found["is_finding"]) == ([], False)
    assert found["digests"] == {"digest: covers every field": 1}
    assert found["sessions"][0]["events"] == 1


def test_a_digest_that_does_not_match_stops_the_session(desk: Desk, talk: str) -> None:
    """RR-12: of an event with a digest over something else, nothing from it on counts."""
    event = desk.run("apply", file=talk, message="m3", parent="m1", reason="x")["event"]
    forged = {**event, "event_id": "evt_forged", "new_parent_uuid": "m2"}
    draft = Draft(event_type="repair.event.v1", payload=forged, id="evt_forged", session_id="s-1")
    desk.desk().append([draft], reason="by hand")

    with pytest.raises(RejectionError, match="hold only up to evt_forged"):
        desk.run("apply", file=talk, message="m5", parent="m4", reason="x")

    assert [each["kind"] for each in desk.run("check")["findings"]] == ["bad_digest"]
    assert [each["status"] for each in desk.run("history", name="s-1")["events"]] == [
        "active",
        "bad_digest",
    ]
    assert desk.run("as-of", moment="now")["sessions"][0]["message_parents"] == {"m3": "m1"}


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=8,
)
@given(seed=st.integers(0, 10**6))
def test_any_story_of_repairs_is_told_alike_everywhere(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """RR-03, RR-07: as-of at every step is the replay of that prefix; the rendered copy agrees."""
    desk = Desk(tmp_path_factory.mktemp("story"))
    talk = desk.put("talk.jsonl", conversation(seed))
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    tell(desk, talk, chance)

    events = repairs(desk.desk()).events
    originals = {row["uuid"]: row["parentUuid"] for row in conversation(seed)}
    for count in range(1, len(events) + 1):
        found = desk.run("as-of", moment=events[count - 1].event_id, file=talk)["sessions"][0]
        replay = replay_repair_events(events[:count], originals)
        assert found["message_parents"] == {**originals, **replay.message_parents}
        assert found["active_events"] == replay.active_events
    desk.run("render", file=talk, out=str(desk.folder / "copy.jsonl"))
    assert {
        row["uuid"]: row["parentUuid"]
        for row in map(json.loads, (desk.folder / "copy.jsonl").read_text().splitlines())
    } == {**originals, **replay_repair_events(events, originals).message_parents}
    assert not desk.run("check")["is_finding"]


def tell(desk: Desk, talk: str, chance: random.Random, steps: int = 10) -> None:
    """Some repairs, reverts and reverts of reverts; what is refused is passed over."""
    for _ in range(steps):
        orphans = desk.run("scan", file=talk, is_repaired=True)["orphans"]
        events = [each.event_id for each in repairs(desk.desk()).events]
        try:
            if orphans and (not events or chance.random() < 0.5):
                message = chance.choice(orphans)["message_id"]
                desk.run("apply", file=talk, message=message, is_best=True)
            elif events:
                desk.run(
                    "revert",
                    event=chance.choice(events),
                    reason="x",
                    file=talk,
                    is_dry_run=False,
                )
        except RejectionError:
            continue


def test_the_commands_keep_the_contract() -> None:
    """Names, help, examples and parameters; checked with the rest of the pack."""
    from evidentia.pack.conformance import check_pack  # noqa: PLC0415 - only here

    assert check_pack(PACK) == ()
