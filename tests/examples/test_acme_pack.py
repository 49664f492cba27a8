"""Whether a third party's pack (examples/acme-pack) comes in by the built-in packs' door."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from evidentia.pack.conformance import assert_pack_conforms
from evidentia.pack.registry import GROUP, find_pack, load_packs

ACME = Path(__file__).parents[2] / "examples" / "acme-pack"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example as an installer would leave it: its source on the path, its metadata beside."""
    project = tomllib.loads((ACME / "pyproject.toml").read_text())["project"]
    metadata = tmp_path / "acme_pack-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = [f"{name} = {value}" for name, value in project["entry-points"][GROUP].items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *points]))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(ACME / "src"))
    yield
    sys.modules.pop("acme_pack", None)


@pytest.mark.usefixtures("installed")
def test_the_example_pack_is_found_and_conforms() -> None:
    """Installed, the pack is found by its entry point and keeps the contract."""
    pack = find_pack("acme", load_packs())

    assert_pack_conforms(pack)
    assert [query.name for query in pack.queries] == ["doors"]


@pytest.mark.usefixtures("installed")
def test_the_example_log_is_the_samples() -> None:
    """The two lines of acme.jsonl are those whose columns the pack states."""
    pack = find_pack("acme", load_packs())

    lines = (ACME / "acme.jsonl").read_bytes().splitlines()

    assert lines == [sample.line for sample in pack.samples]


def test_the_example_readme_is_short() -> None:
    """Ten lines are enough to start a pack of one's own."""
    lines = (ACME / "README.md").read_text().splitlines()

    assert len(lines) <= 10
