"""What the reader of one SQL statement sees and refuses."""

from __future__ import annotations

import pytest

from evidentia.pack.statement import parameter_problems, read_statement


def test_parameters_are_found_with_their_lines() -> None:
    """A parameter counts where it stands in code, at the line of its first use."""
    statement = read_statement("SELECT a\nFROM t\nWHERE a >= :since AND b < :until AND c = :since")

    assert statement.parameters == {"since": 3, "until": 3}
    assert statement.problems == ()


@pytest.mark.parametrize(
    "code",
    [
        "SELECT ':nothing', 'it''s :nothing', a AS \":nothing\" FROM t",
        "SELECT a::text FROM t",
        "SELECT a -- :nothing; DELETE\nFROM t",
        "SELECT a /* :nothing; 'open */ FROM t",
        "SELECT 'DELETE; json_extract ->' FROM t",
        "-- it's a header\nWITH t AS (SELECT 1 AS a) SELECT a FROM t;\n",
        "select payload_json, raw_json from events",
    ],
)
def test_strings_casts_and_comments_hold_no_code(code: str) -> None:
    """Colons, semicolons, quotes and words inside strings, names and comments count for nothing."""
    statement = read_statement(code)

    assert statement.problems == ()
    assert statement.parameters == {}


def test_comments_and_final_semicolon_leave_the_sql() -> None:
    """An engine is given the code alone: a driver may take a colon in a comment for a parameter."""
    statement = read_statement(
        "-- title: x\nSELECT a, -- :why\n  '--kept' AS b /* :so */\nFROM t ;\n"
    )

    assert statement.sql == "SELECT a,  \n  '--kept' AS b  \nFROM t"


@pytest.mark.parametrize(
    ("code", "line", "text"),
    [
        ("-- a\n\nEXPLAIN SELECT 1", 3, "does not start with SELECT or WITH"),
        ("VALUES (1)", 1, "does not start with SELECT or WITH"),
        ("selection", 1, "does not start with SELECT or WITH"),
        ("", 1, "does not start with SELECT or WITH"),
        ("SELECT 1;\nSELECT 2", 1, "more than one statement"),
        ("SELECT 1;\n2", 1, "more than one statement"),
        ("SELECT 1;;", 1, "more than one statement"),
        ("SELECT 1;\nSELECT 2;", 1, "more than one statement"),
        ("SELECT 'a\nFROM t", 1, "is not closed"),
        ("SELECT 1\n/* never closed", 2, "is not closed"),
        ("SELECT\n  json_extract(raw_json, 'x') FROM events", 2, "may not read JSON"),
        ("SELECT payload_json ->> 'x' FROM events", 1, "may not read JSON"),
        ("SELECT jsonb_typeof(x) FROM t", 1, "may not read JSON"),
        ("WITH a AS (\nDELETE FROM t RETURNING b) SELECT b FROM a", 2, "DELETE has no place"),
        ("SELECT a\ninto b FROM t", 2, "INTO has no place"),
        ("SELECT a\nFROM Main . events", 2, "without a schema"),
    ],
)
def test_what_is_no_query_is_refused_with_its_line(code: str, line: int, text: str) -> None:
    """Whatever is not one reading statement is a problem, with the line where it stands."""
    problems = read_statement(code).problems

    assert [(problem.line, text in problem.text) for problem in problems] == [(line, True)]


def test_problems_come_in_line_order() -> None:
    """Several problems of one statement are all reported, from the top down."""
    problems = read_statement("DELETE\nFROM a;\nINSERT INTO b").problems

    assert [problem.line for problem in problems] == [1, 1, 2, 3, 3]


def test_parameters_must_be_declared_and_used() -> None:
    """An undeclared and an unused parameter are both named, each at its own line."""
    statement = read_statement("SELECT a FROM t\nWHERE a = :used AND b = :unknown")

    problems = list(parameter_problems(statement, {"used": 1, "idle": 1}))

    assert [(problem.line, problem.text) for problem in problems] == [
        (2, "parameter 'unknown' is used but not declared"),
        (1, "parameter 'idle' is declared but not used"),
    ]
