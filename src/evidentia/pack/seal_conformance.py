"""Whether a pack's seal schemes keep their contract, whatever somebody writes into a log.

A checker runs over every line of a log, edited ones above all: one that raises would hide what it
was made to find.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from evidentia.pack.seal import (
    SealKeys,
    SealReading,
    SealScheme,
    SealVerdict,
    read_members,
)
from evidentia.proof.claims import Level

if TYPE_CHECKING:
    from evidentia.pack.contract import Pack

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_DEPTH: Final = 3_000
"""Deeper than any event, and than what a recursive function survives."""
_CUTS: Final = 24
_WITHOUT_LEVEL: Final = (SealVerdict.INVALID, SealVerdict.ABSENT)
_SHOWN_BYTES: Final = 120

HOSTILE_MEMBERS: Final = (
    *(b"null", b"true", b"0", b"-1", b"18446744073709551616", b"9" * 5_000, b"1.5", b"1e400"),
    *(b'""', b'"x"', rb'"\ud800"', rb'"\u0000"', b'"' + b"0" * 64 + b'"', '"é"'.encode()),
    *(b"[]", b"{}", b'{"schema_version":1}', b"[" * _DEPTH + b"]" * _DEPTH),
)
"""Values as they could stand in a line, of every type and some that break conversions."""

HOSTILE_LINES: Final = (
    *(b"", b" ", b"\r", b"\0", b"\xff\xfe", b"null", b"[]", b"{}", b'"', b"{", b"}", b'{"":0}'),
    *(b'{"a":NaN}', b'{"a":1}trailing', b"[" * 100_000, b'{"a":' * _DEPTH + b"0" + b"}" * _DEPTH),
)

_EVERY_KEY: Final = SealKeys(
    public_keys={"zero": bytes(32), "short": b"x"},
    secrets=(b"", b"secret"),
    is_signature_required=True,
    is_legacy_allowed=True,
    predecessors=frozenset({"", "0" * 64}),
)


def seal_problems(pack: Pack) -> Iterator[str]:
    """Every way in which the pack's seal schemes break their contract."""
    names = Counter(scheme.name for scheme in pack.seals)
    yield from (f"seal {name!r} is declared twice" for name, count in names.items() if count > 1)
    samples = [sample.line for sample in pack.samples]
    lines = [*HOSTILE_LINES, *samples, *(bent for line in samples for bent in bent_lines(line))]
    for scheme in pack.seals:
        yield from _text_problems(pack.name, scheme)
        for keys in (SealKeys(), _EVERY_KEY):
            problem = _run_problem(scheme, keys, lines)
            if problem is not None:
                yield f"seal {scheme.name!r}: {problem}"
                break
        else:
            if not any(scheme.recognises(line) for line in samples):
                yield f"seal {scheme.name!r}: no sample of the pack carries it"


def bent_lines(line: bytes) -> Iterator[bytes]:
    """A good line cut short, and with each of its members taken out or replaced."""
    yield from (line[: len(line) * cut // _CUTS] for cut in range(_CUTS))
    yield line + line
    yield from _bent_objects(line)


def _bent_objects(line: bytes) -> Iterator[bytes]:
    members = read_members(line) or {}
    for name, value in members.items():
        yield _object({key: other for key, other in members.items() if key != name})
        replacements = (*HOSTILE_MEMBERS, *_bent_objects(value))
        yield from (_object({**members, name: other}) for other in replacements)


def _object(members: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(b'"%b":%b' % (key.encode(), members[key]) for key in members) + b"}"


def _text_problems(pack_name: str, scheme: SealScheme) -> Iterator[str]:
    prefix, _, word = scheme.name.partition(".")
    if prefix != pack_name or not _NAME.fullmatch(word):
        yield f"seal {scheme.name!r} is not called {pack_name}.<lower-case identifier>"
    texts = (scheme.title, *scheme.covers, *scheme.does_not_cover)
    if not scheme.covers or not scheme.does_not_cover or not all(text.strip() for text in texts):
        yield f"seal {scheme.name!r} does not say what it covers and what it does not"


def _run_problem(scheme: SealScheme, keys: SealKeys, lines: Sequence[bytes]) -> str | None:
    """The first thing that is wrong when one checker reads all lines; None for nothing."""
    line = b""
    try:
        checker = scheme.checker(keys)
        for line in lines:
            is_recognised: object = scheme.recognises(line)
            head: object = "" if scheme.head is None else scheme.head(line)
            if not isinstance(is_recognised, bool) or not isinstance(head, str):
                return f"its answers are of the wrong type for {line[:_SHOWN_BYTES]!r}"
            problem = _reading_problem(checker.check(line), has_keys=bool(keys.secrets))
            if problem is not None:
                return f"{problem} for {line[:_SHOWN_BYTES]!r}"
    except Exception as error:  # noqa: BLE001 - a pack's own code may raise anything
        return f"it raises {type(error).__name__} for {line[:_SHOWN_BYTES]!r}"
    return None


def _reading_problem(reading: object, *, has_keys: bool) -> str | None:
    if not isinstance(reading, SealReading):
        return f"it gives a {type(reading).__name__}"
    if reading.verdict in _WITHOUT_LEVEL and reading.level is not None:
        return f"it gives {reading.verdict} with a level"
    if reading.verdict is SealVerdict.INVALID and reading.reason is None:
        return "it gives invalid without a reason"
    if not has_keys and reading.level is not None and reading.level > Level.CHAIN:
        return "it claims more than a chain without any key"
    return None
