"""The command line, run in this process, in a folder of its own; and a store of the examples."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from evidentia.cli.application import run

CHECKOUT = Path(__file__).resolve().parents[3]
LOGS = CHECKOUT / "examples" / "logs"
HOSTILE = LOGS / "hostile.jsonl"


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def object(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class Command(Protocol):
    """Runs a command line."""

    def __call__(self, *arguments: object) -> Result:
        """What it printed, and its status."""
        ...


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(
    folder: Path,  # noqa: ARG001 - to be there
    capfd: pytest.CaptureFixture[str],
) -> Command:
    """Runs a command line in the folder."""

    def command_line(*arguments: object) -> Result:
        capfd.readouterr()
        status = run([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        return Result(status=status, out=printed.out, err=printed.err)

    return command_line


@pytest.fixture(scope="session")
def examples_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of all bundled example logs, made once."""
    path = tmp_path_factory.mktemp("examples") / "examples.db"
    for pack, pattern in (("cowrie", "cowrie*"), ("world", "world/*"), ("world", "hostile.jsonl")):
        run(["--db", str(path), "-q", "ingest", "--pack", pack, "--log", str(LOGS / pattern)])
    return path


@pytest.fixture
def store(folder: Path, examples_store: Path) -> Path:
    """A copy of it, to be changed at will."""
    return Path(shutil.copy(examples_store, folder / "s.db"))
