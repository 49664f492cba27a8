"""Signatures of single rows: made, and checked."""

from __future__ import annotations

import base64
import binascii

import msgspec

from evidentia.errors import RejectionError
from evidentia.event.envelope import SIGNATURE_VERSION, Envelope, Signature, signed_bytes
from evidentia.proof.keys import Signer, VerifierKey


def signed_row(envelope: Envelope, signer: Signer | None, now: str) -> Envelope:
    """The envelope with a signature over its event hash.

    Raises:
        RejectionError: There is no key, or not one of a pair.
    """
    verifier = signer.verifier if signer is not None else None
    if signer is None or not isinstance(verifier, VerifierKey):
        raise RejectionError(
            "this event must be signed, and there is no key to sign it with",
            fix="give the ledger's key, by reference",
        )
    name = key_name(verifier)
    found = signer.sign(signed_bytes(str(envelope.event_hash), name, now))
    signature = Signature(
        bytes=base64.urlsafe_b64encode(found).rstrip(b"=").decode(),
        key_id=name,
        schema_version=SIGNATURE_VERSION,
        signed_at=now,
    )
    return msgspec.structs.replace(envelope, signature=signature)


def key_name(key: VerifierKey) -> str:
    """How rows name a key: its name and the hash that C2SP notes give it."""
    return f"{key.name}+{key.key_id}"


def is_signed(signature: Signature, event_hash: str, key: VerifierKey) -> bool:
    """Whether a row's signature is one by this key over this event."""
    if signature.key_id != key_name(key):
        return False
    try:
        padding = "=" * (-len(signature.bytes) % 4)
        found = base64.b64decode(signature.bytes + padding, altchars=b"-_", validate=True)
    except binascii.Error:
        return False
    if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != signature.bytes:
        return False
    return key.verify(signed_bytes(event_hash, signature.key_id, signature.signed_at), found)
