"""What verify prints of the seals in the rows, with the configuration that says how to check."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.cli.conftest import Command
from tests.unit.packs.sealers import PUBLIC, SIGNER, CorceptLedger, edited, world_row

LOG = "a.jsonl"


def written(lines: list[bytes]) -> None:
    """The log, in the current folder."""
    Path(LOG).write_bytes(b"".join(line + b"\n" for line in lines))


def configured(pack: str, *more: str) -> None:
    """A configuration with the log."""
    text = "\n".join(["[[logs]]", f'path = "{LOG}"', f'pack = "{pack}"', *more])
    Path("evidentia.toml").write_text(text + "\n", "utf-8")


def worlds(count: int) -> list[bytes]:
    """Rows of the game with checksum and HMAC."""
    rows = [{"ts": "2026-01-01T00:00:00Z", "action": "look", "n": n} for n in range(count)]
    return [world_row(row, b"secret") for row in rows]


def test_the_table_tells_scheme_counts_and_level(command: Command) -> None:
    """A log whose rows carry seals has a line of its own; the scheme says what it leaves open."""
    written(worlds(3))
    configured("world")
    command("ingest")

    result = command("verify")

    assert result.status == 0
    assert (
        "world.sha256      0        0       0               0       3  1 (checksum)" in result.out
    )
    assert "does not cover: rows that were deleted, repeated" in result.out


def test_a_key_by_reference_makes_the_difference(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the key the HMACs are checked; the key is nowhere in what is printed."""
    written(worlds(3))
    configured("world", "sealed = true", 'seal_keys = ["env:GAME_KEY"]')
    command("ingest")
    monkeypatch.setenv("GAME_KEY", "secret")

    good = command("verify", "--json")
    monkeypatch.setenv("GAME_KEY", "wrong")
    bad = command("verify", "--json")
    monkeypatch.delenv("GAME_KEY")
    none = command("verify")

    (seal,) = good.object["seals"]
    assert (good.status, seal["counts"]["valid"], seal["level"]) == (0, 3, 1)
    assert (bad.status, bad.object["seals"][0]["reasons"]) == (1, {"bad_hmac": 3})
    assert "secret" not in good.out + bad.out
    assert (none.status, "env:GAME_KEY" in none.err) == (2, True)


def test_a_failure_is_printed_and_ends_with_status_1(command: Command) -> None:
    """The place, both hashes, and that store and log hold the same all the same."""
    lines = worlds(3)
    lines[1] = edited(lines[1], b'"look"', b'"kill"')
    written(lines)
    configured("world")
    command("ingest")

    result, as_json = command("verify"), command("verify", "--json").object

    assert result.status == 1
    assert f"{LOG}:2, byte {len(lines[0]) + 1:,}: world.sha256: hash_mismatch" in result.out
    assert "1 finding: seals do not hold" in result.out
    assert "recover" not in result.out
    (finding,) = as_json["findings"]
    assert (finding["kind"], finding["line_no"]) == ("seal", 2)
    assert (as_json["is_same"], as_json["seals"][0]["findings"]) == (False, 1)
    assert as_json["seals"][0]["level"] is None


def test_a_broken_seal_beside_a_changed_log_is_both(command: Command) -> None:
    """A log that changed after it was read is not called the same because a seal failed too."""
    lines = worlds(3)
    lines[1] = edited(lines[1], b'"look"', b'"kill"')
    written(lines)
    configured("world")
    command("ingest")
    written([lines[0], lines[1], edited(lines[2], b'"look"', b'"hide"')])

    result = command("verify")

    assert "log and store do not hold the same" in result.out


def test_signatures_end_where_the_last_signed_row_is(command: Command) -> None:
    """The operator's key from a file; older forms of the hash are remarked row by row."""
    ledger = CorceptLedger(signer=SIGNER)
    lines = [ledger.line(), ledger.line()]
    ledger.signer = None
    lines.append(ledger.line())
    written(lines)
    Path("operator.pub").write_bytes(PUBLIC)
    configured("cortex", 'seal_keys = ["file:operator.pub"]')
    command("ingest")

    result = command("verify")

    assert result.status == 0
    assert "5 (signed) up to line 2, 2 (hash chain) over all" in result.out


def test_an_older_form_is_listed_row_by_row(command: Command) -> None:
    """IT-11: what was allowed is still said, with the place of every row."""
    ledger = CorceptLedger(form="former")
    written([ledger.line() for _ in range(25)])
    configured("cortex", "allow_legacy_seals = true")
    command("ingest")

    result = command("verify")

    assert result.status == 0
    assert result.out.count(f"legacy_hash_format: {LOG}:") == 20
    assert "1 (checksum)" in result.out
    assert len(command("verify", "--json").object["seals"][0]["remarks"]) == 25


def test_a_log_without_seals_says_nothing(command: Command) -> None:
    """Most logs are not sealed; a table full of nothing would tell nobody anything."""
    written([b'{"ts":"2026-01-01T00:00:00Z","action":"look"}'])
    configured("world")
    command("ingest")

    result, as_json = command("verify"), command("verify", "--json").object

    assert "seal" not in result.out
    (seal,) = as_json["seals"]
    assert (seal["scheme"], seal["counts"]["absent"]) == (None, 1)
