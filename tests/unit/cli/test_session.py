"""Shared options before and after the command mean the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.cli.session import FLAG_OPTIONS, VALUE_OPTIONS, Session, chosen_store, hoist
from evidentia.errors import ConfigError, UsageError

from .conftest import Command

WORDS = st.sampled_from(["ingest", "--log", "x", "-o", "a b", "", "--jobs=3", "-", "--jsonx", "7"])
SHARED = st.one_of(
    st.sampled_from(FLAG_OPTIONS).map(lambda flag: [flag]),
    st.tuples(st.sampled_from(VALUE_OPTIONS), st.sampled_from(["v", "", "--json", "--"])).map(list),
    st.sampled_from(VALUE_OPTIONS).map(lambda name: [f"{name}=v"]),
)


@given(
    parts=st.lists(st.one_of(WORDS.map(lambda word: [word]), SHARED), max_size=8),
    behind=st.lists(WORDS, max_size=3),
)
def test_shared_options_go_first_and_nothing_is_lost(
    parts: list[list[str]], behind: list[str]
) -> None:
    """Wherever they stood, in their order; all else keeps its own order."""
    shared = [part for part in parts if part[0].split("=")[0] in (*VALUE_OPTIONS, *FLAG_OPTIONS)]
    others = [part for part in parts if part not in shared]
    end = ["--", *behind, "--json"] if behind else []

    found = hoist([word for part in parts for word in part] + end)

    assert found == [word for part in (*shared, *others) for word in part] + end


def test_an_option_that_lacks_its_value_is_left_in_its_place() -> None:
    """It does not swallow the command."""
    assert hoist(["ingest", "--db"]) == ["ingest", "--db"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--db", "s.db", "--json", "status"),
        ("status", "--db", "s.db", "--json"),
        ("--json", "status", "--db=s.db"),
        ("status", "--json", "--store", "sqlite:///s.db"),
    ],
    ids=" ".join,
)
def test_options_work_on_both_sides_of_the_command(
    command: Command, store: Path, arguments: tuple[str, ...]
) -> None:
    """The same answer, wherever the options stand."""
    result = command(*arguments)

    assert (result.status, result.object["store"]) == (0, store.name)


def test_the_store_is_named_once() -> None:
    """--db is short for --store; both at once contradict each other."""
    with pytest.raises(UsageError, match="name the same thing"):
        chosen_store("sqlite:///x", Path("x"))

    assert chosen_store(None, None) is None
    assert chosen_store("sqlite:///x", None) == "sqlite:///x"
    assert chosen_store(None, Path("y")) == "y"


def test_a_configuration_in_the_current_folder_is_found(folder: Path) -> None:
    """Without --config, evidentia.toml is read where it is; the command line goes before it."""
    (folder / "evidentia.toml").write_text('[store]\nurl = "sqlite:///here.db"\n')

    found, chosen = Session(), Session(store_address="there.db")

    assert found.config().store.path == folder / "here.db"
    assert chosen.config().store.path == Path("there.db")
    assert "cowrie" in found.workspace().packs


def test_a_configuration_that_was_named_must_be_there(folder: Path) -> None:
    """A slip in the name is not silently the default."""
    with pytest.raises(ConfigError):
        Session(config_path=folder / "absent.toml").config()
