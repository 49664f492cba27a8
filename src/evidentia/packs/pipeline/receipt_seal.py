"""The seal of a ggen receipt: a BLAKE3 chain over frames of 99 bytes, and a signature.

The frame holds, in this order: instruction_id in eight bytes, 16 zero bytes, the hash of payload
hash and metadata, ts_ns in eight bytes, activity_idx in two, node_kind in one, the previous chain
hash; integers little-endian. Payload and v2 block are hashed as they stand in the line. The places
of the two hashes are confirmed by real rows, in which all the integers are 0; the order of the
integers is that of the writer's source.
"""

from __future__ import annotations

from typing import Final

import blake3

from evidentia.pack.seal import (
    SealKeys,
    SealReading,
    SealReason,
    SealScheme,
    SealVerdict,
    digest_of,
    integer_of,
    is_signed_by,
    read_members,
    text_of,
    without_seal,
)
from evidentia.pack.seal_problems import SealProblems
from evidentia.proof.claims import Level

GENESIS: Final = "0" * 64
_VERSION: Final = 1
_SCHEMAS: Final = (None, "ggen-receipt/v1", "ggen-receipt/v2")
_ZEROS: Final = bytes(16)
"""Fired mask and denial, which a receipt does not carry."""
_WIDTHS: Final = {"instruction_id": 8, "ts_ns": 8, "activity_idx": 2, "node_kind": 1}
_MARKER: Final = b'"chain_hash_hex"'
_META: Final = ("andon", "object_ids", "obligation_count")

_Members = dict[str, bytes]


class ReceiptChecker:
    """Recomputes payload hash, chain hash, link and signature of each receipt."""

    def __init__(self, keys: SealKeys) -> None:
        self._keys = keys
        self._previous: str | None = None

    def check(self, raw: bytes) -> SealReading:
        """What the seal of the next line is worth."""
        members, record = _parts(raw)
        if not members or "chain_hash_hex" not in record:
            return without_seal(raw, _MARKER)
        problems = SealProblems()
        _check_version(record, problems)
        is_uncovered = _check_hashes(members, record, problems)
        stated = text_of(record, "prev_chain_hash_hex") or ""
        is_first = self._previous is None and stated == GENESIS
        problems.link(None if is_first else stated, self._previous, self._keys.predecessors)
        self._previous = text_of(record, "chain_hash_hex") or ""
        is_signed = self._check_signature(record, problems)
        if problems.reasons:
            return problems.reading(level=Level.READABLE)
        return SealReading(
            verdict=SealVerdict.NO_KEY if is_signed is None else SealVerdict.VALID,
            reason=SealReason.UNCOVERED_BLOCK if is_uncovered else None,
            level=Level.SIGNED if is_signed else Level.CHAIN,
            detail="the chain hash does not cover the v2 block" if is_uncovered else "",
        )

    def _check_signature(self, record: _Members, problems: SealProblems) -> bool | None:
        """True for a signature of a trusted key, None for one that no key was given for."""
        signature = text_of(record, "signature_hex")
        if not signature:
            if self._keys.is_signature_required:
                problems.add(SealReason.MISSING_SIGNATURE)
            return False
        if not self._keys.public_keys:
            return None
        message = (text_of(record, "chain_hash_hex") or "").encode(errors="replace")
        # A receipt does not name its key, so each trusted one is tried.
        is_signed = any(
            is_signed_by(key, _bytes(signature), message) for key in self._keys.public_keys.values()
        )
        if not is_signed:
            problems.add(SealReason.BAD_SIGNATURE)
        return is_signed


def _parts(raw: bytes) -> tuple[_Members, _Members]:
    """The members of the line and those of its record; empty where there are none."""
    members = read_members(raw) or {}
    return members, read_members(members.get("record", b"")) or {}


def _check_version(record: _Members, problems: SealProblems) -> None:
    version, schema = integer_of(record, "version"), text_of(record, "schema")
    if version != _VERSION or schema not in _SCHEMAS:
        problems.add(
            SealReason.UNKNOWN_EVENT_SCHEMA_VERSION,
            f"version {_VERSION}, {_SCHEMAS[-1]}",
            f"version {version}, {schema}",
        )


def _check_hashes(members: _Members, record: _Members, problems: SealProblems) -> bool:
    """Add what is wrong with both hashes; whether a v2 block stands outside them."""
    payload_hash = blake3.blake3(members.get("payload", b"")).digest()
    stated = text_of(record, "payload_hash_hex")
    if stated != payload_hash.hex():
        problems.add(SealReason.PAYLOAD_HASH_MISMATCH, payload_hash.hex(), stated)
    base = _base(record, digest_of(stated))
    if base is None:
        problems.add(SealReason.DECODE)
        return False
    folded = _folded(record, base)
    chain_hash = text_of(record, "chain_hash_hex")
    if chain_hash not in (base.hex(), folded.hex()):
        problems.add(SealReason.HASH_MISMATCH, folded.hex(), chain_hash)
    return base != folded and chain_hash == base.hex()


def _base(record: _Members, payload_hash: bytes | None) -> bytes | None:
    """The chain hash without a v2 block; None where the record holds no such numbers or hashes."""
    previous = digest_of(text_of(record, "prev_chain_hash_hex"))
    if payload_hash is None or previous is None or any(name not in record for name in _META):
        return None
    numbers = {name: _number(record, name) for name in _WIDTHS}
    meta = b"[" + b",".join(record[name] for name in _META) + b"]"
    frame = (
        numbers["instruction_id"]
        + _ZEROS
        + blake3.blake3(payload_hash + meta).digest()
        + numbers["ts_ns"]
        + numbers["activity_idx"]
        + numbers["node_kind"]
        + previous
    )
    return None if b"" in numbers.values() else blake3.blake3(previous + frame).digest()


def _number(record: _Members, name: str) -> bytes:
    """A number as it stands in the frame; empty for what does not fit there."""
    number, width = integer_of(record, name), _WIDTHS[name]
    if number is None or not 0 <= number < 1 << 8 * width:
        return b""
    return number.to_bytes(width, "little")


def _folded(record: _Members, base: bytes) -> bytes:
    """The chain hash with the v2 block; ``base`` itself where there is no such block."""
    block = record.get("v2", b"null")
    if block == b"null":
        return base
    schema = (text_of(record, "schema") or "").encode(errors="replace")
    return blake3.blake3(base + schema + block).digest()


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def is_sealed(raw: bytes) -> bool:
    """Whether a line is a receipt with a chain hash."""
    return _MARKER in raw and "chain_hash_hex" in _parts(raw)[1]


def head_of(raw: bytes) -> str:
    """The chain hash that a receipt states."""
    return text_of(_parts(raw)[1], "chain_hash_hex") or ""


RECEIPT: Final = SealScheme(
    name="pipeline.receipt",
    title="BLAKE3 chain of ggen receipts, signed",
    covers=(
        "payload, andon, object_ids and obligation_count of each receipt",
        "its instruction_id, activity_idx, node_kind and ts_ns",
        "the v2 block and the schema, where the chain hash folds them in",
        "the order of the receipts, and that none between was removed",
        "with a trusted key: all up to the last signed receipt, as far as its holder is trusted",
    ),
    does_not_cover=(
        "activity, origin, duration_ms, version, and the schema of a receipt without folded block",
        "a v2 block that the chain hash does not fold in; such receipts are listed",
        "a rewrite of a receipt and of everything after it, where no key is given",
        "receipts cut off at the end: no head outside the log is looked at",
    ),
    recognises=is_sealed,
    checker=ReceiptChecker,
    head=head_of,
)
