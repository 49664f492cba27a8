"""What a command can reach through its workspace, and what it is kept from."""

from __future__ import annotations

import getpass
import io
import re
import sys
from pathlib import Path

import pytest

from evidentia.app import load_config, open_workspace
from evidentia.app.pack_workspace import DOCUMENT_BYTES_MAX, PackWorkspace
from evidentia.errors import StoreMissingError, UsageError
from evidentia.pack.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackWorkspace:
    """That of a command of the pack ``world``, with a log and a ledger in its configuration."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.jsonl").write_bytes(b"{}\n")
    (tmp_path / "ledger").mkdir()
    (tmp_path / "evidentia.toml").write_text(
        '[[logs]]\npath = "log.*"\npack = "world"\n[[ledgers]]\nname = "l"\npath = "ledger"\n'
    )
    whole = open_workspace(load_config(Path("evidentia.toml")))
    return PackWorkspace(workspace=whole, pack=whole.packs["world"], command="world test")


def test_it_fills_the_protocol(workspace: PackWorkspace) -> None:
    """What a pack is promised is there; mypy compares the signatures on this line."""
    promised: Workspace = workspace

    assert promised.now_us() > 1_700_000_000_000_000
    assert re.fullmatch("[0-9a-f]{6}", promised.random_hex(3))
    assert promised.operator().startswith("user:")


def test_a_process_without_a_login_has_an_operator(
    workspace: PackWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container, the number of the user stands for the name."""

    def unknown() -> str:
        raise KeyError

    monkeypatch.setattr(getpass, "getuser", unknown)

    assert re.fullmatch("user:[0-9]+", workspace.operator())


@pytest.mark.parametrize("path", ["log.jsonl", "ledger/new", "./ledger/../ledger/x", "link"])
def test_evidence_is_not_written_to(workspace: PackWorkspace, path: str) -> None:
    """Neither a log of the configuration nor a file in a ledger, even where it is asked for."""
    Path("link").symlink_to("log.jsonl")

    with pytest.raises(UsageError, match="evidence is not written to"):
        workspace.write_new(path, [b"x"], is_overwriting=True)

    assert Path("log.jsonl").read_bytes() == b"{}\n"
    assert workspace.write_new("elsewhere", [b"x"]) == 1


def test_a_document_is_read_from_a_file_or_standard_input(
    workspace: PackWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``-`` is standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"typed")))

    assert workspace.document("log.jsonl") == b"{}\n"
    assert workspace.document("-") == b"typed"


def test_a_document_that_is_absent_or_too_large_is_wrong_usage(workspace: PackWorkspace) -> None:
    """A sparse file of more than the limit is not held."""
    with Path("large").open("wb") as file:
        file.truncate(DOCUMENT_BYTES_MAX + 1)

    for path, said in (("absent", "cannot be read"), ("large", "is larger than"), (".", "cannot")):
        with pytest.raises(UsageError, match=said):
            workspace.document(path)


def test_queries_are_those_of_the_pack(workspace: PackWorkspace) -> None:
    """By their own name; another pack's is not found, and the store must be there."""
    with pytest.raises(UsageError, match=r"there is no query 'world\.sessions'"):
        workspace.query("sessions")
    with pytest.raises(StoreMissingError):
        workspace.query("recent")
    with workspace.workspace.writer("test"):
        pass  # Opening it makes the store, with the packs' columns.

    found = workspace.query("recent", {"since": "-1h"})

    assert "kind" in found.columns
    assert list(found.records()) == []


def test_lines_are_read_under_the_limits_of_the_configuration(workspace: PackWorkspace) -> None:
    """As ingestion reads them."""
    assert [each.raw for each in workspace.lines("log.jsonl")] == [b"{}"]
