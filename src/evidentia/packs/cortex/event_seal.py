"""The seal of a Cortex row, version 1: a BLAKE3 chain over payloads and their order.

``payload_hash`` is the hash of the payload's compact JSON with sorted keys; ``event_hash`` is that
of a byte ``0x01``, the previous event hash and the payload hash, each as raw bytes behind its
length in eight little-endian bytes. Signatures are recognised and never called valid: no vector
of the real program confirms how their input is put together.
"""

from __future__ import annotations

from typing import Final

import blake3
import msgspec

from evidentia.pack.seal import (
    SealKeys,
    SealReading,
    SealReason,
    SealScheme,
    SealVerdict,
    digest_of,
    integer_of,
    read_members,
    text_of,
    value_of,
    without_seal,
)
from evidentia.pack.seal_problems import SealProblems
from evidentia.packs.cortex.compact import parse, write
from evidentia.proof.claims import Level

_VERSION: Final = 1
_ATTESTATION_VERSION: Final = 1
_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder(order="sorted").encode
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)
_DOMAIN: Final = b"\x01"
_LENGTH_BYTES: Final = 8
_SEAL: Final = ("payload_hash", "event_hash")
_MARKER: Final = b'"event_hash"'


class EventChecker:
    """Recomputes payload hash, event hash and link of each row."""

    def __init__(self, keys: SealKeys) -> None:
        self._keys = keys
        self._previous: str | None = None

    def check(self, raw: bytes) -> SealReading:
        """What the seal of the next line is worth."""
        members = read_members(raw)
        if members is None or not any(name in members for name in _SEAL):
            return without_seal(raw, _MARKER)
        problems = SealProblems()
        version = integer_of(members, "schema_version")
        if version != _VERSION:
            # Another version may hash otherwise; calling its rows anything but wrong would let an
            # edited version number hide an edited payload.
            problems.add(
                SealReason.UNKNOWN_EVENT_SCHEMA_VERSION, str(_VERSION), _shown(members, version)
            )
        else:
            _check_hashes(members, problems)
        stated = text_of(members, "prev_event_hash")
        problems.link(stated, self._previous, self._keys.predecessors)
        self._previous = text_of(members, "event_hash") or ""
        return self._reading(members, problems)

    def _reading(self, members: dict[str, bytes], problems: SealProblems) -> SealReading:
        signature = value_of(members, "signature")
        if signature is None:
            if self._keys.is_signature_required:
                problems.add(SealReason.MISSING_SIGNATURE)
            return problems.reading(level=Level.CHAIN)
        stated = signature.get("schema_version") if isinstance(signature, dict) else None
        if stated != _ATTESTATION_VERSION:
            problems.add(
                SealReason.UNKNOWN_ATTESTATION_SCHEMA_VERSION,
                str(_ATTESTATION_VERSION),
                str(stated)[:40],
            )
        return problems.reading(
            level=Level.CHAIN,
            verdict=SealVerdict.UNKNOWN_SCHEME,
            detail="the chain holds; the signature's input is not established",
        )


def _shown(members: dict[str, bytes], version: int | None) -> str:
    return str(version) if version is not None else repr(value_of(members, "schema_version"))[:40]


def _check_hashes(members: dict[str, bytes], problems: SealProblems) -> None:
    stated = text_of(members, "payload_hash")
    payload = members.get("payload", b"null")
    # The fast way may print a number otherwise than the writer did; but what has the stated hash
    # is what the writer hashed.
    if stated is None or _fast_hash(payload) != stated:
        try:
            computed = blake3.blake3(write(parse(payload), is_sorted=True)).hexdigest()
        except ValueError:
            problems.add(SealReason.DECODE)
            return
        if stated != computed:
            problems.add(SealReason.PAYLOAD_HASH_MISMATCH, computed, stated)
    payload_hash = digest_of(stated)
    before = value_of(members, "prev_event_hash")
    previous = b"" if before is None else digest_of(text_of(members, "prev_event_hash"))
    if payload_hash is None or previous is None:
        problems.add(SealReason.DECODE)
        return
    expected = event_hash(previous, payload_hash).hex()
    observed = text_of(members, "event_hash")
    if observed != expected:
        problems.add(SealReason.HASH_MISMATCH, expected, observed)


def _fast_hash(payload: bytes) -> str:
    try:
        return blake3.blake3(_encode(_decode(payload))).hexdigest()
    except _UNREADABLE:
        return ""


def event_hash(previous: bytes, payload_hash: bytes) -> bytes:
    """The 32-byte hash of a row after ``previous`` (empty for the first)."""
    hasher = blake3.blake3(_DOMAIN)
    for part in (previous, payload_hash):
        hasher.update(len(part).to_bytes(_LENGTH_BYTES, "little"))
        hasher.update(part)
    return hasher.digest()


def is_sealed(raw: bytes) -> bool:
    """Whether a line is a sealed row of version 1; version 2 is evidentia's own ledger."""
    if _MARKER not in raw:
        return False
    members = read_members(raw)
    return (
        members is not None
        and "event_hash" in members
        and "payload_hash" in members
        and integer_of(members, "schema_version") == _VERSION
    )


def head_of(raw: bytes) -> str:
    """The event hash that a row states."""
    members = read_members(raw)
    return "" if members is None else text_of(members, "event_hash") or ""


CORTEX_V1: Final = SealScheme(
    name="cortex.blake3_v1",
    title="BLAKE3 chain of Cortex rows, version 1",
    covers=("the payload of each row", "the order of the rows, and that none between was removed"),
    does_not_cover=(
        "id, event_type, source, observed_at, recorded_at, trace_id, session_id, domain_tags",
        "members that the format does not know",
        "a rewrite of a row and of everything after it: the chain has no key",
        "rows cut off at the end",
        "signatures: they are recognised and not checked",
    ),
    recognises=is_sealed,
    checker=EventChecker,
    head=head_of,
)
