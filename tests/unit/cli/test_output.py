"""Tables that fit, sentences that break between words, one JSON object."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.cli.output import Output, fit, problem_json
from evidentia.errors import UsageError
from evidentia.pack.command import TableColumn

A, B, C = (
    TableColumn(title="a"),
    TableColumn(title="b", is_optional=True),
    TableColumn(title="c", is_cut=True),
)


def test_a_table_keeps_all_columns_where_they_fit() -> None:
    """The one that may be cut gets what is left of the line."""
    found = fit((A, B, C), [["x" * 10, "y" * 10, "z" * 99]], 80)

    assert found.columns == (A, B, C)
    assert found.cut_width == 80 - 20 - 4


def test_optional_columns_go_first_where_the_line_is_short() -> None:
    """The last optional one first, and its cells with it."""
    also = TableColumn(title="d", is_optional=True)

    found = fit((A, B, C, also), [["x" * 10, "y" * 10, "z" * 99, "w" * 10]], 44)

    assert found.columns == (A, B, C)
    assert found.cells == [["x" * 10, "y" * 10, "z" * 99]]


def test_a_table_that_cannot_fit_is_shown_all_the_same() -> None:
    """Without anything left to leave out, the cut column keeps a readable width."""
    found = fit((A, C), [["x" * 70, "z" * 99]], 40)

    assert (found.columns, found.cut_width) == ((A, C), 16)


@given(
    width=st.integers(20, 200),
    rows=st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9), st.text(max_size=99))),
)
def test_no_row_is_lost_in_fitting(width: int, rows: list[tuple[str, str, str]]) -> None:
    """Every row stays, with a cell for each column that is left."""
    found = fit((A, B, C), [list(row) for row in rows], width)

    assert len(found.cells) == len(rows)
    assert all(len(cells) == len(found.columns) for cells in found.cells)
    assert A in found.columns
    assert C in found.columns


def test_json_is_ascii_and_takes_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    """M60: nothing in it can steer a terminal; bytes that are no text keep their number."""
    Output(is_json=True).emit({"raw": b"\xff\x1b[2J", "text": "\x9b\u202e", "path": Output})

    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    assert json.loads(out)["raw"] == "\\xff\x1b[2J"


@pytest.mark.parametrize("output", [Output(is_json=True), Output(verbosity=-1)])
def test_a_page_for_people_is_silent_with_json_and_quiet(
    output: Output, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sentences, tables and records belong to the page."""
    output.say("x")
    output.table((A,), [["x"]])
    output.records((A,), [["x"]])

    assert capsys.readouterr().out == ""


def test_a_note_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Also with --json; only --quiet silences it."""
    Output(is_json=True).note("first")
    Output(verbosity=-1).note("second")

    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "first\n")


def test_cells_are_made_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    """M60: whatever stands in a cell stays in its cell."""
    Output().table((A, C), [[1_234, "\x1b[31m[bold]x[/bold]\n"], [True, None]])

    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["a", "c"],
        ["1,234", r"\x1b[31m[bold]x[/bold]\x0a"],
        ["True"],
    ]


def test_records_are_a_table_where_they_fit_and_lines_where_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of a record is ever cut."""
    columns = (TableColumn(title="long name"), TableColumn(title="hash"))
    output = Output()
    monkeypatch.setattr("evidentia.cli.output._PIPE_WIDTH", 60)

    output.records(columns, [["x", "y" * 20]])
    table = capsys.readouterr().out
    output.records(columns, [["x", "y" * 64], ["", "z"]])
    lines = capsys.readouterr().out

    assert [line.rstrip() for line in table.splitlines()] == [
        "long name  hash",
        f"x          {'y' * 20}",
    ]
    assert lines == f"long name  x\nhash       {'y' * 64}\n\nhash       z\n\n"


def test_long_sentences_are_whole_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """A file or pipe has no width."""
    Output().say("word " * 100)

    assert capsys.readouterr().out.count("\n") == 1


def test_an_error_is_four_keys() -> None:
    """The contract of every failure in JSON."""
    assert problem_json(UsageError("a", where="b", fix="c")) == {
        "error": "UsageError",
        "what": "a",
        "where": "b",
        "fix": "c",
    }
