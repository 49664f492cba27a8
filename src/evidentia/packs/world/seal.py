"""The seal that the game writes into its rows: a checksum, and an HMAC where it has a key.

The writer hashes the compact JSON of the row, members in the order they were put in and non-ASCII
escaped, before it appends ``sha256`` and ``hmac``. So the sealed bytes stand in the line: it is
the line without those two members.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Final

from evidentia.pack.seal import (
    SealKeys,
    SealReading,
    SealReason,
    SealScheme,
    SealVerdict,
    without_seal,
)
from evidentia.proof.claims import Level

_WHITESPACE: Final = b" \t\r\n"
# An unescaped quote cannot stand inside a JSON string, so this is never part of one.
_AT_END: Final = re.compile(
    rb',"sha256":"(?P<sha256>[0-9a-f]{64})"(?:,"hmac":"(?P<hmac>[0-9a-f]{64})")?\}\Z'
)
_SEALS: Final = ("sha256", "hmac")
_MARKER_KEYS: Final = frozenset({"ts", "event", "rotated_to", "previous_size"})
"""The row that rotation leaves at the head of a new file; the writer never seals it."""
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class WorldChecker:
    """Recomputes the seal of each row; the rows are not linked."""

    def __init__(self, keys: SealKeys) -> None:
        self._keys = keys

    def check(self, raw: bytes) -> SealReading:
        """What the seal of the next line is worth."""
        line = raw.rstrip(_WHITESPACE)
        found = _AT_END.search(line)
        if found is None:
            return self._check_elsewhere(line)
        stated = found["hmac"]
        return self._judge(
            line[: found.start()] + b"}",
            found["sha256"].decode(),
            None if stated is None else stated.decode(),
        )

    def _check_elsewhere(self, line: bytes) -> SealReading:
        row = _object_on(line)
        if row is None:
            return without_seal(line, b'"sha256"')
        stated, keyed = (row.pop(name, None) for name in _SEALS)
        if stated is None and keyed is None:
            return _absent(row)
        is_readable = isinstance(stated, str) and _HEX.fullmatch(stated)
        sealed = _written_again(row)
        if not isinstance(stated, str) or not is_readable or sealed is None:
            return SealReading(
                verdict=SealVerdict.INVALID,
                reason=SealReason.DECODE,
                detail="the checksum is not 64 hexadecimal digits, or the row cannot be written",
            )
        return self._judge(sealed, stated, None if keyed is None else str(keyed))

    def _judge(self, sealed: bytes, stated: str, keyed: str | None) -> SealReading:
        computed = hashlib.sha256(sealed).hexdigest()
        if computed != stated:
            return SealReading(
                verdict=SealVerdict.INVALID,
                reason=SealReason.HASH_MISMATCH,
                expected=computed,
                observed=stated,
            )
        if keyed is None:
            return self._without_hmac()
        if not self._keys.secrets:
            return SealReading(
                verdict=SealVerdict.NO_KEY,
                level=Level.CHECKSUM,
                detail="the checksum holds; the HMAC needs its key",
            )
        if not any(_has_hmac(secret, sealed, keyed) for secret in self._keys.secrets):
            # What it should be is not told: it is what an attacker without the key lacks.
            return SealReading(
                verdict=SealVerdict.INVALID, reason=SealReason.BAD_HMAC, observed=keyed
            )
        return SealReading(
            verdict=SealVerdict.VALID, level=Level.CHECKSUM, detail="checksum and HMAC hold"
        )

    def _without_hmac(self) -> SealReading:
        if self._keys.is_signature_required and self._keys.secrets:
            return SealReading(verdict=SealVerdict.INVALID, reason=SealReason.MISSING_HMAC)
        return SealReading(verdict=SealVerdict.VALID, level=Level.CHECKSUM)


def is_sealed(raw: bytes) -> bool:
    """Whether a line carries a ``sha256`` of its own; one inside a nested object is a file's."""
    if b'"sha256"' not in raw:
        return False
    if _AT_END.search(raw.rstrip(_WHITESPACE)):
        return True
    row = _object_on(raw)
    return row is not None and isinstance(row.get("sha256"), str)


def _object_on(line: bytes) -> dict[str, object] | None:
    try:
        # Not the fast reading: this one takes the lone surrogates of a lenient log as well.
        row: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def _absent(row: dict[str, object]) -> SealReading:
    if row.keys() == _MARKER_KEYS and row["event"] == "log_rotated":
        return SealReading(verdict=SealVerdict.ABSENT, reason=SealReason.NEVER_SEALED)
    return SealReading(verdict=SealVerdict.ABSENT)


def _written_again(row: dict[str, object]) -> bytes | None:
    """The row as its writer would write it; the fallback where the seal is not at the end."""
    try:
        return json.dumps(row, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        return None


def _has_hmac(secret: bytes, sealed: bytes, stated: str) -> bool:
    computed = hmac.new(secret, sealed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(computed.encode(), stated.encode(errors="replace"))


SHA256: Final = SealScheme(
    name="world.sha256",
    title="checksum of each row, with an HMAC where the writer had a key",
    covers=(
        "every byte of a row but the seal itself, against accidents",
        "with the HMAC and its key: every byte of a row, as far as holders of the key are trusted",
    ),
    does_not_cover=(
        "rows that were deleted, repeated or put into another order: rows are not linked",
        "a row that was changed together with its checksum, where there is no HMAC or no key",
        "rows without a seal",
    ),
    recognises=is_sealed,
    checker=WorldChecker,
)
