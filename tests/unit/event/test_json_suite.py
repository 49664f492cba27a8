"""The strict verdict over the texts of JSONTestSuite, each as a member of an object."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from evidentia.errors import RejectionError
from evidentia.event.canonical import canonical_bytes
from evidentia.event.line import read_line
from evidentia.event.values import Policy, Reason, Verdict

SUITE: Final = Path(__file__).parents[2] / "vectors/JSONTestSuite/cases.json"
CASES: Final = {
    name: base64.b64decode(text) for name, text in json.loads(SUITE.read_text()).items()
} | {
    "n_structure_100000_opening_arrays": b"[" * 100_000,
    "n_structure_open_array_object": b'[{"":' * 50_000 + b"\n",
}
REPEATED_KEYS: Final = {"y_object_duplicated_key", "y_object_duplicated_key_and_value"}
"""Accepted by the suite, refused here on purpose: which of two members counts is not agreed on."""


def verdict_of(text: bytes) -> Verdict | None:
    """What becomes of a line that has this text as the value of a member; None if accepted."""
    found = read_line(b'{"value":' + text + b"}", Policy())
    return found if isinstance(found, Verdict) else None


def test_the_suite_is_whole() -> None:
    """As many texts are tried as the suite has."""
    assert sum(name.startswith("y_") for name in CASES) == 95
    assert sum(name.startswith("n_") for name in CASES) == 188
    assert sum(name.startswith("i_") for name in CASES) == 35


@pytest.mark.parametrize("name", sorted(name for name in CASES if name.startswith("y_")))
def test_what_must_be_accepted_is(name: str) -> None:
    """Every text that is JSON is accepted, but for repeated keys, which say so."""
    verdict = verdict_of(CASES[name])

    if name in REPEATED_KEYS:
        assert verdict is not None
        assert verdict.reason is Reason.DUPLICATE_KEY
    else:
        assert verdict is None


@pytest.mark.parametrize("name", sorted(name for name in CASES if name.startswith("n_")))
def test_what_must_be_refused_is(name: str) -> None:
    """No text that is not JSON is accepted, nor does any stop the reader."""
    assert verdict_of(CASES[name]) is not None


@pytest.mark.parametrize("name", sorted(name for name in CASES if name.startswith("i_")))
def test_what_may_be_either_gets_a_verdict_or_reads_back(name: str) -> None:
    """Where parsers differ, a text is refused with a reason, or its canonical bytes read back."""
    found = read_line(b'{"value":' + CASES[name] + b"}", Policy())

    if isinstance(found, Verdict):
        assert found.detail
        return
    with suppress(RejectionError):
        assert_reads_back(canonical_bytes(found[0]))


def assert_reads_back(line: bytes) -> None:
    """Canonical bytes are a line that is accepted, and their own canonical form."""
    again = read_line(line, Policy())
    assert not isinstance(again, Verdict)
    assert canonical_bytes(again[0]) == line
