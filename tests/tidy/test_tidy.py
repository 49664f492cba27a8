"""The house rules of STYLE.md that no linter checks. Each check is also shown a file that fails."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator
from typing import Final

import pytest

from .source import CHECKOUT, PACKAGE, comments, functions, names, room, texts, trees

MODULE_LINES_MAX: Final = 400
FUNCTION_LINES_MAX: Final = 50
VAGUE_NAMES: Final = {"utils", "helpers", "common", "base", "core", "manager"}
MIGRATIONS: Final = f"{PACKAGE}/store/migrations/versions/"
"""Exempt from the limits: a migration is written once, read top to bottom, and never edited."""

_NOQA: Final = re.compile(r"#\s*(?:ruff:\s*|flake8[:=]\s*)?noqa\b:?(?P<rest>.*)", re.IGNORECASE)
_NOQA_CODES: Final = re.compile(r"\s*[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*\b(?P<reason>.*)")
_TYPE_IGNORE: Final = re.compile(r"#\s*type:\s*ignore(?P<rest>.*)")
_REASON: Final = re.compile(r"[A-Za-z]{2,}")


def code_lines(
    function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str], first: int
) -> int:
    """How many lines a function has from line ``first`` on, without docstring and blank lines."""
    docstring: range = range(0)
    if ast.get_docstring(function, clean=False) is not None:
        docstring = range(function.body[0].lineno, _end(function.body[0]) + 1)
    counted = range(first, _end(function) + 1)
    return sum(line not in docstring and bool(lines[line - 1].strip()) for line in counted)


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def long_functions(name: str, text: str) -> Iterator[str]:
    """Every function of a file that is over the limit."""
    lines = text.splitlines()
    for function in functions(ast.parse(text)):
        # A command's parameters are its options with their help: words, not code.
        first = function.body[0].lineno if room(name) == "cli" else function.lineno
        count = code_lines(function, lines, first)
        if count > FUNCTION_LINES_MAX:
            yield f"{name}:{function.lineno}: {function.name} has {count} lines of code"


def unexplained_exemptions(name: str, text: str) -> Iterator[str]:
    """Every ``noqa`` without code or reason and every ``type: ignore`` without code."""
    for line, comment in comments(text):
        noqa = _NOQA.search(comment)
        if noqa:
            codes = _NOQA_CODES.match(noqa["rest"])
            if not codes or not _REASON.search(codes["reason"]):
                yield f"{name}:{line}: {comment}"
        ignored = _TYPE_IGNORE.search(comment)
        if ignored and not re.match(r"\[[a-z-]+(, ?[a-z-]+)*\]", ignored["rest"]):
            yield f"{name}:{line}: {comment}"


def undocumented_tests(name: str, text: str) -> Iterator[str]:
    """Every test without a docstring."""
    for function in functions(ast.parse(text)):
        if function.name.startswith("test_") and not ast.get_docstring(function):
            yield f"{name}:{function.lineno}: {function.name}"


def vague_modules(files: Iterable[str]) -> list[str]:
    """Every file whose name, or a folder of whose path, says nothing."""
    return [name for name in files if VAGUE_NAMES & set(re.split(r"[/.]", name))]


def missing_numbers(numbers: Iterable[int]) -> list[int]:
    """The holes and repeats in what should be 1, 2, 3 and so on."""
    found = sorted(numbers)
    return [want for want, have in enumerate(found, start=1) if want != have]


def rooms() -> list[str]:
    """Every package or module that stands directly in ``evidentia``."""
    found = {room(name) for name in names() if name.startswith(f"{PACKAGE}/")}
    return sorted(found - {"__init__", "__main__", "py.typed"})


def test_modules_stay_short() -> None:
    """No module of the package is over 400 lines."""
    lengths = {name: len(text.splitlines()) for name, text in texts("src").items()}

    long = {name: length for name, length in lengths.items() if length > MODULE_LINES_MAX}

    assert {name for name in long if not name.startswith(MIGRATIONS)} == set()


def test_functions_stay_short() -> None:
    """No function of the package is over 50 lines of code, docstring and blank lines aside."""
    files = {name: text for name, text in texts("src").items() if not name.startswith(MIGRATIONS)}

    found = [each for name, text in files.items() for each in long_functions(name, text)]

    assert found == []


def test_a_long_function_is_found() -> None:
    """The limit counts code, not the docstring or blank lines."""
    body = "    x = 1\n"
    allowed = 'def f():\n    """One.\n\n    Two.\n    """\n\n' + body * (FUNCTION_LINES_MAX - 1)

    assert list(long_functions("f.py", allowed)) == []
    assert len(list(long_functions("f.py", allowed + body))) == 1


def test_no_module_has_a_vague_name() -> None:
    """A module's name says what lives in it."""
    files = texts("src", "tools", "tests", "examples")

    assert vague_modules(files) == []
    assert vague_modules(["src/evidentia/store/utils.py", "src/evidentia/core/x.py"]) != []


def test_the_architecture_names_every_room() -> None:
    """ARCHITECTURE.md says, in backticks, of each room that it is there."""
    page = CHECKOUT / "ARCHITECTURE.md"
    text = page.read_text("utf-8") if page.is_file() else ""

    missing = [
        name
        for name in rooms()
        if not re.search(rf"`(src/evidentia/|evidentia\.)?{name}(/|\.py)?`", text)
    ]

    assert missing == []


def test_every_exemption_says_which_rule_and_why() -> None:
    """A ``noqa`` has a code and a reason, a ``type: ignore`` a code."""
    files = texts("src", "tests", "tools", "examples")

    found = [each for name, text in files.items() for each in unexplained_exemptions(name, text)]

    assert found == []


@pytest.mark.parametrize(
    ("comment", "is_fine"),
    [
        ("# noqa", False),
        ("# noqa: E501", False),
        ("# noqa: E501, S101 -", False),
        ("# noqa: E501, S101 - a table is read by column", True),
        ("# noqa: PTH116  (see above)", True),
        ("# type: ignore", False),
        ("# type: ignore[arg-type]", True),
        ("# an ordinary comment", True),
    ],
)
def test_an_unexplained_exemption_is_found(comment: str, is_fine: bool) -> None:  # noqa: FBT001 - a case, not a switch
    """The check of exemptions tells good from bad."""
    found = list(unexplained_exemptions("f.py", f"x = 1  {comment}\n"))

    assert (found == []) is is_fine


def test_every_test_says_its_promise() -> None:
    """A test has a docstring; together they are the list of what is promised."""
    files = texts("tests", "examples")

    found = [each for name, text in files.items() for each in undocumented_tests(name, text)]

    assert found == []
    assert list(undocumented_tests("t.py", "def test_x():\n    pass\n")) == ["t.py:1: test_x"]


def test_decisions_are_numbered_without_holes_and_listed() -> None:
    """docs/adr counts 0001, 0002 and so on, and its README.md links each."""
    records = {
        name.removeprefix("docs/adr/")
        for name in texts("docs/adr", suffix=".md")
        if re.match(r"docs/adr/\d{4}-", name)
    }
    index = CHECKOUT / "docs/adr/README.md"
    listed = set(re.findall(r"\((\d{4}-[^)#]+\.md)\)", index.read_text("utf-8")))

    assert missing_numbers(int(name[:4]) for name in records) == []
    assert listed == records


def test_a_hole_between_decisions_is_found() -> None:
    """The check of numbers sees holes and repeats."""
    assert missing_numbers([2, 1, 3]) == []
    assert missing_numbers([1, 3]) == [2]
    assert missing_numbers([1, 1]) == [2]


def test_the_public_names_are_sorted_and_there() -> None:
    """``evidentia.__all__`` is in order, and each name in it can be had."""
    package = importlib.import_module("evidentia")
    public: list[str] = package.__all__

    assert public == sorted(public)
    assert [name for name in public if not hasattr(package, name)] == []


def test_the_checks_read_something() -> None:
    """The files under check are really found, so that an empty list means clean."""
    assert f"{PACKAGE}/errors.py" in trees(texts("src"))
