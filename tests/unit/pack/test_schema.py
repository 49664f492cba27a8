"""How a pack's JSON Schema comes out of its package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evidentia.errors import PackError
from evidentia.pack.schema import load_schema

NAME = "package_with_schema"


@pytest.fixture
def schema_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the package's schema belongs; the package is importable."""
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, NAME, raising=False)
    return tmp_path / NAME / "schema.json"


def test_the_schema_is_read_from_the_package(schema_file: Path) -> None:
    """The document comes from the file, name and version from the pack."""
    schema_file.write_text('{"type": "object"}')

    schema = load_schema(NAME, name="door.event", version=3)

    assert (schema.name, schema.version, schema.document) == ("door.event", 3, {"type": "object"})


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"[]", "it holds a list"), (b"{", "cannot be read"), (b'"\xff"', "cannot be read")],
)
def test_what_is_no_json_object_is_refused(schema_file: Path, content: bytes, cause: str) -> None:
    """Broken JSON, wrong bytes and another type of document are PackErrors that name the file."""
    schema_file.write_bytes(content)

    with pytest.raises(PackError, match=cause) as caught:
        load_schema(NAME, name="door.event", version=1)

    assert caught.value.where == f"schema.json of package {NAME}"


@pytest.mark.usefixtures("schema_file")
@pytest.mark.parametrize("package", [NAME, "no_such_package"])
def test_a_missing_schema_is_refused(package: str) -> None:
    """A package without the file, and a missing package, are PackErrors."""
    with pytest.raises(PackError, match="the schema cannot be read"):
        load_schema(package, name="door.event", version=1)
