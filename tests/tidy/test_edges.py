"""Where the outside world may be touched: printing, exiting, SQL, files and clocks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from .source import room, strings, texts

PURE_ROOMS: Final = {"errors", "event", "proof", "packs"}
"""import-linter keeps the modules out that do input or output; this file the builtins and clocks.

``pack`` is not among them: it may look for packs and read their files through importlib.
"""

_EXITS: Final = {
    "print",
    "exit",
    "quit",
    "sys.exit",
    "os._exit",
    "sys.stdout.write",
    "sys.stderr.write",
}
_IMPURE_CALLS: Final = {
    "open",
    "input",
    "exec",
    "eval",
    "__import__",
    "importlib.import_module",
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "datetime.datetime.now",
    "date.today",
}
_SQL: Final = re.compile(
    r"\b(SELECT\b.*\bFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM"
    r"|(CREATE|DROP|ALTER)\s+(UNIQUE\s+|TEMP\w*\s+|VIRTUAL\s+)?(TABLE|INDEX|VIEW|TRIGGER)"
    r"|PRAGMA\s+\w+|ATTACH\s+DATABASE)\b",
    re.DOTALL,
)
_SQL_LOWER: Final = re.compile(rf"\s*{_SQL.pattern}", re.DOTALL | re.IGNORECASE)


def dotted(node: ast.expr) -> str:
    """``sys.stdout.write`` for such an expression; empty for anything but names and dots."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every call of a plain or dotted name, with its line; ``raise SystemExit`` counts as exit."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, dotted(node.func)
        elif isinstance(node, ast.Name) and node.id == "SystemExit":
            yield node.lineno, "exit"


def statements(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every string that is, or holds, an SQL statement; docstrings may quote one."""
    for line, text in strings(tree, with_docstrings=False):
        if _SQL.search(text) or _SQL_LOWER.match(text):
            yield line, text


def parsed() -> dict[str, ast.Module]:
    """Every module of the package, parsed."""
    return {name: ast.parse(text) for name, text in texts("src").items()}


def test_only_the_command_line_prints_or_exits() -> None:
    """No other room calls print, sys.exit or the like, the worker process included."""
    found = [
        f"{name}:{line}: {called}"
        for name, tree in parsed().items()
        if room(name) != "cli"
        for line, called in calls(tree)
        if called in _EXITS
    ]

    assert found == []


@pytest.mark.parametrize(
    "line",
    ["print(1)", "sys.exit(1)", "os._exit(1)", "raise SystemExit", "sys.stdout.write('x')"],
)
def test_printing_and_exiting_is_found(line: str) -> None:
    """The check sees each way to print or exit."""
    assert {called for _, called in calls(ast.parse(line))} & _EXITS


def test_pure_rooms_open_nothing_and_ask_no_clock() -> None:
    """Events, proofs, errors and packs are functions of their arguments."""
    found = [
        f"{name}:{line}: {called}"
        for name, tree in parsed().items()
        if room(name) in PURE_ROOMS
        for line, called in calls(tree)
        if called in _IMPURE_CALLS
    ]

    assert found == []


def test_sql_lives_in_sql_files_or_in_the_store() -> None:
    """Outside ``store/`` no string holds an SQL statement; whole statements are .sql files."""
    found = [
        f"{name}:{line}: {text!r}"
        for name, tree in parsed().items()
        if room(name) != "store"
        for line, text in statements(tree)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("code", "is_sql"),
    [
        ('x = "SELECT id FROM events"', True),
        ('x = f"UPDATE {table} SET a = 1"', True),
        ('x = "insert into events values (1)"', True),
        ('x = ("CREATE "\n     "TABLE t (a)")', True),
        ('x = "select a row from the list"', True),
        ('x = "choose: delete it, or select one"', False),
        ('def f():\n    """Run SELECT 1 FROM events."""', False),
    ],
)
def test_an_sql_statement_in_a_string_is_found(code: str, is_sql: bool) -> None:  # noqa: FBT001 - a case, not a switch
    """The check sees statements in plain, joined and formatted strings, and leaves prose alone."""
    assert bool(list(statements(ast.parse(code)))) is is_sql
