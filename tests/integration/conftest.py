"""A folder with a store of its own for each test, and the command line in this process."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Protocol

import pytest
from tests.unit.ingest.kit import Place

from evidentia.cli.application import run


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty folder."""
    return Place(folder=tmp_path)


class Command(Protocol):
    """Runs a command line in a folder."""

    def __call__(self, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
        """As ``processes.evidentia``, three times as fast."""
        ...


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command line in this process."""

    def command_line(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(folder)
        capfd.readouterr()
        status = run([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        return subprocess.CompletedProcess(
            args=[str(each) for each in arguments],
            returncode=status,
            stdout=printed.out,
            stderr=printed.err,
        )

    return command_line
