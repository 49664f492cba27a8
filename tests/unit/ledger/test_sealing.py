"""From what a caller hands in to the lines of one batch."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from evidentia.errors import DuplicateIdError, LedgerBrokenError, RejectionError
from evidentia.event.envelope import RESERVED, Content, Draft
from evidentia.ledger.reading import LedgerFiles, LedgerView, scan
from evidentia.ledger.sealing import (
    Draught,
    Request,
    Sealer,
    answer_to,
    failure_for_waiting,
    request_of,
    request_or_refusal,
)
from evidentia.ledger.statements import Signing
from evidentia.ledger.verifying import VerifyRules, verify_ledger
from evidentia.proof.policy import BreakGlass, ReasonCode

from . import kit


@pytest.fixture
def view(tmp_path: Path) -> LedgerView:
    """A ledger with two events of a caller's."""
    folder = tmp_path / "ledger"
    kit.filled(folder, (1, 2))
    files = LedgerFiles(folder)
    return LedgerView(files, scan(files.files[0], files.before(0)).index)


def request(*drafts: Draft, expected_size: int | None = None) -> Request:
    """A request under a policy that lets it pass."""
    return request_of(drafts, kit.ALLOW, expected_size)


def test_a_request_stands_behind_the_one_before(view: LedgerView) -> None:
    """As if it had been written already, so that both go into one write."""
    sealer, draught = Sealer(kit.options(), Signing.NONE), Draught(size=3, event_hash="h")
    first, second = request(kit.draft(5)), request(kit.draft(6), kit.draft(7, None))

    sealer.prepare(first, view, draught)
    sealer.prepare(second, view, draught)

    events = [json.loads(line.line) for each in (first, second) for line in each.lines]
    assert [each["sequence"] for each in events] == [3, 4, 5]
    links = [each["prev_event_hash"] for each in events]
    assert links == ["h", *(each["event_hash"] for each in events[:2])]
    assert (draught.size, draught.event_hash) == (6, events[-1]["event_hash"])


def test_a_repeat_is_known_from_the_ledger_and_from_the_draught(view: LedgerView) -> None:
    """With the place and hash of the first; only what is new becomes a line."""
    sealer, draught = Sealer(kit.options(), Signing.NONE), Draught(size=3, event_hash="h")
    first = request(kit.draft(5))
    sealer.prepare(first, view, draught)
    second = request(kit.draft(5), kit.draft(1), kit.draft(6))

    sealer.prepare(second, view, draught)

    assert [(each.sequence, each.is_repeat) for each in second.acknowledgements] == [
        (3, True),
        (1, True),
        (4, False),
    ]
    assert len(second.lines) == 1


def test_a_refused_request_leaves_the_draught_as_it_was(view: LedgerView) -> None:
    """Whoever comes after it stands where it would have stood."""
    sealer = Sealer(kit.options(line_bytes_max=600), Signing.NONE)
    refused = [
        request(kit.draft(5), kit.draft(1, payload="other")),
        request(kit.draft(5), kit.draft(6, payload="x" * 600)),
        request(kit.draft(5), expected_size=9),
    ]

    for each in refused:
        draught = Draught(size=3, event_hash="h")
        with pytest.raises(RejectionError):
            sealer.prepare(each, view, draught)
        assert draught == Draught(size=3, event_hash="h")
        assert each.lines == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"payload": {"number": 1, "text": "y"}},
        {"event_type": "other.v1"},
        {"source": {"type": "user"}},
        {"session_id": "s"},
        {"trace_id": "t"},
        {"domain_tags": ("tag",)},
        {"observed_at": "2026-11-27T12:00:01Z"},
    ],
)
def test_other_content_under_a_known_id_is_refused(
    changed: dict[str, object], view: LedgerView
) -> None:
    """Whichever part of it is other."""
    mine = kit.draft(1)
    parts = {
        "event_type": mine.event_type,
        "payload": mine.payload,
        "id": mine.id,
        "observed_at": mine.observed_at,
        **changed,
    }
    other = Draft(**parts)  # type: ignore[arg-type]

    with pytest.raises(DuplicateIdError, match="belongs to event 1"):
        Sealer(kit.options(), Signing.NONE).prepare(
            request(other), view, Draught(size=3, event_hash="h")
        )


def test_a_time_that_is_left_open_agrees_with_any(view: LedgerView) -> None:
    """A retry need not know what time the first call was given."""
    again = Draft(event_type="test.event.v1", payload=kit.draft(1).payload, id="e1")
    found = request(again)

    Sealer(kit.options(), Signing.NONE).prepare(found, view, Draught(size=3, event_hash="h"))

    assert found.acknowledgements[0].is_repeat


@pytest.mark.parametrize("name", ["created.v1", "key_rotated.v1", "recovered.v1", "anything"])
def test_the_ledgers_own_events_are_nobody_elses(name: str, tmp_path: Path) -> None:
    """Else whoever may append could make the ledger unreadable, or give it another key."""
    folder = kit.created(tmp_path / "ledger")
    with kit.opened(folder) as ledger, pytest.raises(RejectionError, match="the ledger's own"):
        ledger.append([Draft(event_type=f"{RESERVED}{name}", payload={})], kit.ALLOW)

    kit.opened(folder).close()


def test_an_authorization_that_authorizes_nothing_is_refused() -> None:
    """A decision is a value that anybody can build by hand."""
    granted = BreakGlass(
        attestation="somebody",
        reason_code=next(iter(ReasonCode)),
        reason="there was no other way",
        scope=("ledger.append",),
    )

    with pytest.raises(RejectionError, match="no authorization"):
        request_of([kit.draft(1)], replace(kit.ALLOW, break_glass=granted), None)


def test_an_empty_request_and_one_with_an_id_twice_are_refused() -> None:
    """Before anything is looked up."""
    with pytest.raises(RejectionError, match="nothing to append"):
        request()
    with pytest.raises(DuplicateIdError, match="the same id"):
        request(kit.draft(1), kit.draft(1))


def test_the_deepest_payload_reads_back(tmp_path: Path) -> None:
    """A line is one level deeper than its payload; one level more is refused."""
    folder = kit.created(tmp_path / "ledger")
    payload: list[object] = []
    for _ in range(198):
        payload = [payload]
    with kit.opened(folder) as ledger:
        ledger.append([kit.draft(1, payload=payload)], kit.ALLOW)  # type: ignore[arg-type]
        with pytest.raises(RejectionError, match="nested deeper"):
            ledger.append([kit.draft(2, payload=[payload])], kit.ALLOW)  # type: ignore[list-item]

    assert verify_ledger(folder, VerifyRules(is_deep=True)).failures == ()


def test_a_row_that_must_be_signed_needs_a_key(view: LedgerView) -> None:
    """Nothing is written unsigned in a ledger that signs."""
    with pytest.raises(RejectionError, match="must be signed"):
        Sealer(kit.options(), Signing.ROWS).prepare(
            request(kit.draft(5)), view, Draught(size=3, event_hash="h")
        )


def test_each_draft_has_an_answer_of_its_own() -> None:
    """An acknowledgement, a refusal, or the error that is neither."""
    fine, refused = (
        request_or_refusal(kit.draft(1), kit.ALLOW),
        request_or_refusal(kit.draft(1, "\n"), kit.ALLOW),
    )
    assert isinstance(fine, Request)
    assert isinstance(fine.contents[0], Content)
    assert isinstance(refused, RejectionError)
    assert answer_to(refused) is refused

    fine.failure = DuplicateIdError("taken")
    assert answer_to(fine) is fine.failure
    fine.failure = LedgerBrokenError("gone")
    with pytest.raises(LedgerBrokenError, match="gone"):
        answer_to(fine)


def test_what_interrupts_one_is_an_error_of_ours_for_the_others() -> None:
    """An error of ours stays what it is."""
    mine = LedgerBrokenError("disk")

    assert failure_for_waiting(mine) is mine
    assert isinstance(failure_for_waiting(KeyboardInterrupt()), LedgerBrokenError)
