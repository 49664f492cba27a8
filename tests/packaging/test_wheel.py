"""The built distributions hold everything, and the wheel works away from the checkout.

Runs where ``build`` and ``hatchling`` are installed (dependency group ``gates``); the gates insist
on it. Nothing is fetched: the wheel is installed without its dependencies, which come from the
environment that runs the tests.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import Final

import pytest

CHECKOUT: Final = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of the checkout and the wheel that was built from that sdist."""
    missing = [name for name in ("build", "hatchling") if importlib.util.find_spec(name) is None]
    if missing:
        reason = f"{' and '.join(missing)} not installed: pip install --group gates"
        if os.environ.get("EVIDENTIA_GATES"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(CHECKOUT))
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel."""
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of an environment in which only the wheel is evidentia."""
    folder = tmp_path_factory.mktemp("environment")
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    python = folder / "bin" / "python"
    install = ["install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    _run(sys.executable, "-m", "pip", "--python", str(python), *install)
    # A plain path in a .pth file: the .pth files in there, the editable evidentia's among them,
    # are not read. Hence dependencies come from outside, evidentia only from the wheel.
    packages = _run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    link = Path(packages.strip()) / "dependencies.pth"
    link.write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return python.parent


def _run(*command: str, folder: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _package_files() -> set[str]:
    source = CHECKOUT / "src"
    return {
        path.relative_to(source).as_posix()
        for path in (source / "evidentia").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    """Not only modules: the typing marker, SQL, schemas and the migrations' template too."""
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("evidentia/")}

    assert held == _package_files()
    assert "evidentia/py.typed" in held
    assert "evidentia/store/migrations/script.py.mako" in held
    assert "evidentia/export/stranger/verifier.go" in held
    assert {Path(name).suffix for name in held} >= {".py", ".sql", ".json"}


def test_the_wheel_holds_its_licence(wheel: Path) -> None:
    """The licence text travels with the code."""
    held = zipfile.ZipFile(wheel).namelist()

    assert [name for name in held if name.endswith(".dist-info/licenses/LICENSE")]


def test_the_sdist_holds_what_its_tests_need(built: Path) -> None:
    """Who gets the sdist can run the tests and the demo by the commands of the README."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}

    assert held >= {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "scripts/demo",
        "scripts/environment.sh",
        "scripts/test",
        "tests/conftest.py",
        "tools/project_events_to_sqlite.py",
        "examples/logs/hostile.jsonl",
    }


def test_the_installed_command_is_the_wheel(installed: Path, tmp_path: Path) -> None:
    """The environment's evidentia is the wheel's, not the checkout's."""
    code = "import evidentia; print(evidentia.__file__)"

    place = Path(_run(str(installed / "python"), "-c", code, folder=tmp_path).strip())

    assert place.is_relative_to(installed.parent)


def test_the_installed_command_tells_its_version(
    installed: Path, wheel: Path, tmp_path: Path
) -> None:
    """``evidentia --version`` runs from another folder and agrees with the wheel's name."""
    said = _run(str(installed / "evidentia"), "--version", folder=tmp_path)

    assert said.split() == ["evidentia", wheel.name.split("-")[1]]


def test_the_installed_command_finds_the_packs(installed: Path, tmp_path: Path) -> None:
    """``evidentia packs --json`` runs from another folder and finds the packs by entry point."""
    said = _run(str(installed / "evidentia"), "packs", "--json", folder=tmp_path)

    assert {"cowrie", "world"} <= {pack["name"] for pack in json.loads(said)["packs"]}
