"""One SQL statement, read far enough to say what a named query may not do.

This is not an SQL parser: it knows strings, quoted names and comments, so that a colon, a
semicolon or a word inside them counts for nothing. Whether the statement compiles is for the
engines to say (``evidentia.pack.conformance.compile_queries``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<text>    '(?:[^']|'')*' | "(?:[^"]|"")*" )
    | (?P<open>    ['"] | /\* )
    | (?P<cast>    :: )
    | : (?P<parameter> [A-Za-z_]\w* )
    | (?P<end>     ; )
    | (?P<arrow>   -> )
    | (?P<schema>  [Mm][Aa][Ii][Nn] \s* \. )
    | (?P<word>    [A-Za-z_]\w* )
    """,
    re.VERBOSE | re.DOTALL,
)
_WRITING_WORDS: Final = frozenset({"delete", "insert", "into", "merge", "update"})
"""What can write inside a SELECT or WITH. A read-only connection refuses it too, but later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong in a file, and on which 1-based line."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement without its comments and its final semicolon.

    Attributes:
        sql: The text that an engine is given.
        parameters: The ``:names`` in it, each with the line of its first use.
        problems: Why it cannot be a named query, in line order.
    """

    sql: str
    parameters: dict[str, int]
    problems: tuple[Problem, ...]


def read_statement(text: str) -> Statement:
    """The statement in a text, with everything that keeps it from being a named query."""
    # Comments leave: some drivers would take a colon in one for a parameter.
    code = _TOKEN.sub(_without_comment, text)
    tokens = list(_tokens(code))
    parameters: dict[str, int] = {}
    for name, value, line in tokens:
        if name == "parameter":
            parameters.setdefault(value, line)
    return Statement(
        sql=code.strip().removesuffix(";").rstrip(),
        parameters=parameters,
        problems=tuple(sorted(_problems(code, tokens), key=lambda problem: problem.line)),
    )


def parameter_problems(statement: Statement, declared: dict[str, int]) -> Iterator[Problem]:
    """What is used but not declared, or declared (name to line) but not used."""
    for name, line in statement.parameters.items():
        if name not in declared:
            yield Problem(line=line, text=f"parameter {name!r} is used but not declared")
    for name, line in declared.items():
        if name not in statement.parameters:
            yield Problem(line=line, text=f"parameter {name!r} is declared but not used")


_Token = tuple[str, str, int]


def _without_comment(match: re.Match[str]) -> str:
    if match.lastgroup != "comment":
        return match.group()
    return " " + "\n" * match.group().count("\n")


def _tokens(code: str) -> Iterator[_Token]:
    line, seen = 1, 0
    for match in _TOKEN.finditer(code):
        line += code.count("\n", seen, match.start())
        seen = match.start()
        name = match.lastgroup or ""
        yield name, match.group(name), line


def _problems(code: str, tokens: list[_Token]) -> Iterator[Problem]:
    start = len(code) - len(code.lstrip())
    first_line = code.count("\n", 0, start) + 1
    if not re.match(r"(?i)(select|with)\b", code[start:]):
        yield Problem(line=first_line, text="the statement does not start with SELECT or WITH")
    ends = [index for index, (name, _, _) in enumerate(tokens) if name == "end"]
    if ends and not _is_last(code, ends, tokens):
        line = tokens[ends[0]][2]
        yield Problem(line=line, text="there is more than one statement")
    for name, value, line in tokens:
        yield from _token_problems(name, value.lower(), line)


def _is_last(code: str, ends: Iterable[int], tokens: list[_Token]) -> bool:
    return [*ends] == [len(tokens) - 1] and code.rstrip().endswith(";")


def _token_problems(name: str, value: str, line: int) -> Iterator[Problem]:
    if name == "open":
        yield Problem(line=line, text="a string, quoted name or comment is not closed")
    elif name == "schema":
        # What an earlier moment or a sensor shows shadows the plain name only.
        yield Problem(line=line, text="a relation stands without a schema: main. sees too much")
    elif name == "arrow" or (name == "word" and value.startswith(("json_", "jsonb_"))):
        # Engines disagree on duplicate keys and big integers, so facts come from one parser.
        yield Problem(line=line, text="SQL may not read JSON; promote a column instead")
    elif name == "word" and value in _WRITING_WORDS:
        yield Problem(line=line, text=f"{value.upper()} has no place in a query, which only reads")
