"""Events of a ledger as commands read them: in order, by sequence, whole batches only."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidentia.app.ledger_events import events_of
from evidentia.errors import LedgerDamagedError, LedgerMissingError
from evidentia.event.envelope import Draft
from evidentia.ledger.layout import acknowledged_path, segment_files
from evidentia.ledger.opening import create_ledger, open_ledger
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import LedgerOptions
from evidentia.proof.policy import Contribution, Outcome, compose

OPTIONS = LedgerOptions(clock=lambda: 1_767_225_600_000_000)
POLICY = compose((Contribution(rule_id="test.rule", outcome=Outcome.ALLOW, reason="x"),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger of a first event, a batch of two, and a single one, over several segments."""
    place = tmp_path / "ledger"
    create_ledger(place, "example.org/a", Signing.NONE, OPTIONS)
    with open_ledger(place, OPTIONS) as ledger:
        ledger.append(
            [
                Draft(event_type="a.v1", payload={"n": n}, id=f"e{n}", session_id="s")
                for n in (1, 2)
            ],
            POLICY,
        )
        ledger.append([Draft(event_type="b.v1", payload=[3], id="e3")], POLICY)
    return place


def test_events_come_in_order_with_their_places(folder: Path) -> None:
    """What was appended is read back, the ledger's own first event included."""
    found = list(events_of(folder))

    assert [(each.sequence, each.id, each.payload) for each in found[1:]] == [
        (1, "e1", {"n": 1}),
        (2, "e2", {"n": 2}),
        (3, "e3", [3]),
    ]
    data = segment_files(folder)[0].path.read_bytes()
    assert all(data[each.byte_offset :].startswith(each.raw + b"\n") for each in found)
    assert (found[1].session_id, found[3].session_id) == ("s", None)


@pytest.mark.parametrize("since", range(6))
def test_reading_begins_with_any_sequence(folder: Path, since: int) -> None:
    """The same events, without those before."""
    assert list(events_of(folder, since)) == list(events_of(folder))[since:]


def test_a_batch_that_is_not_all_there_is_not_given(folder: Path) -> None:
    """Events of a batch count together or not at all."""
    path = segment_files(folder)[0].path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))
    acknowledged_path(folder).unlink()

    assert [each.sequence for each in events_of(folder)] == [0]


def test_what_was_not_acknowledged_is_not_given(folder: Path) -> None:
    """A writer may cut it off again."""
    path = segment_files(folder)[0].path
    with path.open("ab") as file:
        file.write(
            path.read_bytes().splitlines(keepends=True)[3].replace(b'"sequence":3', b'"sequence":4')
        )
        file.write(b"torn")

    assert [each.sequence for each in events_of(folder)] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"sequence":2', b'"sequence":7'),
        (b'"domain_tags":[]', b'"domain_tags":{}'),
        (b'"source":{', b'"source":[{}],"x":{'),
        (b'{"batch":{"index":1', b'{"butch":{"index":1'),
    ],
)
def test_a_line_that_is_not_the_event_that_belongs_there_is_an_error(
    folder: Path, old: bytes, new: bytes
) -> None:
    """The place is named."""
    path = segment_files(folder)[0].path
    path.write_bytes(path.read_bytes().replace(old, new))

    with pytest.raises(LedgerDamagedError) as caught:
        list(events_of(folder))

    assert f"{path}, byte " in str(caught.value.where)


def test_no_ledger_is_an_error(tmp_path: Path) -> None:
    """An empty folder is no empty ledger."""
    with pytest.raises(LedgerMissingError):
        list(events_of(tmp_path))
