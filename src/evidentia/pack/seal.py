"""What a foreign seal is: a hash, link or signature that another program wrote into its own row.

A pack describes the seals of its logs as data plus pure functions; ``audit`` runs them. Keys are
handed in as values, and nothing here reads a file. A seal of our own lives in ``proof``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from evidentia.proof.claims import Level

KEY_BYTES: Final = 32
"""An Ed25519 public key (RFC 8032 §5.1.5)."""

_decode_members: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_value: Final = msgspec.json.Decoder().decode
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""msgspec reports bad UTF-8 and deep nesting outside its own family of errors."""


class SealVerdict(StrEnum):
    """What became of the seal of one row. The words are stable: ``--json`` prints them."""

    VALID = "valid"
    INVALID = "invalid"
    ABSENT = "absent"
    UNKNOWN_SCHEME = "unknown_scheme"
    """Part of the seal is of a kind that nobody here can recompute; the rest of it holds."""
    NO_KEY = "no_key"
    """Part of the seal needs a key that was not handed in; the rest of it holds."""


class SealReason(StrEnum):
    """Why a reading is what it is. The words are stable: ``--json`` prints them."""

    HASH_MISMATCH = "hash_mismatch"
    PAYLOAD_HASH_MISMATCH = "payload_hash_mismatch"
    HASH_CHAIN_BREAK = "hash_chain_break"
    """The row does not name the row before it."""
    ORPHAN = "orphan"
    """The first row names a row before it that is not there."""
    MISSING_SIGNATURE = "missing_signature"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_KEY_ID = "unknown_key_id"
    MISSING_HMAC = "missing_hmac"
    BAD_HMAC = "bad_hmac"
    UNKNOWN_ATTESTATION_SCHEMA_VERSION = "unknown_attestation_schema_version"
    UNKNOWN_EVENT_SCHEMA_VERSION = "unknown_event_schema_version"
    LEGACY_HASH_FORMAT = "legacy_hash_format"
    """An older form of the hash: refused, or allowed for this log and then of a lower level."""
    UNCOVERED_BLOCK = "uncovered_block"
    """The row carries a block that its hash could cover and does not."""
    NEVER_SEALED = "never_sealed"
    """The writer seals its other rows, but none of this sort."""
    DECODE = "decode"
    """The seal is not of the form that its scheme writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealReading:
    """What a checker says of one row.

    Attributes:
        reason: The first thing that is wrong or noteworthy; a valid row may have one.
        also: What else is; nothing that was found is left out.
        expected: What the rules give, as text; empty where there is nothing to compare.
        observed: What the row has instead.
        level: The claim level that the row reached; None where it reached none.
        detail: One phrase for people.
    """

    verdict: SealVerdict
    reason: SealReason | None = None
    also: tuple[SealReason, ...] = ()
    expected: str = ""
    observed: str = ""
    level: Level | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealKeys:
    """What checking the seals of one log may rely on.

    Attributes:
        public_keys: Trusted Ed25519 public keys, 32 bytes each, by a name for people. A scheme
            whose rows carry key ids derives them from the bytes and not from these names.
        secrets: Secrets of HMACs.
        is_signature_required: A row without the signature or HMAC that its scheme knows is invalid.
        is_legacy_allowed: Older forms of a hash are accepted, at a lower level.
        predecessors: The hashes that other files of the log end with: the first row of this file
            may go on with any of them.
    """

    public_keys: Mapping[str, bytes] = field(default_factory=dict)
    secrets: tuple[bytes, ...] = ()
    is_signature_required: bool = False
    is_legacy_allowed: bool = False
    predecessors: frozenset[str] = frozenset()


class SealChecker(Protocol):
    """Reads the rows of one file in their order, and remembers what links them."""

    def check(self, raw: bytes) -> SealReading:
        """What the seal of the next line is worth. It never raises, whatever the bytes are."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SealScheme:
    """One way in which a program seals its rows.

    Attributes:
        name: ``<pack>.<word>``, stable.
        title: One phrase for people.
        covers: What cannot be changed without the seal telling, in plain sentences.
        does_not_cover: What can.
        recognises: Whether a line carries this seal, by a cheap look.
        checker: A checker at the beginning of a file.
        head: The hash that the row after this one has to name, as the row states it; empty where
            it states none. None for a scheme that does not link rows.
    """

    name: str
    title: str
    covers: tuple[str, ...]
    does_not_cover: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    checker: Callable[[SealKeys], SealChecker]
    head: Callable[[bytes], str] | None = None


def read_members(raw: bytes) -> dict[str, bytes] | None:
    """The members of a JSON object, each as the exact bytes that stand there; None for no object.

    Of equal keys the last one wins, as for every column.
    """
    try:
        return {key: bytes(value) for key, value in _decode_members(raw).items()}
    except _UNREADABLE:
        return None


def without_seal(raw: bytes, marker: bytes) -> SealReading:
    """The reading of a line whose members show no seal.

    A lenient log has lines that not every parser reads. One that could hold a seal is invalid and
    not absent, or a single odd letter would hide an edited row.

    Args:
        raw: The line.
        marker: Bytes that stand in every sealed line.
    """
    if marker in raw and read_members(raw) is None:
        return SealReading(
            verdict=SealVerdict.INVALID,
            reason=SealReason.DECODE,
            detail="the line cannot be read as one JSON object",
        )
    return SealReading(verdict=SealVerdict.ABSENT)


def text_of(members: Mapping[str, bytes], key: str) -> str | None:
    """A member that is a string; None where it is absent or something else."""
    value = value_of(members, key)
    return value if isinstance(value, str) else None


def integer_of(members: Mapping[str, bytes], key: str) -> int | None:
    """A member that is an integer; None where it is absent or something else."""
    value = value_of(members, key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def value_of(members: Mapping[str, bytes], key: str) -> object:
    """A member, decoded; None where it is absent, null or cannot be read."""
    try:
        return _decode_value(members[key]) if key in members else None
    except _UNREADABLE:
        return None


def digest_of(text: str | None) -> bytes | None:
    """The 32 bytes that 64 lower-case hexadecimal digits stand for; None for anything else."""
    if text is None or len(text) != 2 * KEY_BYTES or text.strip("0123456789abcdef"):
        return None
    return bytes.fromhex(text)


def is_signed_by(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature (RFC 8032) holds; a malformed key or signature never does."""
    # Only a log with trusted keys needs it, and loading it takes longer than many a command.
    from cryptography.exceptions import (  # noqa: PLC0415 - start-up time
        InvalidSignature,
        UnsupportedAlgorithm,
    )
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - start-up time
        Ed25519PublicKey,
    )

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
