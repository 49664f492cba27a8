"""Named queries out of a package's ``queries/*.sql`` files.

A file is one statement under a header; its name without ``.sql`` names the query::

    -- title: What changed since a time
    -- description: One sentence or more.
    -- parameter since: time = -1h | Only events at or after this time.
    -- parameter limit: integer = 100 | At most this many rows.
    -- column ts: time | When
    -- column kind: text | Kind
    SELECT ts, kind FROM events WHERE ts >= :since ORDER BY id LIMIT :limit

Every comment line of the header is such a declaration; other comments stand below it. The SQL
must run on SQLite and PostgreSQL alike; times are INTEGER UTC microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final, TypeVar

from evidentia.errors import PackError
from evidentia.pack.contract import (
    NamedQuery,
    ParameterType,
    QueryParameter,
    ResultColumn,
    ResultType,
)
from evidentia.pack.statement import Problem, parameter_problems, read_statement

QUERIES: Final = "queries"
"""The folder of a package whose files are its named queries."""
_SUFFIX: Final = ".sql"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_DECLARATION: Final = re.compile(
    r"--\s*(?:(?P<text>title|description):\s*(?P<words>.*\S)"
    r"|(?P<part>parameter|column)\s+(?P<name>\w+):\s*(?P<type>\w+)\s*"
    r"(?:=\s*(?P<default>[^|]*?)\s*)?\|\s*(?P<about>.*\S))\s*"
)
_RELATIVE_TIME: Final = re.compile(r"-\d+[smhdw]")

_Kind = TypeVar("_Kind", bound=StrEnum)


@dataclass(slots=True, kw_only=True)
class _Header:
    """The declarations of one file, as they are read."""

    texts: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, QueryParameter] = field(default_factory=dict)
    columns: dict[str, ResultColumn] = field(default_factory=dict)
    parameter_lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def load_queries(package: str, folder: str = QUERIES) -> tuple[NamedQuery, ...]:
    """Every named query of a package, in name order.

    Args:
        package: Dotted name of the package that has the folder.
        folder: Where in it the ``.sql`` files are.

    Raises:
        PackError: The folder is missing, or files in it are not named queries. All problems of
            all files are in the one error, each with its file and line.
    """
    queries: list[NamedQuery] = []
    problems: list[str] = []
    for file in _query_files(package, folder):
        try:
            queries.append(parse_query(file.name.removesuffix(_SUFFIX), _text_of(file)))
        except PackError as error:
            problems.append(error.what)
    if problems:
        raise PackError(
            "; ".join(problems),
            where=f"package {package}",
            fix="mend the header or the statement of each file named",
        )
    return tuple(queries)


def parse_query(name: str, text: str) -> NamedQuery:
    """The named query that a file's text declares.

    Raises:
        PackError: The text is not one; all its problems, each with its line.
    """
    header = _read_header(text)
    statement = read_statement(text)
    problems = sorted(
        (
            *_name_problems(name),
            *header.problems,
            *_missing(header),
            *statement.problems,
            *parameter_problems(statement, header.parameter_lines),
        ),
        key=lambda problem: problem.line,
    )
    if problems:
        raise PackError(
            "; ".join(f"{name}{_SUFFIX}:{problem.line}: {problem.text}" for problem in problems),
            fix="mend the header or the statement",
        )
    return NamedQuery(
        name=name,
        title=header.texts["title"],
        description=header.texts["description"],
        parameters=tuple(header.parameters.values()),
        columns=tuple(header.columns.values()),
        sql=statement.sql,
    )


def _query_files(package: str, name: str) -> list[Traversable]:
    try:
        folder = resources.files(package) / name
    except ModuleNotFoundError as error:
        raise PackError(
            f"there is no package {package}", fix="pass the pack's own __name__"
        ) from error
    files = [file for file in _entries(folder) if file.name.endswith(_SUFFIX)]
    if not files:
        raise PackError(
            f"there is no {name}/*.sql",
            where=f"package {package}",
            fix="add a query, or do not load any; see that the wheel includes the .sql files",
        )
    return sorted(files, key=lambda file: file.name)


def _entries(folder: Traversable) -> Iterator[Traversable]:
    if folder.is_dir():
        yield from folder.iterdir()


def _text_of(file: Traversable) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise PackError(f"{file.name}:1: the file is not UTF-8 (byte {error.start})") from error


def _read_header(text: str) -> _Header:
    header = _Header()
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("--"):
            break
        if stripped:
            header.problems += (
                Problem(line=number, text=problem)
                for problem in _read_declaration(header, number, stripped)
            )
    return header


def _read_declaration(header: _Header, number: int, line: str) -> Iterator[str]:
    match = _DECLARATION.fullmatch(line)
    if match is None:
        yield f"{line!r} is no title, description, parameter or column"
    elif match["text"]:
        if match["text"] in header.texts:
            yield f"there is a second {match['text']}"
        header.texts[match["text"]] = match["words"]
    elif match["part"] == "column":
        yield from _read_column(header, match)
    else:
        header.parameter_lines.setdefault(match["name"], number)
        yield from _read_parameter(header, match)


def _read_column(header: _Header, match: re.Match[str]) -> Iterator[str]:
    name = match["name"]
    if name in header.columns:
        yield f"column {name!r} is declared twice"
    if match["default"] is not None:
        yield f"column {name!r} cannot have a default"
    kind = _type_of(ResultType, match["type"])
    if kind is None:
        yield _unknown_type(ResultType, match)
    header.columns[name] = ResultColumn(
        name=name, type=kind or ResultType.TEXT, title=match["about"]
    )


def _read_parameter(header: _Header, match: re.Match[str]) -> Iterator[str]:
    name, default = match["name"], match["default"]
    if name in header.parameters:
        yield f"parameter {name!r} is declared twice"
    kind = _type_of(ParameterType, match["type"])
    if kind is None:
        yield _unknown_type(ParameterType, match)
    elif default is None or not _IS_DEFAULT[kind](default):
        yield f"parameter {name!r} needs a default that is {_DEFAULT_FORM[kind]}"
    header.parameters[name] = QueryParameter(
        name=name,
        type=kind or ParameterType.TEXT,
        default=default or "",
        description=match["about"],
    )


def _type_of(types: type[_Kind], word: str) -> _Kind | None:
    return next((kind for kind in types if kind.value == word), None)


def _unknown_type(types: type[StrEnum], match: re.Match[str]) -> str:
    known = ", ".join(kind.value for kind in types)
    return f"{match['part']} {match['name']!r} has the unknown type {match['type']!r} ({known})"


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"-?\d+", text) is not None


def _is_time(text: str) -> bool:
    if text == "now" or _RELATIVE_TIME.fullmatch(text):
        return True
    try:
        # A file that others read states its zone; only a person at the prompt may leave it out.
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_text(_text: str) -> bool:
    return True


_IS_DEFAULT: Final[dict[ParameterType, Callable[[str], bool]]] = {
    ParameterType.TEXT: _is_text,
    ParameterType.INTEGER: _is_integer,
    ParameterType.TIME: _is_time,
}
_DEFAULT_FORM: Final = {
    ParameterType.TEXT: "a text, e.g. '= root' (or '=' for the empty text)",
    ParameterType.INTEGER: "an integer, e.g. '= 100'",
    ParameterType.TIME: "relative to now, e.g. '= -1h', 'now', or ISO 8601 with a zone",
}


def _name_problems(name: str) -> Iterator[Problem]:
    if not _NAME.fullmatch(name):
        yield Problem(line=1, text="the file's name is not a lower-case identifier")


def _missing(header: _Header) -> Iterator[Problem]:
    for text in ("title", "description"):
        if text not in header.texts:
            yield Problem(line=1, text=f"there is no {text}")
    if not header.columns:
        yield Problem(line=1, text="there are no columns")
