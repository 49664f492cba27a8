"""The seal of a corcept row: a chain of hashes in one of three forms, and a signature.

Hashed is the row with ``hash`` null and without ``signature``; a known optional member that is
absent counts as null. The current form is BLAKE3 over its RFC 8785 bytes, the former SHA-256 over
its JSON with sorted keys, both behind a prefix; the oldest is SHA-256 over it as it stands. The
form is told by the hash that fits, because the two older ones look alike.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from typing import Final

import blake3
import rfc8785

from evidentia.errors import RejectionError
from evidentia.event.canonical import canonical_bytes
from evidentia.event.values import JsonValue
from evidentia.pack.seal import (
    SealKeys,
    SealReading,
    SealReason,
    SealScheme,
    SealVerdict,
    is_signed_by,
    read_members,
    text_of,
    value_of,
    without_seal,
)
from evidentia.pack.seal_problems import SealProblems
from evidentia.packs.cortex.compact import parse, write
from evidentia.proof.claims import Level

SCHEMA: Final = "corcept.ledger_event.v1"
_PREFIX: Final = b"corcept:ledger:v1:"
_SIGN_PREFIX: Final = b"corcept:ledger:sign:v1:"
_CURRENT: Final = "blake3:"
_LEGACY: Final = "sha256:"
_ATTESTATION_VERSION: Final = 1
_KEY_ID_DIGITS: Final = 32
_NULL: Final = b"null"
_MARKER: Final = b'"hash"'
_OPTIONAL: Final = (
    *("session_id", "tool", "target", "decision", "decision_reason"),
    *("prev_hash", "hash"),
)
"""Members that are written as null where they are not given, and are hashed so."""
_UNREADABLE: Final = (ValueError, RecursionError, OverflowError)


class CorceptChecker:
    """Recomputes hash, link and signature of each row."""

    def __init__(self, keys: SealKeys) -> None:
        self._keys = keys
        self._trusted = {key_id(key): key for key in keys.public_keys.values()}
        self._previous: str | None = None

    def check(self, raw: bytes) -> SealReading:
        """What the seal of the next line is worth."""
        members = read_members(raw)
        if members is None or (text_of(members, "hash") is None and "signature" not in members):
            return without_seal(raw, _MARKER)
        problems = SealProblems()
        schema = text_of(members, "schema")
        if schema != SCHEMA:
            problems.add(SealReason.UNKNOWN_EVENT_SCHEMA_VERSION, SCHEMA, schema)
        stated = text_of(members, "hash") or ""
        is_legacy = self._check_hash(members, stated, problems)
        problems.link(text_of(members, "prev_hash"), self._previous, self._keys.predecessors)
        self._previous = stated
        is_signed = self._check_signature(members, stated, problems)
        return self._reading(problems, is_signed=is_signed, is_legacy=is_legacy)

    def _check_hash(self, members: dict[str, bytes], stated: str, problems: SealProblems) -> bool:
        """Add what is wrong with the hash; whether it is of an older form."""
        try:
            hashes = [form(members) for form in _forms(stated)]
        except _UNREADABLE:
            problems.add(SealReason.DECODE)
            return False
        is_legacy = stated.startswith(_LEGACY)
        if stated not in hashes:
            problems.add(SealReason.HASH_MISMATCH, hashes[0], stated)
        elif is_legacy and not self._keys.is_legacy_allowed:
            problems.add(SealReason.LEGACY_HASH_FORMAT, f"a hash that begins {_CURRENT}", stated)
        return is_legacy

    def _check_signature(
        self, members: dict[str, bytes], stated: str, problems: SealProblems
    ) -> bool | None:
        """True for a signature of a trusted key, None for one that no key was given for."""
        signature = value_of(members, "signature")
        if signature is None:
            if self._keys.is_signature_required:
                problems.add(SealReason.MISSING_SIGNATURE)
            return False
        if not isinstance(signature, dict):
            problems.add(SealReason.DECODE)
            return False
        version = signature.get("schema_version")
        if version != _ATTESTATION_VERSION:
            problems.add(
                SealReason.UNKNOWN_ATTESTATION_SCHEMA_VERSION,
                str(_ATTESTATION_VERSION),
                str(version)[:40],
            )
            return False
        if not self._trusted:
            return None
        return self._is_signed(signature, stated, problems)

    def _is_signed(self, signature: dict[str, object], stated: str, problems: SealProblems) -> bool:
        named = signature.get("key_id")
        key = self._trusted.get(named) if isinstance(named, str) else None
        if key is None:
            problems.add(SealReason.UNKNOWN_KEY_ID, ", ".join(sorted(self._trusted)), str(named))
            return False
        message = _SIGN_PREFIX + stated.encode(errors="replace")
        if not is_signed_by(key, _base64(signature.get("bytes")), message):
            problems.add(SealReason.BAD_SIGNATURE, "", str(named))
            return False
        return True

    @staticmethod
    def _reading(problems: SealProblems, *, is_signed: bool | None, is_legacy: bool) -> SealReading:
        if problems.reasons:
            return problems.reading(level=Level.READABLE)
        verdict = SealVerdict.NO_KEY if is_signed is None else SealVerdict.VALID
        if is_legacy:
            # The operator allowed the older form; that costs the claim, whoever signed it.
            return SealReading(
                verdict=verdict, reason=SealReason.LEGACY_HASH_FORMAT, level=Level.CHECKSUM
            )
        return SealReading(
            verdict=verdict,
            level=Level.SIGNED if is_signed else Level.CHAIN,
            detail="the chain holds; no key to check the signature" if is_signed is None else "",
        )


def current_hash(members: dict[str, bytes]) -> str:
    """The hash of the current form.

    Raises:
        ValueError: The row cannot be written as RFC 8785 demands.
    """
    row = json.loads(b"{" + b",".join(_items(members)) + b"}", parse_constant=_refuse)
    return _CURRENT + blake3.blake3(_PREFIX + _rfc8785(row)).hexdigest()


def _rfc8785(row: JsonValue) -> bytes:
    try:
        return canonical_bytes(row)
    except RejectionError:
        # Our own door is narrower than the RFC: other writers pass it with numbers we refuse.
        return rfc8785.dumps(row)


def former_hash(members: dict[str, bytes]) -> str:
    """The hash of the former form.

    Raises:
        ValueError: The row cannot be written again.
    """
    row = parse(b"{" + b",".join(_items(members)) + b"}")
    return _LEGACY + hashlib.sha256(_PREFIX + write(row, is_sorted=True)).hexdigest()


def oldest_hash(members: dict[str, bytes]) -> str:
    """The hash of the oldest form.

    Raises:
        ValueError: The row cannot be written again.
    """
    row = parse(b"{" + b",".join(_items(members)) + b"}")
    return _LEGACY + hashlib.sha256(write(row, is_sorted=False)).hexdigest()


_Form = Callable[[dict[str, bytes]], str]


def _forms(stated: str) -> tuple[_Form, ...]:
    return (former_hash, oldest_hash) if stated.startswith(_LEGACY) else (current_hash,)


def _items(members: dict[str, bytes]) -> list[bytes]:
    """The members that are hashed, as they stand in the row."""
    hashed = {**members, "hash": _NULL}
    hashed.pop("signature", None)
    hashed |= {name: _NULL for name in _OPTIONAL if name not in hashed}
    return [write(key, is_sorted=False) + b":" + value for key, value in hashed.items()]


def _base64(text: object) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


def key_id(public_key: bytes) -> str:
    """What a row's signature calls a public key."""
    return "fp:" + blake3.blake3(public_key).hexdigest()[:_KEY_ID_DIGITS]


def is_sealed(raw: bytes) -> bool:
    """Whether a line is a corcept row with a hash."""
    if b'"corcept.' not in raw or _MARKER not in raw:
        return False
    members = read_members(raw)
    return (
        members is not None
        and (text_of(members, "schema") or "").startswith("corcept.")
        and text_of(members, "hash") is not None
    )


def head_of(raw: bytes) -> str:
    """The hash that a row states."""
    members = read_members(raw)
    return "" if members is None else text_of(members, "hash") or ""


CORCEPT: Final = SealScheme(
    name="cortex.corcept",
    title="hash chain of corcept rows, signed where the writer had a key",
    covers=(
        "every member of a row but its signature",
        "the order of the rows, and that none between was removed",
        "with a trusted key: all rows up to the last signed one, as far as its holder is trusted",
    ),
    does_not_cover=(
        "a rewrite of a row and of everything after it, where rows are unsigned or no key is given",
        "rows cut off at the end, signed or not",
        "white space and the order of members in a row of the current and the former form",
        "signed_at and key_id: the signature is over the hash alone",
    ),
    recognises=is_sealed,
    checker=CorceptChecker,
    head=head_of,
)
