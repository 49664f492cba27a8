"""The chain of a ledger, checked line by line. Every failure is collected, with its place.

After a failure the check goes on from what the line says of itself, so that one broken line is one
failure or two (its own and the next line's link), not one for each line that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from evidentia.errors import ProofError
from evidentia.event.envelope import (
    DECODER,
    RESERVED,
    SCHEMA_VERSION,
    SIGNATURE_VERSION,
    UNREADABLE,
    Batch,
    Envelope,
    Signature,
    hashed_bytes,
    is_canonical_line,
)
from evidentia.ledger.plain import plain_block
from evidentia.ledger.row_signature import is_signed, key_name
from evidentia.ledger.statements import CREATED, KEY_ROTATED, Created, KeyRotated, Signing
from evidentia.proof.keys import VerifierKey


class FailureKind(StrEnum):
    """What may be wrong with a line. The words are stable."""

    DECODE = "decode"
    TORN = "torn"
    UNKNOWN_SCHEMA_VERSION = "unknown_schema_version"
    NOT_CANONICAL = "not_canonical"
    ORPHAN = "orphan"
    PAYLOAD_HASH = "payload_hash_break"
    EVENT_HASH = "event_hash_break"
    ORDINAL_GAP = "ordinal_gap"
    BATCH_BROKEN = "batch_broken"
    DUPLICATE_ID = "duplicate_id"
    MISSING_SIGNATURE = "missing_signature"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_ATTESTATION_VERSION = "unknown_attestation_version"
    UNTRUSTED_KEY = "untrusted_key"
    ROTATION_REFUSED = "rotation_refused"
    NOT_CREATED = "not_created"
    CUT = "cut"
    HEAD_SIGNATURE = "head_signature"
    HEAD_BEYOND_END = "head_beyond_end"
    HEAD_DIFFERS = "head_differs"
    HEAD_FORKED = "head_forked"
    LEVEL_MISSED = "level_missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that is wrong, and where."""

    kind: FailureKind
    path: Path
    byte_offset: int
    sequence: int
    detail: str
    expected: str | None = None
    observed: str | None = None


@dataclass(slots=True)
class Chain:
    """What has been read so far, which the next line must go on with.

    Attributes:
        origin: The name that the ledger's first event gives it.
        keys: The ledger's keys in order, each with the sequence from which it signs.
    """

    size: int = 0
    event_hash: str | None = None
    batch: Batch | None = None
    origin: str = ""
    signing: Signing = Signing.NONE
    keys: list[tuple[int, VerifierKey]] = field(default_factory=list)

    @property
    def key(self) -> VerifierKey | None:
        """The key that signs now."""
        return self.keys[-1][1] if self.keys else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRules:
    """What a check demands beyond the chain itself.

    Attributes:
        trusted: Keys that the caller has from elsewhere. Where there are some, one of the ledger's
            must be among them; where there are none, the ledger is believed.
        is_canonical: Demand of every line that it is in canonical form.
    """

    trusted: tuple[VerifierKey, ...] = ()
    is_canonical: bool = False


class ChainCheck:
    """Checks lines in order.

    Args:
        chain: Where to begin; the beginning of a ledger if it is not given.
        on_failure: Told every failure.
    """

    def __init__(
        self,
        on_failure: Callable[[Failure], None],
        rules: ChainRules | None = None,
        chain: Chain | None = None,
    ) -> None:
        self.chain = chain or Chain()
        self._rules = rules or ChainRules()
        self._on_failure = on_failure
        self._path = Path()
        self._place = 0

    def check_block(
        self, path: Path, byte_offset: int, lines: Sequence[bytes]
    ) -> Iterator[tuple[bytes, Envelope | None]]:
        """Check whole lines that follow each other in a file, each when it is asked for.

        Yields:
            The line, and its envelope if it has one.
        """
        self._path = path
        self._place = byte_offset
        plain = self._plain(lines)
        if plain is not None:
            yield from zip(lines, plain, strict=True)
            return
        for line in lines:
            yield line, self._check(line)
            self._place += len(line) + 1

    def _plain(self, lines: Sequence[bytes]) -> list[Envelope] | None:
        """The envelopes of lines in which nothing is noteworthy; the chain stands behind them."""
        chain = self.chain
        if chain.signing is Signing.ROWS or self._rules.is_canonical or not lines:
            return None
        found = plain_block(lines, chain.size, chain.event_hash, chain.batch)
        if found is None:
            return None
        envelopes, chain.batch = found
        chain.size += len(lines)
        chain.event_hash = str(envelopes[-1].event_hash)
        return envelopes

    def fail(self, kind: FailureKind, detail: str, **values: str | None) -> None:
        """Report a failure of the line at hand."""
        self._on_failure(
            Failure(
                kind=kind,
                path=self._path,
                byte_offset=self._place,
                sequence=self.chain.size,
                detail=detail,
                expected=values.get("expected"),
                observed=values.get("observed"),
            )
        )

    def end_segment(self, path: Path, byte_offset: int, torn: bytes = b"") -> None:
        """Say that a segment that another one follows ends here, maybe with a torn line."""
        self._path, self._place = path, byte_offset
        if torn:
            self.fail(FailureKind.TORN, f"{len(torn)} bytes that no newline ends")
        if self.chain.batch is not None:
            self._break_batch("the segment ends inside a batch")

    def end(self, path: Path, byte_offset: int) -> None:
        """Say that the ledger ends here."""
        self._path, self._place = path, byte_offset
        if not self.chain.origin:
            self.fail(FailureKind.NOT_CREATED, "no event says which ledger this is")
        trusted = self._rules.trusted
        if trusted and not any(key in trusted for _, key in self.chain.keys):
            self.fail(
                FailureKind.UNTRUSTED_KEY,
                "none of the ledger's keys is one that was given as trusted",
                expected=", ".join(key_name(key) for key in trusted),
                observed=", ".join(key_name(key) for _, key in self.chain.keys) or None,
            )

    def _check(self, line: bytes) -> Envelope | None:
        chain = self.chain
        try:
            envelope = DECODER.decode(line)
        except UNREADABLE as error:
            self._check_undecoded(line, error)
            return None
        if envelope.schema_version != SCHEMA_VERSION:
            self._fail_version(envelope.schema_version)
            chain.size += 1
            return None
        self._check_hashes(line, envelope)
        self._check_link(envelope)
        self._check_batch(envelope)
        self._check_signature(envelope)
        self._check_own(envelope)
        if self._rules.is_canonical and not is_canonical_line(line, envelope):
            self.fail(FailureKind.NOT_CANONICAL, "the line is not in canonical form (RFC 8785)")
        chain.size = envelope.sequence + 1
        chain.event_hash = str(envelope.event_hash)
        return envelope

    def _check_undecoded(self, line: bytes, error: Exception) -> None:
        version = _version_of(line)
        if version is not None and version != SCHEMA_VERSION:
            self._fail_version(version)
        else:
            self.fail(FailureKind.DECODE, f"not an event of a ledger: {error}")
        self.chain.size += 1

    def _fail_version(self, version: object) -> None:
        self.fail(
            FailureKind.UNKNOWN_SCHEMA_VERSION,
            "nothing is known of events of this version",
            expected=str(SCHEMA_VERSION),
            observed=str(version),
        )

    def _check_hashes(self, line: bytes, envelope: Envelope) -> None:
        payload_hash = sha256(envelope.payload).hexdigest()
        if payload_hash != envelope.payload_hash:
            self.fail(
                FailureKind.PAYLOAD_HASH,
                "the payload is not the one that was hashed",
                expected=payload_hash,
                observed=envelope.payload_hash,
            )
        event_hash = sha256(hashed_bytes(line, envelope)).hexdigest()
        if event_hash != envelope.event_hash:
            self.fail(
                FailureKind.EVENT_HASH,
                "the line is not the one that was hashed",
                expected=event_hash,
                observed=str(envelope.event_hash),
            )

    def _check_link(self, envelope: Envelope) -> None:
        chain = self.chain
        if envelope.prev_event_hash != chain.event_hash:
            self.fail(
                FailureKind.ORPHAN,
                "the line before is not the one that this event follows",
                expected=chain.event_hash,
                observed=envelope.prev_event_hash,
            )
        if envelope.sequence != chain.size:
            self.fail(
                FailureKind.ORDINAL_GAP,
                "the sequence does not go on",
                expected=str(chain.size),
                observed=str(envelope.sequence),
            )

    def _check_batch(self, envelope: Envelope) -> None:
        before, batch = self.chain.batch, envelope.batch
        if batch is msgspec.UNSET and before is None:
            return
        mark = batch if isinstance(batch, Batch) else None
        wanted = before.index + 1 if before is not None else 0
        size = before.size if before is not None else (mark.size if mark else 0)
        if mark is None or mark.index != wanted or mark.size != size or size < _BATCH_MIN:
            self._break_batch("events of one batch are missing or do not follow each other")
        self.chain.batch = mark if mark is not None and mark.goes_on else None

    def _break_batch(self, detail: str) -> None:
        self.fail(FailureKind.BATCH_BROKEN, detail)
        self.chain.batch = None

    def _check_signature(self, envelope: Envelope) -> None:
        signature = envelope.signature
        if signature is msgspec.UNSET and self.chain.signing is not Signing.ROWS:
            return
        if not isinstance(signature, Signature):
            self.fail(FailureKind.MISSING_SIGNATURE, "the ledger signs each row, this one is not")
            return
        if signature.schema_version != SIGNATURE_VERSION:
            self.fail(
                FailureKind.UNKNOWN_ATTESTATION_VERSION,
                "nothing is known of signatures of this version",
                expected=str(SIGNATURE_VERSION),
                observed=str(signature.schema_version),
            )
            return
        key = self._signing_key(envelope)
        if key is None or not is_signed(signature, str(envelope.event_hash), key):
            self.fail(
                FailureKind.BAD_SIGNATURE,
                f"the signature by {signature.key_id} does not hold",
                expected=key_name(key) if key else None,
                observed=signature.key_id,
            )

    def _signing_key(self, envelope: Envelope) -> VerifierKey | None:
        """The key that must have signed a row. The first row names its own."""
        if self.chain.size or envelope.event_type != CREATED:
            return self.chain.key
        try:
            return VerifierKey.parse(str(_payload(envelope, Created).verifier_key))
        except (ProofError, *UNREADABLE):
            return None

    def _check_own(self, envelope: Envelope) -> None:
        if not envelope.event_type.startswith(RESERVED):
            return
        try:
            if envelope.event_type == CREATED:
                self._begin(envelope, _payload(envelope, Created))
            elif envelope.event_type == KEY_ROTATED:
                self._rotate(envelope, _payload(envelope, KeyRotated))
        except (ProofError, *UNREADABLE) as error:
            is_first = envelope.event_type == CREATED
            kind = FailureKind.NOT_CREATED if is_first else FailureKind.ROTATION_REFUSED
            self.fail(kind, f"the ledger's own event is not understood: {error}")

    def _begin(self, envelope: Envelope, created: Created) -> None:
        if envelope.sequence or self.chain.size:
            self.fail(FailureKind.NOT_CREATED, "a ledger is created once, by its first event")
            return
        self.chain.origin, self.chain.signing = created.origin, created.signing
        if created.verifier_key is not None:
            self.chain.keys.append((0, VerifierKey.parse(created.verifier_key)))

    def _rotate(self, envelope: Envelope, rotated: KeyRotated) -> None:
        before = self.chain.key
        key = VerifierKey.parse(rotated.verifier_key)
        signature = envelope.signature
        is_allowed = (
            before is not None
            and isinstance(signature, Signature)
            and rotated.previous_key == before.format()
            and key.name == before.name
            and is_signed(signature, str(envelope.event_hash), before)
        )
        if not is_allowed:
            self.fail(
                FailureKind.ROTATION_REFUSED,
                "the new key is not signed for by the key before it",
                expected=key_name(before) if before else None,
                observed=signature.key_id if isinstance(signature, Signature) else None,
            )
            return
        self.chain.keys.append((envelope.sequence + 1, key))


_BATCH_MIN: Final = 2


_Shape = TypeVar("_Shape")


def _payload(envelope: Envelope, shape: type[_Shape]) -> _Shape:
    return msgspec.json.decode(envelope.payload, type=shape)


class _Version(msgspec.Struct, frozen=True):
    schema_version: object


def _version_of(line: bytes) -> object:
    """The schema version that a line states which is otherwise not understood."""
    try:
        return msgspec.json.decode(line, type=_Version).schema_version
    except UNREADABLE:
        return None
