"""Each import contract of pyproject.toml bites: a copy of the package with one bad import fails.

Runs where import-linter is installed (dependency group ``gates``); the gates insist on it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from .source import CHECKOUT

RUN: Final = "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"
LAYERS: Final = "Rooms import downwards only"
STORE: Final = "Only the store imports a database library"
TERMINAL: Final = "Only the command line imports a terminal library"
PACK_IMPORTS: Final = "A pack imports pack, event, proof and errors only"
PACK_IMPORTED: Final = "Nobody imports a pack"
READS: Final = "What reads never reaches the ledger"
SERVES: Final = "What serves does not import the ledger"
PURE: Final = "Pure rooms do no input or output"
CYCLES: Final = "Modules of a room form no cycle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One way to break a contract: files to write into the copy, and what complains then.

    Attributes:
        files: Text by name below ``src/evidentia``; existing files are never touched.
    """

    name: str
    contract: str
    files: dict[str, str]


def _module(name: str, *imports: str) -> dict[str, str]:
    return {f"{name}.py": "".join(f"import {each}\n" for each in imports)}


def _room(name: str, *imports: str) -> dict[str, str]:
    return {f"{name}/__init__.py": "", **_module(f"{name}/added", *imports)}


BREAKS: Final = (
    Break(name="upwards", contract=LAYERS, files=_module("log/added", "evidentia.ingest")),
    Break(name="sideways", contract=LAYERS, files=_module("report/added", "evidentia.audit")),
    Break(name="across", contract=LAYERS, files=_module("packs/world/added", "evidentia.app")),
    Break(name="a room in no layer", contract=LAYERS, files=_room("attic")),
    Break(name="a module in no layer", contract=LAYERS, files=_module("attic")),
    *(
        Break(name=library, contract=STORE, files=_module("ingest/added", library))
        for library in ("alembic", "apsw", "psycopg", "sqlalchemy", "sqlite3")
    ),
    *(
        Break(name=library, contract=TERMINAL, files=_module("report/added", library))
        for library in ("click", "rich", "typer")
    ),
    Break(
        name="a pack reads a log",
        contract=PACK_IMPORTS,
        files=_module("packs/world/added", "evidentia.log"),
    ),
    Break(
        name="a pack asks the store",
        contract=PACK_IMPORTS,
        files=_module("packs/cowrie/added", "evidentia.store.reader"),
    ),
    Break(
        name="a command knows a pack",
        contract=PACK_IMPORTED,
        files=_module("cli/added", "evidentia.packs.world"),
    ),
    Break(
        name="a pack knows another",
        contract=PACK_IMPORTED,
        files=_module("packs/world/added", "evidentia.packs.cowrie.fields"),
    ),
    Break(
        name="ingest appends",
        contract=READS,
        files={**_room("ledger"), **_module("ingest/added", "evidentia.ledger.added")},
    ),
    Break(
        name="a report appends, by a detour",
        contract=READS,
        files={
            **_room("ledger"),
            **_module("store/added", "evidentia.ledger.added"),
            **_module("report/added", "evidentia.store.added"),
        },
    ),
    Break(
        name="a projection appends",
        contract=READS,
        files={**_room("ledger"), **_room("projection", "evidentia.ledger.added")},
    ),
    Break(
        name="the service appends",
        contract=SERVES,
        files={**_room("ledger"), **_room("service", "evidentia.ledger.added")},
    ),
    Break(
        name="the page appends",
        contract=SERVES,
        files={**_room("ledger"), **_room("web", "evidentia.ledger.added")},
    ),
    *(
        Break(name=f"{room} uses {library}", contract=PURE, files=_module(f"{room}/added", library))
        for room, library in (
            ("event", "os"),
            ("proof", "time"),
            ("pack", "pathlib"),
            ("packs/world", "urllib.request"),
        )
    ),
    Break(
        name="hen and egg",
        contract=CYCLES,
        files={
            **_module("store/hen", "evidentia.store.egg"),
            **_module("store/egg", "evidentia.store.hen"),
        },
    ),
)


@pytest.fixture(autouse=True)
def linter() -> None:
    """Nothing here runs without import-linter, and the gates do not let it be missing."""
    if importlib.util.find_spec("importlinter") is None:
        reason = "import-linter is not installed: pip install --group gates"
        if os.environ.get("EVIDENTIA_GATES"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the linter keeps what it has read of unchanged files."""
    return tmp_path_factory.mktemp("linter")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and of its contracts, to be spoilt."""
    shutil.copytree(
        CHECKOUT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


def contracts() -> list[dict[str, Any]]:
    """The contracts as pyproject.toml has them."""
    table = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    found: list[dict[str, Any]] = table["tool"]["importlinter"]["contracts"]
    return found


def lint(folder: Path, cache: Path) -> tuple[int, set[str], str]:
    """Run the linter in a copy: its exit status, the contracts it calls broken, its words."""
    # The path of the copy comes first, or the installed package would be looked at instead.
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, "--cache-dir", str(cache)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    broken = set(re.findall(r"^(.+?) BROKEN\b", done.stdout, re.MULTILINE))
    return done.returncode, broken, done.stdout + done.stderr


def test_the_package_keeps_its_contracts(copy: Path, cache: Path) -> None:
    """The unspoilt copy passes, so that what fails below fails for its own reason."""
    status, broken, output = lint(copy, cache)

    assert (status, broken) == (0, set()), output


@pytest.mark.parametrize("spoilt", BREAKS, ids=lambda spoilt: f"{spoilt.contract}: {spoilt.name}")
def test_a_broken_contract_is_named(spoilt: Break, copy: Path, cache: Path) -> None:
    """One forbidden import, and the linter fails with the name of the contract it breaks."""
    for name, text in spoilt.files.items():
        path = copy / "src" / "evidentia" / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.write_text(text, encoding="utf-8")

    status, broken, output = lint(copy, cache)

    assert status == 1, output
    assert spoilt.contract in broken, output


def test_every_contract_is_broken_once() -> None:
    """No contract goes without a proof that it bites."""
    assert {each["name"] for each in contracts()} == {each.contract for each in BREAKS}


def test_rooms_that_exist_are_no_longer_optional() -> None:
    """A room in brackets or behind stars is one that does not exist yet."""
    existing = {path.stem for path in (CHECKOUT / "src" / "evidentia").iterdir()}
    words = [
        str(value) for each in contracts() for values in each.values() for value in _items(values)
    ]

    optional = {room for word in words for room in re.findall(r"\((\w+)\)", word)}
    starred = {word.split(".")[1] for word in words if re.fullmatch(r"evidentia\.\w+\.\*\*", word)}

    assert optional & existing == set()
    assert starred & existing == set()


def _items(values: object) -> list[object]:
    return values if isinstance(values, list) else [values]
