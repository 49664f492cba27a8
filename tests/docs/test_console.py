"""Whether the examples of the documentation print what the pages say, run for real."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from .console import CHECKOUT, examples_of, is_match, outputs_of, refreshed
from .pages import pages

WITH_EXAMPLES = [
    name
    for name, text in pages().items()
    if name.startswith(("README.md", "docs/")) and examples_of(text)
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_every_example_prints_what_the_page_says(name: str, tmp_path: Path) -> None:
    """The commands of a page, run in order in a scratch folder, print the lines below them."""
    examples = examples_of(pages()[name])
    programs = {each.command.split()[0] for each in examples}
    missing = [each for each in programs if each in {"sqlite3", "gzip"} and not shutil.which(each)]
    if missing:
        pytest.skip(f"{name} uses {', '.join(missing)}, which is not installed")

    outputs = outputs_of(examples, tmp_path)

    for example, actual in zip(examples, outputs, strict=True):
        shown = "\n".join(actual)
        assert is_match(example.expected, actual), (
            f"{name}:{example.line}: $ {example.command}\nprints:\n{shown}"
        )


def test_the_pages_that_must_have_examples_have_them() -> None:
    """The tour and the tutorial are under test, so that an empty list means nothing is wrong."""
    assert {"README.md", "docs/tutorial.md"} <= set(WITH_EXAMPLES)
    assert len(examples_of(pages()["docs/tutorial.md"])) > 20


def test_examples_leave_the_checkout_alone(tmp_path: Path) -> None:
    """What a page does to its logs happens in a copy."""
    before = (CHECKOUT / "examples/logs/hostile.jsonl").read_bytes()

    outputs_of(examples_of("```console\n$ rm -r examples/logs tools\n```\n"), tmp_path)

    assert (CHECKOUT / "examples/logs/hostile.jsonl").read_bytes() == before


PAGE = """\
Text.

```console
$ cat > a <<'END'
> one
>
> two
> END
$ cat a && echo "it took 3 s"
one

two
it took ... s
$ false
$ echo $?
1
```
"""


def test_examples_are_read_with_their_lines() -> None:
    """A command goes on behind ``> ``; what follows is its output."""
    found = examples_of(PAGE)

    assert [(each.line, each.command) for each in found] == [
        (4, "cat > a <<'END'\none\n\ntwo\nEND"),
        (9, 'cat a && echo "it took 3 s"'),
        (14, "false"),
        (15, "echo $?"),
    ]
    assert found[1].expected == ("one", "", "two", "it took ... s")


def test_examples_run_in_one_shell(tmp_path: Path) -> None:
    """Files, folders and the exit status of one example are there for the next."""
    examples = examples_of(PAGE)

    outputs = outputs_of(examples, tmp_path)

    assert outputs == [(), ("one", "", "two", "it took 3 s"), (), ("1",)]


@pytest.mark.parametrize(
    ("expected", "actual", "is_same"),
    [
        (("a",), ("a",), True),
        (("a",), ("b",), False),
        (("a",), (), False),
        ((), ("a",), False),
        (("in ... s",), ("in 0.1 s",), True),
        (("in ... s",), ("in 0.1 ms", "s"), False),
        (("a", "...", "d"), ("a", "b", "c", "d"), True),
        (("a", "...", "d"), ("a", "d"), True),
        (("a", "...", "d"), ("a", "b", "c"), False),
        (("1.5 (x)",), ("115 (x)",), False),
    ],
)
def test_three_dots_stand_for_anything(
    expected: tuple[str, ...], actual: tuple[str, ...], *, is_same: bool
) -> None:
    """Within a line for any characters, alone for any lines; all else is taken at its word."""
    assert is_match(expected, actual) is is_same


def test_refreshing_changes_only_what_does_not_match() -> None:
    """An example that still matches keeps its dots; another one gets what is printed now."""
    outputs = [(), ("one", "", "two", "it took 9 s"), (), ("2", "3")]

    page = refreshed(PAGE, outputs)

    assert page == PAGE.replace("$ echo $?\n1\n", "$ echo $?\n2\n3\n")


def test_a_block_must_begin_with_a_command() -> None:
    """Output without a command above it is a mistake in the page."""
    with pytest.raises(ValueError, match=re.escape("line 2 does not begin with a command")):
        examples_of("```console\nstored 1 event\n```\n")
