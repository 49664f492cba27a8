"""Repair events: what they must say, what their digest covers, and the forms they are read from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.packs.repairs import NOON, repair, revert

from evidentia.errors import RejectionError
from evidentia.event.canonical import canonical_bytes
from evidentia.event.envelope import Place, content_of, draft_from, seal
from evidentia.event.values import JsonObject
from evidentia.packs.repair import (
    ImmutableEventError,
    RepairEvent,
    create_revert_event,
    delete_event,
    draft_of,
    generate_event_id,
    read_repair_event,
    standing_of,
    update_event,
)
from evidentia.packs.repair.digest import ABSENT_DIGEST, EVENT_DOMAIN, DigestStanding, digest_of
from evidentia.packs.repair.repair_event import FIELDS

TEXT = st.text(
    st.characters(categories=("L", "N", "P", "S"), exclude_characters="\u00ad"),
    min_size=1,
    max_size=9,
).filter(str.isprintable)


@st.composite
def events(draw: st.DrawFn) -> RepairEvent:
    """Any repair or revert."""
    more: dict[str, object] = {"reason": draw(TEXT), "similarity_score": draw(st.floats(0, 1))}
    more |= {"validation_passed": draw(st.booleans()), "session_id": draw(TEXT)}
    if draw(st.booleans()):
        return revert(draw(TEXT), draw(TEXT), draw(TEXT), **more)
    return repair(draw(TEXT), draw(TEXT), draw(TEXT), draw(st.none() | TEXT), **more)


def upstream_digest(event: RepairEvent, timestamp: str) -> str:
    """The older digest, written from its description."""
    old = "null" if event.old_parent_uuid is None else event.old_parent_uuid
    parts = (event.event_id, event.session_id, timestamp, event.message_id, old)
    return hashlib.sha256("".join((*parts, str(event.new_parent_uuid))).encode()).hexdigest()


@given(events())
def test_the_digest_is_over_the_canonical_bytes_of_all_fields(event: RepairEvent) -> None:
    """IT-12: anybody with a JSON canonicaliser and SHA-256 comes to the same digest."""
    wanted = hashlib.sha256(EVENT_DOMAIN + canonical_bytes(event.fields())).hexdigest()

    assert event.event_digest == wanted
    assert set(event.fields()) == set(FIELDS)
    assert standing_of(event) is DigestStanding.VALID


@given(events(), events())
def test_two_different_events_have_different_digests(one: RepairEvent, two: RepairEvent) -> None:
    """IT-13: equal digests only for equal fields."""
    assert (one.event_digest == two.event_digest) == (one.fields() == two.fields())


def test_fields_cannot_run_into_each_other() -> None:
    """IT-13: ("ab","s") is not ("a","bs"), and None is not the text null."""
    pairs = [
        (repair("ab", "m", "p", session_id="s"), repair("a", "m", "p", session_id="bs")),
        (repair("a", "m", "p", None), repair("a", "m", "p", "null")),
    ]

    for one, two in pairs:
        assert one.event_digest != two.event_digest
        assert upstream_digest(one, NOON) == upstream_digest(two, NOON)


@pytest.mark.parametrize("name", FIELDS)
def test_a_change_of_any_single_field_is_found(name: str) -> None:
    """IT-12: each of the twelve fields is covered."""
    changed: dict[str, object] = {
        "timestamp": "2026-01-01T12:00:01Z",
        "operator": "system:auto",
        "similarity_score": 0.26,
        "validation_passed": False,
    }
    event = repair("a", "m", "p", "o")
    flags = {"is_reverted": True, "reverts_event_id": "b"}
    change = flags if name in flags else {name: changed.get(name, "x")}

    assert standing_of(replace(event, **change)) is DigestStanding.INVALID  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("event_id", ""), ("event_id", 7), ("session_id", "a\nb"), ("message_id", "m" * 257)),
        *(("new_parent_uuid", None), ("new_parent_uuid", ""), ("old_parent_uuid", "")),
        *(("operator", "robin"), ("operator", "user:"), ("operator", "root:x"), ("operator", None)),
        *(("reason", " "), ("reason", "r" * 4001), ("reason", None), ("reason", "\ud800")),
        *(("similarity_score", 1.01), ("similarity_score", -0.1), ("similarity_score", True)),
        *(("similarity_score", float("nan")), ("similarity_score", "0.5")),
        *(("timestamp", "soon"), ("timestamp", ""), ("timestamp", 7)),
        *(("validation_passed", 1), ("is_reverted", True), ("reverts_event_id", "b")),
        ("event_digest", 7),
    ],
)
def test_a_field_that_is_not_what_it_must_be_is_refused(name: str, value: object) -> None:
    """Operator and reason are required, scores lie between 0 and 1, a repair has a parent."""
    with pytest.raises(RejectionError):
        replace(repair("a", "m", "p"), **{name: value})  # type: ignore[arg-type]


def test_an_event_cannot_be_changed_in_place() -> None:
    """CT-03, IT-15: the value is frozen, and the functions to change or remove it raise."""
    with pytest.raises(FrozenInstanceError):
        repair("a", "m", "p").reason = "other"  # type: ignore[misc]
    for refuse in (update_event, delete_event):
        with pytest.raises(ImmutableEventError, match="revert event"):
            refuse("a")


def test_an_id_tells_its_time() -> None:
    """Time and random digits are handed in, so the same ones give the same id."""
    assert generate_event_id(1_767_268_800_999_999, "abcdef01") == "evt_20260101_120000_abcdef"
    with pytest.raises(RejectionError):
        generate_event_id(0, "abc")


def test_a_revert_names_its_target_and_turns_the_parents() -> None:
    """RR-01: the message that had no parent has none again."""
    event = repair("a", "m", "p", None)

    back = create_revert_event(event, "agent:x", "wrong", event_id="r", timestamp=NOON)

    assert (back.reverts_event_id, back.message_id, back.is_reverted) == ("a", "m", True)
    assert (back.old_parent_uuid, back.new_parent_uuid) == ("p", None)


@given(events(), st.booleans())
def test_an_event_goes_through_a_ledger(event: RepairEvent, is_told: bool) -> None:  # noqa: FBT001 - drawn
    """The line that a ledger writes reads back to the event, with when it was persisted."""
    draft = draft_of(event)
    if is_told:
        draft = draft_from({"event_type": draft.event_type, "payload": draft.payload})
    recorded = "2026-01-02T00:00:00.000000Z"
    _, line = seal(
        content_of(draft),
        event.event_id,
        Place(sequence=0, recorded_at=recorded, prev_event_hash=None),
    )

    found = read_repair_event(json.loads(line), position=7)

    assert found == replace(event, created_at=recorded, position=7)
    assert standing_of(found) is DigestStanding.VALID


@pytest.mark.parametrize(
    ("timestamp", "written"),
    [
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00+00:00"),
        ("2026-01-01T12:00:00.500000Z", "2026-01-01T12:00:00.500000+00:00"),
        ("2026-01-01T12:00:00", "2026-01-01T12:00:00"),
    ],
)
def test_the_older_digest_is_recognised(timestamp: str, written: str) -> None:
    """It covers six fields, and is said to: a change of another field passes."""
    event = repair("a", "m", "p", timestamp=timestamp)
    row = {**event.to_dict(), "event_digest": upstream_digest(event, written)}

    edited = read_repair_event({**row, "reason": "another", "id": "repairs_events:1"})

    assert standing_of(edited) is DigestStanding.UPSTREAM
    assert standing_of(edited).value == "upstream digest: covers 6 fields"
    assert standing_of(read_repair_event({**row, "new_parent_uuid": "q"})) is DigestStanding.INVALID


def test_the_shortest_form_has_no_digest() -> None:
    """Nine fields at most: what is left out has its default, and the digest is absent."""
    left_out = {"similarity_score", "is_reverted", "reverts_event_id", "validation_passed"}
    fields = repair("a", "m", "p").fields()
    row: JsonObject = {name: value for name, value in fields.items() if name not in left_out}

    event = read_repair_event({**row, "created_at": "2026-01-02T00:00:00Z"})

    assert (event.event_digest, standing_of(event)) == (ABSENT_DIGEST, DigestStanding.ABSENT)
    assert (event.similarity_score, event.validation_passed, event.is_reverted) == (0, True, False)
    assert event.created_at == "2026-01-02T00:00:00Z"


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"event_type": "repair.event.v1", "payload": 7},
        {"event_type": "repair.event.v1", "payload": {}},
        {"event_type": "other", "payload": repair("a", "m", "p").to_dict()},
        {**repair("a", "m", "p").to_dict(), "note": "a stranger"},
        {
            "event_type": "repair.event.v1",
            "id": "another",
            "payload": repair("a", "m", "p").to_dict(),
        },
        {
            "event_type": "repair.event.v1",
            "session_id": "another",
            "payload": repair("a", "m", "p").to_dict(),
        },
        {
            "event_type": "repair.event.v1",
            "payload": {**repair("a", "m", "p").to_dict(), "event_digest": "0", "more": 1},
        },
    ],
)
def test_a_row_that_is_no_repair_event_is_refused(row: JsonObject) -> None:
    """IT-10: a member that no digest covers makes a row unreadable, and so does an odd envelope."""
    with pytest.raises(RejectionError):
        read_repair_event(row)


def test_a_digest_of_what_is_no_json_is_refused() -> None:
    """Half of a surrogate pair has no canonical bytes."""
    with pytest.raises(RejectionError):
        digest_of({**repair("a", "m", "p").fields(), "reason": "\ud800"})
