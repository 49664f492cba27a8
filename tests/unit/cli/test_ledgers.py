"""The commands on ledgers."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from evidentia.app import load_config, open_workspace
from evidentia.app.ledgers import Ledgers

from .conftest import Command

ORIGIN = "example.org/test"
Feed = Callable[[str], None]


@pytest.fixture
def ledger(command: Command, folder: Path) -> str:
    """A mirrored ledger that signs its heads, by the name that the configuration gives it."""
    (folder / "evidentia.toml").write_text(
        '[store]\nurl = "sqlite:///s.db"\n'
        '[[ledgers]]\nname = "audit"\npath = "ledger"\nkey = "file:a.key"\n'
    )
    assert command("ledger", "keygen", ORIGIN, "-o", "a.key").status == 0
    assert command("ledger", "init", "audit", "--origin", ORIGIN).status == 0
    return "audit"


@pytest.fixture
def feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Feed]:
    """Puts a text on standard input."""
    with ExitStack() as stack:

        def put(text: str) -> None:
            path = tmp_path / "stdin"
            path.write_text(text)
            monkeypatch.setattr(sys, "stdin", stack.enter_context(path.open()))

        yield put


def event(number: int, **members: object) -> str:
    """A line for standard input."""
    return json.dumps({"event_type": "test.v1", "payload": number, **members}) + "\n"


def test_a_key_is_its_owners_alone_and_never_overwritten(command: Command, folder: Path) -> None:
    """The file is readable by its owner; a second key does not take its place."""
    made = command("ledger", "keygen", ORIGIN, "-o", "a.key")
    text = (folder / "a.key").read_text()

    again = command("ledger", "keygen", ORIGIN, "-o", "a.key")

    assert (made.status, again.status) == (0, 2)
    assert stat.S_IMODE((folder / "a.key").stat().st_mode) == 0o600
    assert (folder / "a.key").read_text() == text
    assert text.startswith("PRIVATE+KEY+")
    assert text.strip() not in made.out + made.err


def test_what_is_appended_is_in_ledger_and_store(command: Command, ledger: str) -> None:
    """One event by its options, with all that it may say."""
    done = command(
        *("--json", "ledger", "append", ledger, "--type", "test.v1", "--payload", '{"n":1}'),
        *("--id", "x", "--trace", "t", "--session", "s", "--tag", "a", "--tag", "b"),
        *("--observed-at", "2026-01-01T00:00:00+01:00", "--source", '{"type":"tool","name":"k"}'),
    )

    (made,) = done.object["acknowledged"]
    assert (made["id"], made["sequence"], made["is_repeat"]) == ("x", 1, False)
    row = command("--json", "events", "--kind", "test.v1").object["events"][0]
    assert (row["event_id"], row["trace_id"], row["session_id"]) == ("x", "t", "s")
    assert (row["ts_text"], row["actor"]) == ("2025-12-31T23:00:00.000000Z", "tool:k")
    assert json.loads(row["domain_tags"]) == ["a", "b"]
    assert row["event_hash"] == made["event_hash"]


def test_a_line_that_is_refused_holds_up_none_of_the_others(
    command: Command, ledger: str, feed: Feed
) -> None:
    """Each line is an event for itself; the status says that not all were appended."""
    feed(event(1) + "{half\n" + "\n" + event(2, source={"type": "nobody"}) + event(3).rstrip("\n"))

    done = command("--json", "ledger", "append", ledger)

    assert done.status == 1
    assert [each["sequence"] for each in done.object["acknowledged"]] == [1, 2]
    places = [each["where"] for each in done.object["refused"]]
    assert places == ["line 2", "line 4, source.type"]


def test_atomic_takes_all_or_none(command: Command, ledger: str, feed: Feed) -> None:
    """One line that is refused, and nothing is appended; else they are one batch."""
    feed(event(1) + event(2, source={"type": "nobody"}))
    assert command("ledger", "append", ledger, "--atomic").status == 3
    feed(event(1) + event(2))

    done = command("--json", "ledger", "append", ledger, "--atomic", "--expect-size", "1")

    assert [each["sequence"] for each in done.object["acknowledged"]] == [1, 2]
    kinds = command("--json", "events").object["events"]
    assert [json.loads(each["raw_json"]).get("batch") for each in kinds[-2:]] == [
        {"index": 0, "size": 2},
        {"index": 1, "size": 2},
    ]


def test_another_size_than_expected_is_refused(command: Command, ledger: str, feed: Feed) -> None:
    """Somebody appended meanwhile; and for single lines the question makes no sense."""
    assert command("ledger", "append", ledger, "--type", "a.v1", "--expect-size", "7").status == 3
    feed(event(1))
    assert command("ledger", "append", ledger, "--expect-size", "1").status == 2


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (("--payload", "{"), 2, "--payload is not JSON"),
        (("--rule", "a.b=never:x"), 2, "no outcome"),
        (("--rule", "a.b=reject:the alarm is on"), 3, "the alarm is on"),
        (("--rule", "a.b=quarantine:odd"), 3, "quarantine"),
        (("--rule", "a.b=break_glass:locked"), 3, "needs an authorization"),
        (("--break-glass", "whim:me:because"), 2, "no reason code"),
        (("--observed-at", "yesterday"), 3, "observed_at"),
    ],
)
def test_what_is_not_appended_says_why(
    command: Command, ledger: str, arguments: tuple[str, ...], status: int, word: str
) -> None:
    """Wrong usage, or a rule that blocks: not a byte is written."""
    done = command("ledger", "append", ledger, "--type", "a.v1", *arguments)

    assert done.status == status
    assert word in done.err
    assert command("--json", "ledger", "verify", ledger).object["events"] == 1


def test_broken_glass_leaves_its_own_event(command: Command, ledger: str) -> None:
    """Who vouched, for what and why stands before the event, in the same batch."""
    done = command(
        *("--json", "ledger", "append", ledger, "--type", "a.v1"),
        *("--rule", "a.b=break_glass:locked", "--break-glass", "incident:ada:the door is stuck"),
    )

    assert [each["sequence"] for each in done.object["acknowledged"]] == [2]
    row = command("--json", "events", "--kind", "evidentia.ledger.break_glass.v1").object["events"]
    payload = json.loads(row[0]["payload_json"])
    assert (payload["attestation"], payload["reason"]) == ("ada", "the door is stuck")
    assert payload["rules"] == ["a.b"]


def test_a_ledger_that_was_changed_is_found_and_said(
    command: Command, ledger: str, folder: Path
) -> None:
    """Status 1, the failure with its place, and no claim."""
    command("ledger", "append", ledger, "--type", "test.v1")
    assert command("ledger", "verify", ledger).status == 0
    segment = folder / "ledger" / f"{0:020d}.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b"test.v1", b"tost.v1"))

    page = command("ledger", "verify", ledger, "--deep")
    found = command("--json", "ledger", "verify", ledger).object

    assert page.status == 1
    assert "event_hash_break" in page.out
    assert (found["level"], found["claim"]) == (None, None)
    assert {each["kind"] for each in found["failures"]} == {"event_hash_break", "head_differs"}
    assert command("verify").status == 1


def test_a_level_may_be_demanded(command: Command, ledger: str) -> None:
    """Below it, verifying fails."""
    command("ledger", "append", ledger, "--type", "test.v1")

    assert command("ledger", "verify", ledger, "--level", "5").status == 0
    assert command("ledger", "verify", "ledger", "--level", "5").status == 0


def test_a_proof_is_checked_without_the_ledger(command: Command, ledger: str, folder: Path) -> None:
    """It holds with the key, and does not with another event or a torn file."""
    command("ledger", "append", ledger, "--type", "test.v1", "--id", "x")
    command("ledger", "append", ledger, "--type", "test.v1", "--id", "y")
    assert command("ledger", "prove", ledger, "x", "-o", "x.proof").status == 0
    (folder / "ledger").rename(folder / "gone")

    key = ("--key", "file:a.key")
    assert command("ledger", "verify-proof", "x.proof", *key).status == 0
    (folder / "other").write_text("{}\n")
    assert command("ledger", "verify-proof", "x.proof", *key, "--event", "other").status == 1
    assert command("ledger", "verify-proof", "a.key", *key).status == 1
    assert command("ledger", "verify-proof", "gone.proof", *key).status == 2
    assert command("ledger", "verify-proof", "x.proof", "--key", "no key").status == 2


def test_growth_since_a_head_is_proved(command: Command, ledger: str, folder: Path) -> None:
    """The newer head extends the older one; a head of other events it does not extend."""
    assert command("ledger", "head", ledger, "-o", "old.head").status == 0
    command("ledger", "append", ledger, "--type", "test.v1")
    assert command("ledger", "prove-extension", ledger, "old.head", "-o", "grown").status == 0

    check = ("ledger", "verify-proof", "grown", "--key", "file:a.key", "--head")
    assert command(*check, "old.head").status == 0
    assert command(*check, "ledger/head").status == 1
    (folder / "bad.head").write_text("no head\n")
    assert command("ledger", "prove-extension", ledger, "bad.head", "-o", "x").status == 3


def test_a_key_is_rotated(command: Command, ledger: str) -> None:
    """The old key signs for the new one, which then must be given."""
    assert command("ledger", "keygen", ORIGIN, "-o", "b.key").status == 0
    assert command("ledger", "rotate-key", ledger, "--new-key", "file:b.key").status == 0

    assert command("ledger", "append", ledger, "--type", "a.v1").status == 3
    assert command("ledger", "append", ledger, "--type", "a.v1", "--key", "file:b.key").status == 0
    found = command("--json", "ledger", "verify", ledger).object
    assert [each["first_sequence"] for each in found["keys"]] == [0, 2]
    assert found["level"] == 5


def test_what_the_store_lacks_is_replayed(command: Command, ledger: str, folder: Path) -> None:
    """An event that went into the ledger alone is missing until recover replays it."""
    config = (folder / "evidentia.toml").read_text()
    (folder / "evidentia.toml").write_text(config + "mirror = false\n")
    command("ledger", "append", ledger, "--type", "a.v1", "--id", "x")
    (folder / "evidentia.toml").write_text(config)
    command("ledger", "append", ledger, "--type", "a.v1", "--id", "x")
    (folder / "s.db").unlink()
    assert command("ingest").status == 0

    done = command("--json", "recover").object["ledgers"][0]

    assert (done["replayed"], done["skipped_existing"]) == (0, 2)
    assert done["parity"]["is_consistent"]
    assert command("verify").status == 0


def test_a_ledger_is_appended_to_while_another_process_holds_the_store(
    command: Command, ledger: str, folder: Path
) -> None:
    """The one that holds it, or the next, fills the store; nobody waits."""
    workspace = open_workspace(load_config(folder / "evidentia.toml"))
    with workspace.writer("follow"):
        done = command("ledger", "append", ledger, "--type", "a.v1", "--id", "x")
        assert done.status == 0
        assert "the ledger alone, for now" in done.err
        parity = command("--json", "verify").object["ledgers"][0]["parity"]

    assert parity["missing_in_sqlite_count"] == 2
    assert command("ingest").status == 0
    assert command("verify").status == 0


def test_a_ledger_that_is_held_ends_with_status_4(
    command: Command, ledger: str, folder: Path
) -> None:
    """One process appends to a ledger."""
    ledgers = Ledgers(open_workspace(load_config(folder / "evidentia.toml")))
    with ledgers.opened(ledgers.entry("audit"), "test"):
        done = command("ledger", "append", ledger, "--type", "a.v1")

    assert done.status == 4
    assert "another process appends" in done.err


def test_ledgers_are_found_by_name_or_folder(command: Command, ledger: str) -> None:
    """A wrong name says which there are."""
    assert command("ledger", "verify", ledger).status == 0
    assert command("ledger", "verify", "ledger").status == 0
    wrong = command("ledger", "verify", "adit")
    assert (wrong.status, "name one of audit" in wrong.err) == (2, True)
    assert command("ledger", "init", "audit", "--origin", ORIGIN).status == 3
    assert command("ledger", "init", "new", "--origin", "n", "--signing", "all").status == 2


@pytest.mark.parametrize(
    "reference", ["a.key", "env:NOT_SET", "file:gone.key", "file:evidentia.toml"]
)
def test_a_key_that_is_none_says_so(command: Command, ledger: str, reference: str) -> None:
    """A reference leads to a key, or the command says that it does not."""
    done = command("ledger", "append", ledger, "--type", "a.v1", "--key", reference)

    assert done.status == 2
    assert "key" in done.err
