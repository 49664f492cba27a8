"""Digests of repair events: ours over every field, and the older form, which is only recognised.

``digest_of`` is hex SHA-256 of a domain prefix and the RFC 8785 bytes of all twelve fields as one
object. So no two different events have equal input: fields cannot run into each other, and None
is not the text ``null``. The older form joins six fields without separators.

A digest stands in the event it is about, without a key: it finds accidents and careless edits. An
edit with a new digest is found by the ledger's chain and heads, not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from evidentia.event.canonical import canonical_bytes
from evidentia.event.values import JsonObject, JsonValue

EVENT_DOMAIN: Final = b"evidentia repair event v1\n"
SESSION_DOMAIN: Final = b"evidentia repair session v1\n"
ABSENT_DIGEST: Final = "absent"
"""Stands for the digest of an event whose form has none."""
EMPTY_SESSION: Final = sha256(SESSION_DOMAIN).hexdigest()
"""The digest of a session without events."""


class DigestStanding(StrEnum):
    """What the digest of an event is worth. The words are shown and stable."""

    VALID = "digest: covers every field"
    UPSTREAM = "upstream digest: covers 6 fields"
    ABSENT = "absent"
    INVALID = "digest does not match"


def digest_of(fields: JsonObject) -> str:
    """The digest of an event's fields.

    Raises:
        RejectionError: A field cannot be written as JSON, such as half of a surrogate pair.
    """
    # A float anywhere makes the canonical writer take ten times as long. So it is written apart
    # and put where it belongs: a quote inside a text is escaped, so the mark occurs once.
    score = canonical_bytes(fields["similarity_score"])
    written = canonical_bytes({**fields, "similarity_score": None})
    return sha256(EVENT_DOMAIN + written.replace(_NO_SCORE, _SCORE + score, 1)).hexdigest()


_SCORE: Final = b',"similarity_score":'
_NO_SCORE: Final = _SCORE + b"null"


def digest_standing(fields: JsonObject, stated: str, computed: str) -> DigestStanding:
    """What a stated digest is worth.

    Args:
        fields: The event's fields, without its digest.
        stated: The digest that it states.
        computed: ``digest_of(fields)``.
    """
    if stated == computed:
        return DigestStanding.VALID
    if stated == ABSENT_DIGEST:
        return DigestStanding.ABSENT
    return DigestStanding.UPSTREAM if stated in upstream_digests(fields) else DigestStanding.INVALID


def upstream_digests(fields: Mapping[str, JsonValue]) -> frozenset[str]:
    """The digests that the older form may have: its time is written in one of two ways."""
    written = {str(fields["timestamp"])}
    with suppress(ValueError):
        written.add(datetime.fromisoformat(str(fields["timestamp"])).isoformat())
    return frozenset(_joined(fields, text) for text in written)


def _joined(fields: Mapping[str, JsonValue], timestamp: str) -> str:
    old = fields["old_parent_uuid"]
    parts = (
        *(fields["event_id"], fields["session_id"], timestamp, fields["message_id"]),
        *("null" if old is None else old, fields["new_parent_uuid"]),
    )
    return sha256("".join(str(part) for part in parts).encode()).hexdigest()


def next_session_digest(before: str, stated: str, computed: str) -> str:
    """The digest of a session after one more event.

    A chain rather than a hash over all, so that a table that is kept current need not read the
    earlier events again. It covers every field of every event, the digest that each states, and
    their order.

    Args:
        before: The digest so far; ``EMPTY_SESSION`` at the beginning.
        stated: The digest that the event states.
        computed: ``digest_of`` its fields.
    """
    link: JsonObject = {"before": before, "computed": computed, "stated": stated}
    return sha256(SESSION_DOMAIN + canonical_bytes(link)).hexdigest()
