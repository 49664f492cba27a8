"""Proof files from a ledger, which anybody can check without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evidentia.errors import LedgerDamagedError, LedgerError, ProofError, UsageError
from evidentia.ledger.proving import open_view, prove, prove_extension
from evidentia.ledger.statements import Signing
from evidentia.proof.proof_file import check_proof, parse_proof

from . import kit

KEY = kit.signer().verifier


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger of several segments that signs its heads."""
    kit.filled(tmp_path / "ledger", range(1, 8), Signing.HEADS, segment_bytes_max=1_500)
    return tmp_path / "ledger"


def test_every_event_is_proved_by_the_last_head(folder: Path) -> None:
    """In each segment; another line is not proved by it."""
    lines = kit.lines(folder)
    for line in lines:
        proof = prove(folder, json.loads(line)["id"])

        parsed = parse_proof(proof.text)

        assert (proof.line, parsed.extra, parsed.index) == (line, line, proof.sequence)
        assert check_proof(parsed, line, [KEY], kit.ORIGIN) == proof.head
        with pytest.raises(ProofError):
            check_proof(parsed, line + b" ", [KEY], kit.ORIGIN)


def test_an_event_that_is_not_there_or_not_yet_signed_for_is_not_proved(folder: Path) -> None:
    """The message says which."""
    with pytest.raises(UsageError, match="no event nobody"):
        prove(folder, "nobody")
    ledger = kit.opened(folder, Signing.HEADS)
    ledger.append(kit.drafts(50), kit.ALLOW)
    ledger.abandon()

    with pytest.raises(UsageError, match="the last head is over 8"):
        prove(folder, "e50")


def test_a_ledger_without_a_head_proves_nothing(tmp_path: Path) -> None:
    """There is nothing that could vouch for a proof."""
    kit.filled(tmp_path / "ledger", (1,))

    with pytest.raises(LedgerError, match="no signed tree head"):
        prove(tmp_path / "ledger", "e1")


def test_a_changed_line_is_not_proved(folder: Path) -> None:
    """Not even where an index speaks for its segment, nor where it is in the last one."""
    for path in (min(folder.glob("*.jsonl")), kit.last_segment(folder)):
        data = path.read_bytes()
        name = json.loads(data.splitlines()[-1])["id"]
        path.write_bytes(data.replace(b'"text":"x', b'"text":"y'))
        with pytest.raises(LedgerDamagedError):
            prove(folder, name)
        path.write_bytes(data)


def test_half_a_batch_is_not_in_the_view(tmp_path: Path) -> None:
    """It was never acknowledged."""
    folder = kit.created(tmp_path / "ledger")
    with kit.opened(folder) as ledger:
        ledger.append(kit.drafts(1, 2, 3), kit.ALLOW)
    kit.last_segment(folder).write_bytes(b"\n".join(kit.lines(folder)[:3]) + b"\n")

    assert open_view(folder).size == 1


def test_a_ledger_extends_its_older_heads_and_no_others(folder: Path, tmp_path: Path) -> None:
    """Whatever else has its name."""
    older = (folder / "head").read_bytes()
    with kit.opened(folder, Signing.HEADS) as ledger:
        ledger.append(kit.drafts(50), kit.ALLOW)
    kit.filled(tmp_path / "other", range(11, 18), Signing.HEADS)
    foreign = older.replace(kit.ORIGIN.encode(), b"test.example/another")

    assert prove_extension(folder, older)
    for head in ((tmp_path / "other" / "head").read_bytes(), foreign, b"garbage"):
        with pytest.raises(ProofError):
            prove_extension(folder, head)
