"""The event room computes; it touches nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import evidentia.event

MODULES = sorted(Path(str(evidentia.event.__file__)).parent.glob("*.py"))
IMPURE = {"io", "logging", "os", "pathlib", "random", "socket", "subprocess", "sys", "time"}


def imported_modules(path: Path) -> Iterator[str]:
    """The first parts of all module names that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_of_the_room_imports_anything_that_touches_the_world(path: Path) -> None:
    """No file, clock, chance, network or process: the same bytes always give the same event."""
    assert not IMPURE & set(imported_modules(path))
