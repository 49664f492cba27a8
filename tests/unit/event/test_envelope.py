"""The envelope of a ledger's event: its canonical line, and what its hash is over."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from evidentia.event.canonical import DEPTH_MAX
from evidentia.event.envelope import (
    DECODER,
    ENCODER,
    Draft,
    Place,
    content_of,
    hashed_bytes,
    is_canonical_line,
    seal,
)
from evidentia.event.values import JsonValue

PLACE = Place(sequence=7, recorded_at="2026-11-27T15:30:00.000000Z", prev_event_hash="0" * 64)


def _line(payload: JsonValue, *tags: str) -> bytes:
    draft = Draft(event_type="test.v1", payload=payload, domain_tags=tags)
    envelope, line = seal(content_of(draft), "evt_1", PLACE)
    assert ENCODER.encode(envelope) == line
    return line


@given(st.text(alphabet='",:event_hash', min_size=1))
def test_a_hash_is_over_the_line_without_it(text: str) -> None:
    """Whatever tags and payload say, what is left out of the hashed bytes is the member itself."""
    line = _line(text, text, ',"event_hash":"')
    envelope = DECODER.decode(line)

    assert hashlib.sha256(hashed_bytes(line, envelope)).hexdigest() == envelope.event_hash


def test_what_an_append_takes_is_canonical() -> None:
    """A payload as deep as fits into a line makes a line that is canonical."""
    payload: JsonValue = "deepest"
    for _ in range(DEPTH_MAX - 1):
        payload = [payload]

    line = _line(payload)

    assert is_canonical_line(line, DECODER.decode(line))


def test_a_line_that_is_not_canonical_is_told_without_an_error() -> None:
    """Spaces, other orders, repeated members and bytes that are no text, wherever they stand."""
    line = _line({"a": 1}, "tag")
    bent = [
        line.replace(b'{"a":1}', b'{"a": 1}'),
        line.replace(b'{"a":1}', b'{"a":0,"a":1}'),
        line.replace(b'{"a":1}', b'"\xff\xfe"'),
        line.replace(b'{"a":1}', b"1.0"),
        line.replace(b'["tag"]', b'["tag" ]'),
        line.replace(b'{"type":"runtime"}', b'{"type":"runtime","type":"runtime"}'),
        line.replace(b'"id":"evt_1"', b'"id":"evt_0","id":"evt_1"'),
        line.replace(b'"id":"evt_1"', b'"id": "evt_1"'),
    ]

    assert is_canonical_line(line, DECODER.decode(line))
    assert [is_canonical_line(each, DECODER.decode(each)) for each in bent] == [False] * len(bent)
