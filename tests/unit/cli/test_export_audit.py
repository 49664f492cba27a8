"""``evidentia export audit``, on the command line."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from .conftest import Command

KEY = "file:a.key"


@pytest.fixture
def ledger(command: Command, folder: Path) -> str:
    """The folder of a ledger of three events and its first one."""
    command("ledger", "keygen", "example.org/a", "-o", "a.key")
    command("ledger", "init", "a-ledger", "--origin", "example.org/a", "--key", KEY)
    for number in range(3):
        words = ("--type", "a.v1", "--id", f"x{number}", "--payload", "{}")
        assert command("ledger", "append", "a-ledger", "--key", KEY, *words).status == 0
    assert (folder / "a-ledger/head").is_file()
    return "a-ledger"


def test_a_bundle_is_written_and_told_of(command: Command, ledger: str, folder: Path) -> None:
    """What was written, where, and where to read on; with a key, the claim is that of the key."""
    done = command("export", "audit", ledger, "--key", KEY, "--output", "bundle")

    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("wrote 4 events and 4 proofs in 13 files, ")
    assert done.out.endswith("to bundle\nhow to check them is in README.txt\n")
    manifest = json.loads((folder / "bundle/manifest.json").read_text())
    assert manifest["claim"]["level"] == 5


def test_a_part_is_written_into_one_file(command: Command, ledger: str, folder: Path) -> None:
    """Range, event and archive; what is missing is in the object."""
    done = command(
        *("export", "audit", ledger, "-o", "part.tar.gz", "--first", 2, "--last", 3),
        *("--event", "x2", "--json"),
    )

    assert done.status == 0
    assert (done.object["path"], done.object["events"], done.object["proofs"]) == (
        "part.tar.gz",
        2,
        1,
    )
    assert done.object["missing"][0] == "the events before 2 and after 3"
    with tarfile.open(folder / "part.tar.gz") as archive:
        assert "part/proofs/3.proof" in archive.getnames()


def test_an_older_head_goes_along_and_must_fit(command: Command, ledger: str, folder: Path) -> None:
    """A head that was handed in is one more thing that the ledger is held against."""
    older = (folder / "a-ledger/head").read_bytes()
    (folder / "old.head").write_bytes(older)
    command("ledger", "append", ledger, "--key", KEY, "--type", "a.v1", "--payload", "{}")
    command("ledger", "keygen", "example.org/b", "-o", "b.key")
    command("ledger", "init", "b", "--origin", "example.org/b", "--key", "file:b.key")

    fitting = command("export", "audit", ledger, "-o", "good", "--head", "old.head")
    other = command("export", "audit", "b", "-o", "bad", "--head", "old.head")

    assert fitting.status == 0
    assert (folder / "good/heads/1-of-4").read_bytes() == older
    assert other.status == 3
    assert "does not hold" in other.err
    assert not (folder / "bad").exists()


def test_mistakes_are_told(command: Command, ledger: str, folder: Path) -> None:
    """No ledger, an output that is there, a wrong key, an event that is not there."""
    (folder / "mine").write_text("mine")
    command("ledger", "keygen", "example.org/a", "-o", "other.key")

    found = [
        command("export", "audit", "nowhere", "-o", "x"),
        command("export", "audit", ledger, "-o", "mine"),
        command("export", "audit", ledger, "-o", "x", "--key", "file:other.key"),
        command("export", "audit", ledger, "-o", "x", "--event", "y"),
        command("export", "audit", ledger, "-o", "x", "--first", 4),
    ]

    assert [each.status for each in found] == [2, 2, 3, 2, 2]
    assert all("fix: " in each.err for each in found[:4])
    assert not (folder / "x").exists()
