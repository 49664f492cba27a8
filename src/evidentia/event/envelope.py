"""One event of a ledger: what a caller hands in, what a line holds, and how a line is sealed.

A line is the RFC 8785 bytes of one object, so its members stand in alphabetical order. Schema
version 2 is this program's own:

- ``payload_hash`` is hex SHA-256 of the payload's RFC 8785 bytes, as ``sha256sum`` prints it;
- ``event_hash`` is hex SHA-256 of ``HASH_DOMAIN`` and the RFC 8785 bytes of the envelope without
  ``event_hash`` and ``signature``: of everything else, and of the link ``prev_event_hash``;
- ``signature``, on signed rows, is Ed25519 over ``SIGNATURE_DOMAIN`` and the RFC 8785 bytes of the
  event hash, the key, the signature's own schema version and its time.

Checking works on the bytes of the line as they stand; nothing is written anew to be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Final, cast

import msgspec

from evidentia.errors import RejectionError
from evidentia.event.canonical import DEPTH_MAX, canonical_bytes, is_canonical
from evidentia.event.timestamp import format_time, parse_time
from evidentia.event.values import JsonObject, JsonValue

SCHEMA_VERSION: Final = 2
SIGNATURE_VERSION: Final = 1
HASH_DOMAIN: Final = b"evidentia ledger event v2\n"
SIGNATURE_DOMAIN: Final = b"evidentia ledger signature v1\n"
LINE_BYTES_MAX: Final = 1024 * 1024
"""A longer line is refused: a reader must be able to hold any line of a ledger."""
SOURCE_TYPES: Final = (
    "user",
    "child_agent",
    "tool",
    "runtime",
    "external_outcome",
    "manual_correction",
)
_PART_DEPTH_MAX: Final = DEPTH_MAX - 1
"""The envelope is one level itself, and a line must read back within the limit."""
RESERVED: Final = "evidentia.ledger."
"""Event types that begin like this are written by the ledger itself."""
RUNTIME: Final[Mapping[str, JsonValue]] = MappingProxyType({"type": "runtime"})
"""The source of an event that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An event to be appended.

    Attributes:
        event_type: What sort of event; dotted, with its version at the end by custom.
        payload: The domain's content; any JSON value.
        source: Who or what caused it: an object whose ``type`` is one of ``SOURCE_TYPES``.
        id: The idempotency key; the ledger makes one where there is none.
        observed_at: RFC 3339 with a zone; the time of the append where there is none.
    """

    event_type: str
    payload: JsonValue
    source: Mapping[str, JsonValue] = field(default_factory=lambda: RUNTIME)
    id: str | None = None
    observed_at: str | None = None
    trace_id: str | None = None
    session_id: str | None = None
    domain_tags: tuple[str, ...] = ()


# What follows is made for each event that is appended. So these are structs, which are made in a
# tenth of the time that a frozen dataclass takes.


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where in its ledger an event stands, as the ledger says.

    Attributes:
        batch_index: Its place in a batch of ``batch_size`` events that count together or not at
            all; a batch of one is not marked.
    """

    sequence: int
    recorded_at: str
    prev_event_hash: str | None
    batch_index: int = 0
    batch_size: int = 1


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """The mark of an event that was appended together with others."""

    index: int
    size: int

    @property
    def goes_on(self) -> bool:
        """Whether more events of the batch follow."""
        return self.index + 1 < self.size


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A row's signature; ``bytes`` is base64url without padding. Members in canonical order."""

    bytes: str
    key_id: str
    schema_version: int
    signed_at: str


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """The members of a line, in canonical order; parts of free form keep their bytes."""

    batch: Batch | msgspec.UnsetType = msgspec.UNSET
    domain_tags: msgspec.Raw
    event_hash: str | msgspec.UnsetType = msgspec.UNSET
    event_type: str
    id: str
    observed_at: str
    payload: msgspec.Raw
    payload_hash: str
    prev_event_hash: str | None
    recorded_at: str
    schema_version: int
    sequence: int
    session_id: str | None
    signature: Signature | msgspec.UnsetType = msgspec.UNSET
    source: msgspec.Raw
    trace_id: str | None


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A draft's checked content, as canonical bytes."""

    event_type: str
    id: str | None
    observed_at: str | None
    payload: bytes
    source: bytes
    domain_tags: bytes
    session_id: str | None
    trace_id: str | None


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A line ready to be written, without its newline, and what was computed for it."""

    line: bytes
    id: str
    sequence: int
    event_hash: str


ENCODER: Final = msgspec.json.Encoder()
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a line may raise: msgspec lets the second out as it is."""
DECODER: Final = msgspec.json.Decoder(Envelope)
_EVENT_HASH: Final = b',"event_hash":"'
_EVENT_HASH_VALUE_BYTES: Final = 2 * 32 + 1
_EVENT_TYPE: Final = b',"event_type":'
"""The digits and the quote after them."""


def content_of(draft: Draft) -> Content:
    """A draft's content, checked and in canonical bytes.

    Raises:
        RejectionError: A part may not stand in a ledger; the message names it.
    """
    _check_text("event_type", draft.event_type)
    for name, value in (
        ("id", draft.id),
        ("session_id", draft.session_id),
        ("trace_id", draft.trace_id),
    ):
        if value is not None:
            _check_text(name, value)
    return Content(
        event_type=draft.event_type,
        id=draft.id,
        observed_at=None if draft.observed_at is None else _utc(draft.observed_at),
        payload=canonical_bytes(draft.payload, _PART_DEPTH_MAX),
        source=_RUNTIME_BYTES if draft.source is RUNTIME else _source(draft.source),
        domain_tags=_domain_tags(draft.domain_tags) if draft.domain_tags else b"[]",
        session_id=draft.session_id,
        trace_id=draft.trace_id,
    )


def _source(source: Mapping[str, JsonValue]) -> bytes:
    if source.get("type") not in SOURCE_TYPES:
        raise RejectionError(
            f"the source's type is {source.get('type')!r}",
            where="source.type",
            fix=f"use one of {', '.join(SOURCE_TYPES)}",
        )
    return canonical_bytes(dict(source), _PART_DEPTH_MAX)


_RUNTIME_BYTES: Final = _source(RUNTIME)


def _domain_tags(tags: Sequence[str]) -> bytes:
    for tag in tags:
        _check_text("domain_tags", tag)
    return canonical_bytes(list(tags))


def seal(content: Content, event_id: str, place: Place) -> tuple[Envelope, bytes]:
    """The envelope of an event in its place, with both hashes, and its line; not yet signed."""
    envelope = Envelope(
        batch=Batch(place.batch_index, place.batch_size) if place.batch_size > 1 else msgspec.UNSET,
        domain_tags=msgspec.Raw(content.domain_tags),
        event_type=content.event_type,
        id=event_id,
        observed_at=content.observed_at or place.recorded_at,
        payload=msgspec.Raw(content.payload),
        payload_hash=sha256(content.payload).hexdigest(),
        prev_event_hash=place.prev_event_hash,
        recorded_at=place.recorded_at,
        schema_version=SCHEMA_VERSION,
        sequence=place.sequence,
        session_id=content.session_id,
        source=msgspec.Raw(content.source),
        trace_id=content.trace_id,
    )
    hashed = ENCODER.encode(envelope)
    event_hash = sha256(HASH_DOMAIN + hashed).hexdigest()
    # Nobody else has the envelope yet, and another one would cost as much as its hash.
    msgspec.structs.force_setattr(envelope, "event_hash", event_hash)
    # The member goes where the canonical order has it. What stands before it is as in
    # ``hashed_bytes``, so the first occurrence is the member itself.
    head, member, tail = hashed.partition(_EVENT_TYPE)
    return envelope, b"".join((head, _EVENT_HASH, event_hash.encode(), b'"', member, tail))


def signed_bytes(event_hash: str, key_id: str, signed_at: str) -> bytes:
    """What a row's signature is over."""
    return SIGNATURE_DOMAIN + canonical_bytes(
        {
            "event_hash": event_hash,
            "key_id": key_id,
            "schema_version": SIGNATURE_VERSION,
            "signed_at": signed_at,
        }
    )


def hashed_bytes(line: bytes, envelope: Envelope) -> bytes:
    """What a line's ``event_hash`` is over: its own bytes without that member and the signature.

    Both are looked for where a canonical line has them. In one that is not canonical they may not
    be found; then the hash does not come out, which is the right answer.
    """
    rest = without_event_hash(line)
    if isinstance(envelope.signature, Signature):
        signature = b',"signature":%b,"source":' % ENCODER.encode(envelope.signature)
        head, found, tail = rest.rpartition(signature + bytes(envelope.source))
        rest = b"".join((head, b',"source":', bytes(envelope.source), tail)) if found else rest
    return HASH_DOMAIN + rest


def without_event_hash(line: bytes) -> bytes:
    """A line without the member ``event_hash``, where a canonical line has it."""
    # Before event_hash stand numbers and a list of texts, in whose texts a quote is escaped: so
    # the first occurrence is the member itself.
    head, _, tail = line.partition(_EVENT_HASH)
    return head + tail[_EVENT_HASH_VALUE_BYTES:]


def is_canonical_line(line: bytes, envelope: Envelope) -> bool:
    """Whether a line is the canonical form of what it says. One that says a thing twice is not."""
    return (
        ENCODER.encode(envelope) == line
        and is_canonical(bytes(envelope.payload))
        and _is_canonical_part(bytes(envelope.source))
        and _is_canonical_part(bytes(envelope.domain_tags))
    )


_PARTS_KEPT: Final = 64
_is_canonical_part: Final = lru_cache(_PARTS_KEPT)(is_canonical)
"""Sources and tags are few and come again and again."""


def is_same_content(envelope: Envelope, content: Content) -> bool:
    """Whether a stored event holds what a draft holds; a time that the draft left open agrees."""
    return (
        bytes(envelope.payload) == content.payload
        and bytes(envelope.source) == content.source
        and bytes(envelope.domain_tags) == content.domain_tags
        and envelope.event_type == content.event_type
        and envelope.session_id == content.session_id
        and envelope.trace_id == content.trace_id
        and content.observed_at in {None, envelope.observed_at}
    )


def draft_from(value: JsonObject) -> Draft:
    """The draft that a parsed JSON object describes.

    Raises:
        RejectionError: A member is unknown, missing or of the wrong type; the message names it.
    """
    try:
        return msgspec.convert(value, _DraftShape).draft()
    except msgspec.ValidationError as error:
        raise RejectionError(
            f"this is not an event: {error}",
            fix="give event_type and payload, and what else 'evidentia ledger append --help' lists",
        ) from error


class _DraftShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    event_type: str
    payload: object
    source: dict[str, object] = msgspec.field(default_factory=lambda: {"type": "runtime"})
    id: str | None = None
    observed_at: str | None = None
    trace_id: str | None = None
    session_id: str | None = None
    domain_tags: Sequence[str] = ()

    def draft(self) -> Draft:
        return Draft(
            event_type=self.event_type,
            payload=cast("JsonValue", self.payload),
            source=cast("dict[str, JsonValue]", self.source),
            id=self.id,
            observed_at=self.observed_at,
            trace_id=self.trace_id,
            session_id=self.session_id,
            domain_tags=tuple(self.domain_tags),
        )


def _check_text(name: str, value: str) -> None:
    if not value or not value.isprintable() or len(value) > _TEXT_CHARACTERS_MAX:
        raise RejectionError(
            f"{name} is empty, too long or holds a control character",
            where=name,
            fix=f"use 1 to {_TEXT_CHARACTERS_MAX} printable characters",
        )


_TEXT_CHARACTERS_MAX: Final = 256
"""Names, ids and tags are for people and indexes; what is longer belongs into the payload."""


def _utc(text: str) -> str:
    found = parse_time(text)
    # A bare number would be read as an epoch; here only a written date will do.
    if found.us is None or text[4:5] != "-":
        raise RejectionError(
            f"observed_at is {text!r}",
            where="observed_at",
            fix="write RFC 3339 with a zone, for example 2026-11-27T15:30:00.123Z",
        )
    return format_time(found.us)
