"""The checkout as data: which files there are, and what stands in the Python ones."""

from __future__ import annotations

import ast
import io
import subprocess
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = "src/evidentia"


def names() -> list[str]:
    """Every file that is, or would be, in version control; in an unpacked sdist: every file."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return sorted(_walked())
    found = {name for name in listed.stdout.split("\0") if name}
    return sorted(name for name in found if (CHECKOUT / name).is_file())


def _walked() -> Iterator[str]:
    for path in CHECKOUT.rglob("*"):
        name = path.relative_to(CHECKOUT)
        is_hidden = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
        if path.is_file() and not is_hidden:
            yield name.as_posix()


def texts(*folders: str, suffix: str = ".py") -> dict[str, str]:
    """The files below ``folders`` with that suffix: their text, by name."""
    wanted = tuple(f"{folder}/" for folder in folders)
    return {
        name: (CHECKOUT / name).read_text("utf-8")
        for name in names()
        if name.startswith(wanted) and name.endswith(suffix)
    }


def trees(files: Mapping[str, str]) -> dict[str, ast.Module]:
    """The same files, parsed."""
    return {name: ast.parse(text, filename=name) for name, text in files.items()}


def room(name: str) -> str:
    """The room that a file of the package belongs to: ``store``, or ``app`` for ``app.py``."""
    return name.removeprefix(f"{PACKAGE}/").split("/")[0].removesuffix(".py")


def comments(text: str) -> Iterator[tuple[int, str]]:
    """Every comment with its line number."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function, methods and nested ones included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def strings(tree: ast.Module, *, with_docstrings: bool = True) -> Iterator[tuple[int, str]]:
    """Every string with its line number; an f-string is one string, with ``?`` for its values."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and not with_docstrings:
            skipped.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            yield node.lineno, "".join(_part(part) for part in node.values)
        elif isinstance(node, ast.Constant) and id(node) not in skipped:
            yield node.lineno, _part(node)


def _part(part: ast.expr) -> str:
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "?"
