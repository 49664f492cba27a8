"""Globbing: what an entry of the allow-list stands for."""

from __future__ import annotations

import errno
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evidentia.errors import LogMissingError, LogUnreadableError
from evidentia.log.globbing import expand


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small tree of logs, and the working folder in it."""
    for name in ("a.json", "b.json", ".hidden.json", "note.txt", "x/a.json", "x/y/c.json"):
        path = tmp_path / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "logs" / ".git").mkdir()
    (tmp_path / "logs" / ".git" / "d.json").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("logs/a.json", ["logs/a.json"]),
        ("./logs/../logs/a.json", ["./logs/../logs/a.json"]),
        ("logs/*.json", ["logs/a.json", "logs/b.json"]),
        ("logs/?.json", ["logs/a.json", "logs/b.json"]),
        ("logs/[!a].json", ["logs/b.json"]),
        ("logs/.*.json", ["logs/.hidden.json"]),
        ("logs/*", ["logs/a.json", "logs/b.json", "logs/note.txt", "logs/x"]),
        ("*/a.json", ["logs/a.json"]),
        ("l*/x/*.json", ["logs/x/a.json"]),
        ("logs/*/y/*.json", ["logs/x/y/c.json"]),
        ("logs/**/a.json", ["logs/a.json", "logs/x/a.json"]),
        ("logs/**/y/c.json", ["logs/x/y/c.json"]),
        ("logs/**/**/*.json", ["logs/a.json", "logs/b.json", "logs/x/a.json", "logs/x/y/c.json"]),
        ("logs/x/**", ["logs/x/a.json", "logs/x/y/c.json"]),
        ("**/x/*", ["logs/x/a.json"]),
    ],
)
@pytest.mark.usefixtures("tree")
def test_a_pattern_stands_for_what_a_shell_would_name(pattern: str, names: list[str]) -> None:
    """M20: one-folder wildcards, ``**``, hidden names only on request, spelling kept, sorted."""
    expansion = expand(pattern)

    assert list(expansion.names) == names
    assert expansion.problems == ()


def test_an_absolute_pattern_gives_absolute_names(tree: Path) -> None:
    """M20: a pattern from the root works like one from here."""
    expansion = expand(f"{tree}/logs/x/*.json")

    assert expansion.names == (f"{tree}/logs/x/a.json",)


def test_a_pattern_at_the_root_gives_names_with_one_slash() -> None:
    """M20: a name directly under the root does not begin with two slashes."""
    expansion = expand("/de[v]")

    assert expansion.names == ("/dev",)


def test_the_home_folder_is_known_by_its_tilde(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """M20: ``~`` in the allow-list is the home of the user who runs evidentia."""
    monkeypatch.setenv("HOME", str(tree))

    expansion = expand("~/logs/a.*")

    assert expansion.names == (f"{tree}/logs/a.json",)


@pytest.mark.parametrize("name", ["a[1].json", "what?.json", "star*.json", "[.json"])
def test_a_name_that_exists_is_never_taken_for_a_pattern(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M56: a bracket in a file's real name is a bracket."""
    monkeypatch.chdir(tmp_path)
    Path(name).touch()
    Path("a1.json").touch()

    expansion = expand(name)

    assert expansion.names == (name,)


@pytest.mark.parametrize(
    "pattern", ["", "nul\0.json", "nothing.json", "logs/a.json/x", "logs/q*.json", "no/*/x.json"]
)
@pytest.mark.usefixtures("tree")
def test_an_entry_that_stands_for_nothing_is_a_problem(pattern: str) -> None:
    """M19: a missing path or a pattern without a match is said, never passed over."""
    expansion = expand(pattern)

    assert expansion.names == ()
    assert [type(problem) for problem in expansion.problems] == [LogMissingError]


@pytest.mark.usefixtures("tree")
def test_a_wildcard_before_a_literal_name_finds_only_what_is_there() -> None:
    """M20: folders that match but lack the file are not matches."""
    Path("logs/z").mkdir()

    expansion = expand("logs/*/a.json")

    assert expansion.names == ("logs/x/a.json",)


@pytest.mark.usefixtures("tree")
def test_a_folder_that_may_not_be_listed_is_a_problem_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """M58: a folder without permission is named, and the rest of the tree is still found."""
    monkeypatch.setattr(os, "scandir", refusing("logs/x", os.scandir))

    expansion = expand("logs/**/*.json")

    assert expansion.names == ("logs/a.json", "logs/b.json")
    assert {(type(each), each.where) for each in expansion.problems} == {
        (LogUnreadableError, "logs/x")
    }


@pytest.mark.usefixtures("tree")
def test_links_between_folders_do_not_trap_a_recursive_pattern() -> None:
    """M19: two links that point back up the tree, and a looping one, cost nothing."""
    Path("logs/x/up").symlink_to("..")
    Path("logs/x/up2").symlink_to("..")
    Path("logs/loop").symlink_to("loop")

    expansion = expand("logs/**/*.json")

    assert expansion.names == ("logs/a.json", "logs/b.json", "logs/x/a.json", "logs/x/y/c.json")


@pytest.mark.usefixtures("tree")
def test_a_repeated_double_star_costs_no_more_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """M57: a careless pattern does not visit the tree again for each of its stars."""
    listed: list[str] = []
    real_scandir = os.scandir

    def scan(path: str) -> object:
        listed.append(path)
        return real_scandir(path)

    monkeypatch.setattr(os, "scandir", scan)

    expand("logs/**/*.json")
    once, listed = listed, []
    expand("logs/**/**/**/*.json")

    assert listed == once


@pytest.mark.usefixtures("tree")
def test_a_looping_link_that_matches_is_a_name_like_any_other() -> None:
    """M19: it is for whoever opens it to say what is wrong with it."""
    Path("logs/x/loop.json").symlink_to("loop.json")

    expansion = expand("logs/x/**/*.json")

    assert "logs/x/loop.json" in expansion.names


def test_a_tree_deeper_than_the_call_stack_is_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M57: depth is bounded by the file system, not by recursion."""
    monkeypatch.chdir(tmp_path)
    folder = Path(*["d"] * 200)
    folder.mkdir(parents=True)
    (folder / "a.json").touch()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)

    try:
        expansion = expand("**/*.json")
    finally:
        sys.setrecursionlimit(limit)

    assert expansion.names == (str(folder / "a.json"),)
    assert expansion.problems == ()


def refusing(folder: str, scandir: Callable[..., object]) -> Callable[..., object]:
    """A stand-in for ``os.scandir`` that may not list one folder."""

    def scan(path: str) -> object:
        if path == folder:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return scandir(path)

    return scan
