"""A mirrored ledger whose folder another ledger was put into: the store remembers which it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .conftest import Command

CONFIGURATION = """
[store]
url = "sqlite:///s.db"

[[ledgers]]
name = "a"
path = "a"

[[ledgers]]
name = "b"
path = "b"
"""


@pytest.fixture
def folder_of_two(command: Command, folder: Path) -> Path:
    """Two ledgers of one owner that sign nothing, mirrored into one store."""
    (folder / "evidentia.toml").write_text(CONFIGURATION)
    for name in "ab":
        assert command("ledger", "init", name, "--origin", f"example.org/{name}").status == 0
        for number in range(2):
            words = ("--type", "x.v1", "--payload", "{}", "--id", f"{name}{number}")
            assert command("ledger", "append", name, *words).status == 0
    assert command("ledger", "verify", "a", "--level", 3).status == 0
    return folder


def swap(folder: Path) -> None:
    """Put the other ledger of the owner in the place of the first."""
    shutil.rmtree(folder / "a")
    shutil.copytree(folder / "b", folder / "a")


def rename(folder: Path) -> None:
    """Put a ledger of another name there, with a head of its own."""
    shutil.rmtree(folder / "a")
    shutil.copytree(folder / "other", folder / "a")


@pytest.mark.parametrize("attack", [swap, rename])
def test_verify_tells_of_the_other_ledger(
    command: Command, folder_of_two: Path, attack: object
) -> None:
    """The head that is asked for is that of the ledger that was there, not of the one that is."""
    command("ledger", "init", "other", "--origin", "ex\N{CYRILLIC SMALL LETTER A}mple.org/a")
    assert callable(attack)
    attack(folder_of_two)

    done = command("ledger", "verify", "a")

    assert done.status == 1
    assert "head_differs: the store" in done.out
    assert "the head is that of example.org/a, not of " in done.out


@pytest.mark.parametrize("attack", [swap, rename])
def test_nothing_is_appended_to_the_other_ledger(
    command: Command, folder_of_two: Path, attack: object
) -> None:
    """It is refused, with the reason, and stays as it is."""
    command("ledger", "init", "other", "--origin", "example.org/c")
    assert callable(attack)
    attack(folder_of_two)
    file = folder_of_two / "a/00000000000000000000.jsonl"
    before = file.read_bytes()

    done = command("ledger", "append", "a", "--type", "x.v1", "--payload", "{}")

    assert done.status == 3
    assert "the store knows example.org/a in this folder" in done.err
    assert file.read_bytes() == before
