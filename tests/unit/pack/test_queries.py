"""How named queries come out of a package's .sql files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evidentia.errors import PackError
from evidentia.pack.contract import ParameterType, QueryParameter, ResultColumn, ResultType
from evidentia.pack.queries import load_queries, parse_query

GOOD = """\
-- title: What changed
-- description: Two sentences. With: a colon.
-- parameter since: time = -1h | From when on.
-- parameter limit: integer = 100 | How many.
-- parameter word: text = | Which; empty for all.

-- column ts: time | When
-- column share: real | Share | of all
SELECT ts, share FROM events -- :why
WHERE ts >= :since AND kind <> :word LIMIT :limit;
"""


def _package(folder: Path, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> str:
    name = "package_with_queries"
    (folder / name / "queries").mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    for file, content in files.items():
        (folder / name / "queries" / file).write_bytes(content)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def _problems(header: str, code: str = "SELECT 1") -> str:
    text = f"-- title: T\n-- description: D.\n-- column a: text | A\n{header}\n{code}\n"
    with pytest.raises(PackError) as caught:
        parse_query("name", text)
    return caught.value.what


def test_a_file_gives_every_part_of_a_query() -> None:
    """Title, description, parameters, columns and the bare statement are read from one file."""
    query = parse_query("changes", GOOD)

    assert query.name == "changes"
    assert query.title == "What changed"
    assert query.description == "Two sentences. With: a colon."
    assert query.parameters == (
        QueryParameter(
            name="since", type=ParameterType.TIME, default="-1h", description="From when on."
        ),
        QueryParameter(
            name="limit", type=ParameterType.INTEGER, default="100", description="How many."
        ),
        QueryParameter(
            name="word",
            type=ParameterType.TEXT,
            default="",
            description="Which; empty for all.",
        ),
    )
    assert query.columns == (
        ResultColumn(name="ts", type=ResultType.TIME, title="When"),
        ResultColumn(name="share", type=ResultType.REAL, title="Share | of all"),
    )
    assert " ".join(query.sql.split()) == (
        "SELECT ts, share FROM events WHERE ts >= :since AND kind <> :word LIMIT :limit"
    )


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("-- column b: number | B", "name.sql:4: column 'b' has the unknown type 'number'"),
        ("-- column a: text | A", "name.sql:4: column 'a' is declared twice"),
        ("-- column b: text = 1 | B", "name.sql:4: column 'b' cannot have a default"),
        ("-- title: Again", "name.sql:4: there is a second title"),
        ("-- field b: text | B", "name.sql:4: '-- field b: text | B' is no title"),
        ("-- column b: text", "name.sql:4: '-- column b: text' is no title"),
        ("-- parameter p: text = | P", "name.sql:4: parameter 'p' is declared but not used"),
    ],
)
def test_a_wrong_header_line_is_named(header: str, problem: str) -> None:
    """A header line that says nothing valid is reported with file and line."""
    assert problem in _problems(header)


@pytest.mark.parametrize(
    ("declaration", "problem"),
    [
        ("p: date = 1 | P", "unknown type 'date' (text, integer, time)"),
        ("p: integer | P", "parameter 'p' needs a default that is an integer"),
        ("p: integer = 1.5 | P", "parameter 'p' needs a default that is an integer"),
        ("p: time = 1h | P", "parameter 'p' needs a default that is relative to now"),
        ("p: time = 2026-01-01 | P", "parameter 'p' needs a default that is relative to now"),
        ("p: time = soon | P", "parameter 'p' needs a default that is relative to now"),
        ("p: text | P", "parameter 'p' needs a default that is a text"),
        ("p: text = | P\n-- parameter p: text = | P", "parameter 'p' is declared twice"),
    ],
)
def test_a_wrong_parameter_is_named(declaration: str, problem: str) -> None:
    """A parameter without a known type and a fitting default is reported."""
    assert problem in _problems(f"-- parameter {declaration}", "SELECT :p")


@pytest.mark.parametrize(
    "default", ["-30d", "now", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+01:00"]
)
def test_times_are_relative_or_carry_a_zone(default: str) -> None:
    """A default time means the same instant on every machine."""
    header = "-- title: T\n-- description: D.\n-- column a: text | A"
    text = f"{header}\n-- parameter p: time = {default} | P\nSELECT :p"

    query = parse_query("name", text)

    assert query.parameters[0].default == default


def test_all_problems_of_a_file_are_reported_together() -> None:
    """One error lists everything that is missing, unknown and not allowed, in line order."""
    with pytest.raises(PackError) as caught:
        parse_query("Bad-Name", "-- parameter gone: text = | G\nDELETE FROM t WHERE a = :other")

    assert [part.strip() for part in caught.value.what.split(";")] == [
        "Bad-Name.sql:1: the file's name is not a lower-case identifier",
        "Bad-Name.sql:1: there is no title",
        "Bad-Name.sql:1: there is no description",
        "Bad-Name.sql:1: there are no columns",
        "Bad-Name.sql:1: parameter 'gone' is declared but not used",
        "Bad-Name.sql:2: the statement does not start with SELECT or WITH",
        "Bad-Name.sql:2: DELETE has no place in a query, which only reads",
        "Bad-Name.sql:2: parameter 'other' is used but not declared",
    ]


@pytest.mark.parametrize("text", ["", "-- title: T\n-- description: D.\n-- column a: text | A"])
def test_a_file_without_a_statement_is_refused(text: str) -> None:
    """A header alone, or nothing at all, is not a query."""
    with pytest.raises(PackError, match="does not start with SELECT or WITH"):
        parse_query("name", text)


def test_queries_of_a_package_come_in_name_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every .sql file of the folder is a query; other files are left alone."""
    files = {"second.sql": GOOD.encode(), "first.sql": GOOD.encode(), "notes.txt": b"\xff"}
    package = _package(tmp_path, files, monkeypatch)

    queries = load_queries(package)

    assert [query.name for query in queries] == ["first", "second"]


def test_problems_of_all_files_are_in_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not UTF-8 does not hide what is wrong with the next one."""
    files = {"a.sql": b"-- title: \xff", "b.sql": b"SELECT 1", "c.sql": GOOD.encode()}
    package = _package(tmp_path, files, monkeypatch)

    with pytest.raises(PackError) as caught:
        load_queries(package)

    assert "a.sql:1: the file is not UTF-8 (byte 10)" in caught.value.what
    assert "b.sql:1: there is no title" in caught.value.what
    assert "c.sql" not in caught.value.what
    assert caught.value.where == f"package {package}"


def test_a_package_without_queries_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel that lost its .sql files fails loudly rather than offering no query."""
    package = _package(tmp_path, {}, monkeypatch)
    (tmp_path / package / "queries").rmdir()

    with pytest.raises(PackError, match=r"there is no queries/\*\.sql"):
        load_queries(package)


def test_an_unknown_package_is_refused() -> None:
    """A mistyped package name is a PackError, not a raw import error."""
    with pytest.raises(PackError, match="there is no package no_such_package"):
        load_queries("no_such_package")
