"""Keys for notes and their text forms (C2SP signed-note).

A key has a name, in evidentia the origin of a ledger, and a key id of four bytes, written as eight
hex digits, that says which key of that name it is. Two kinds are known:

* Ed25519, type ``0x01``. Verifier key: ``<name>+<key id>+<base64(0x01, public key)>``; secret:
  ``PRIVATE+KEY+<name>+<key id>+<base64(0x01, seed)>``.
* HMAC-SHA256, type ``0xff`` and an identifier, as C2SP asks of unassigned types. Whoever can verify
  can sign. Secret: ``HMAC+KEY+<name>+<key id>+<base64(0xff, identifier, secret)>``.

``cryptography`` is imported where it is used: it would slow the start of every command.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from evidentia.errors import ProofError

ED25519_TYPE: Final = b"\x01"
HMAC_TYPE: Final = b"\xffevidentia.hmac-sha256"
ED25519_KEY_BYTES: Final = 32
"""Length of a public key, and of the seed of a private key (RFC 8032 §5.1.5)."""
HMAC_SECRET_BYTES_MIN: Final = 32
"""As long as the hash: a shorter secret is what an attacker would guess."""

_HMAC_ID_DOMAIN: Final = b"evidentia.hmac-sha256 key id\n"
_PRIVATE: Final = "PRIVATE+KEY+"
_HMAC: Final = "HMAC+KEY+"
_CONTROL_BELOW: Final = " "


class KeyKind(StrEnum):
    """How a key signs, and so what its signature is worth."""

    ED25519 = "Ed25519"
    """Only the holder of the private key can have signed."""
    HMAC = "HMAC"
    """Anyone who can verify could have signed."""


class Verifier(Protocol):
    """What tells a true signature of one key from others."""

    @property
    def name(self) -> str:
        """The key's name."""
        ...

    @property
    def key_id(self) -> str:
        """The key's id, eight hex digits."""
        ...

    @property
    def kind(self) -> KeyKind:
        """How the key signs."""
        ...

    def verify(self, message: bytes, signature: bytes) -> bool:
        """True when the key signed exactly this message."""
        ...


class Signer(Protocol):
    """What signs with one key."""

    @property
    def name(self) -> str:
        """The key's name."""
        ...

    @property
    def verifier(self) -> Verifier:
        """What verifies the signatures of this key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature over the message."""
        ...


def key_id(name: str, kind: bytes, public: bytes) -> str:
    """The id of a key: the first four bytes of SHA-256(name, newline, type, public key), in hex."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public).hexdigest()[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """An Ed25519 public key with its name.

    Raises:
        ProofError: The name or the length of the key is not allowed.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        """Refuse what no key can be."""
        check_key_name(self.name)
        _check_length("an Ed25519 public key", self.public)

    @property
    def key_id(self) -> str:
        """Eight hex digits."""
        return key_id(self.name, ED25519_TYPE, self.public)

    @property
    def kind(self) -> KeyKind:
        """Ed25519."""
        return KeyKind.ED25519

    def verify(self, message: bytes, signature: bytes) -> bool:
        """True when the holder of the private key signed exactly this message (RFC 8032)."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - start-up
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - start-up
            Ed25519PublicKey,
        )

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def format(self) -> str:
        """``<name>+<key id>+<base64>``, which may be published."""
        return _join(self.name, self.key_id, ED25519_TYPE + self.public)

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key from its text form.

        Raises:
            ProofError: It is not the text form of an Ed25519 verifier key.
        """
        name, claimed, material = _split("verifier key", text)
        public = _without_type("verifier key", material, ED25519_TYPE)
        key = cls(name=name, public=public)
        _check_id("verifier key", claimed, key.key_id)
        return key


class Ed25519Signer:
    """Signs with an Ed25519 private key.

    Args:
        name: The key's name.
        seed: The 32 random bytes that are the private key. Anyone who has them can sign.

    Raises:
        ProofError: The name or the length of the seed is not allowed.
    """

    __slots__ = ("_seed", "_sign", "_verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - start-up
            Ed25519PrivateKey,
        )

        _check_length("the seed of an Ed25519 key", seed)
        private = Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = bytes(seed)
        self._sign: Callable[[bytes], bytes] = private.sign
        self._verifier = VerifierKey(name=name, public=private.public_key().public_bytes_raw())

    @property
    def name(self) -> str:
        """The key's name."""
        return self._verifier.name

    @property
    def verifier(self) -> VerifierKey:
        """The public half, which may be published."""
        return self._verifier

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature; the same for the same message (RFC 8032)."""
        return self._sign(message)

    def secret_text(self) -> str:
        """``PRIVATE+KEY+<name>+<key id>+<base64>``, which must stay secret."""
        return _PRIVATE + _join(self.name, self.verifier.key_id, ED25519_TYPE + self._seed)

    @classmethod
    def parse(cls, text: str) -> Ed25519Signer:
        """The signer from its secret text form.

        Raises:
            ProofError: It is not one. The message holds no part of the secret.
        """
        name, claimed, material = _split("private key", _after("private key", text, _PRIVATE))
        signer = cls(name, _without_type("private key", material, ED25519_TYPE))
        _check_id("private key", claimed, signer.verifier.key_id)
        return signer


@dataclass(frozen=True, slots=True)
class HmacSigner:
    """Signs and verifies with one secret: HMAC-SHA256 over the text of the note.

    Raises:
        ProofError: The name is not allowed, or the secret is shorter than 32 bytes.
    """

    name: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what no key can be."""
        check_key_name(self.name)
        if len(self.secret) < HMAC_SECRET_BYTES_MIN:
            raise ProofError(f"an HMAC secret of fewer than {HMAC_SECRET_BYTES_MIN} bytes")

    @property
    def key_id(self) -> str:
        """Eight hex digits, over a hash of the secret in place of a public key."""
        return key_id(self.name, HMAC_TYPE, hashlib.sha256(_HMAC_ID_DOMAIN + self.secret).digest())

    @property
    def kind(self) -> KeyKind:
        """HMAC."""
        return KeyKind.HMAC

    @property
    def verifier(self) -> HmacSigner:
        """The signer itself: the secret both signs and verifies."""
        return self

    def sign(self, message: bytes) -> bytes:
        """The 32-byte HMAC-SHA256 of the message."""
        return hmac.digest(self.secret, message, "sha256")

    def verify(self, message: bytes, signature: bytes) -> bool:
        """True when a holder of the secret signed exactly this message."""
        return hmac.compare_digest(self.sign(message), signature)

    def secret_text(self) -> str:
        """``HMAC+KEY+<name>+<key id>+<base64>``, which must stay secret."""
        return _HMAC + _join(self.name, self.key_id, HMAC_TYPE + self.secret)

    @classmethod
    def parse(cls, text: str) -> HmacSigner:
        """The signer from its secret text form.

        Raises:
            ProofError: It is not one. The message holds no part of the secret.
        """
        name, claimed, material = _split("HMAC key", _after("HMAC key", text, _HMAC))
        signer = cls(name, _without_type("HMAC key", material, HMAC_TYPE))
        _check_id("HMAC key", claimed, signer.key_id)
        return signer


def parse_signer(text: str) -> Ed25519Signer | HmacSigner:
    """The signer of either kind from its secret text form.

    Raises:
        ProofError: It is neither. The message holds no part of the secret.
    """
    return HmacSigner.parse(text) if text.startswith(_HMAC) else Ed25519Signer.parse(text)


def parse_verifier(text: str) -> VerifierKey | HmacSigner:
    """The verifier of either kind: a verifier key, or the secret text of an HMAC key.

    Raises:
        ProofError: It is neither; a private key is no verifier.
    """
    return HmacSigner.parse(text) if text.startswith(_HMAC) else VerifierKey.parse(text)


def check_key_name(name: str) -> None:
    """Return for a name that a signature line can hold.

    Raises:
        ProofError: It is empty, or holds a space, a plus, a control character or half a character.
    """
    is_bad = not name or "+" in name or any(c.isspace() or c < _CONTROL_BELOW for c in name)
    if is_bad or any("\ud800" <= c <= "\udfff" for c in name):
        raise ProofError(
            f"{name!r} is no name for a key",
            fix="choose a name without spaces, plus signs and control characters",
        )


def strict_base64(text: str) -> bytes | None:
    """The bytes of base64 in its one standard form (RFC 4648 §4); None for any other text."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return None
    # Decoders overlook bits set behind the last byte, so that one key would have several texts.
    return data if b64encode(data).decode() == text else None


def _join(name: str, claimed: str, material: bytes) -> str:
    return f"{name}+{claimed}+{b64encode(material).decode()}"


def _split(what: str, text: str) -> tuple[str, str, bytes]:
    parts = text.split("+", 2)
    material = strict_base64(parts[2]) if len(parts) == 3 else None  # noqa: PLR2004  # as in _join
    if material is None:
        raise ProofError(f"not a {what}: its form is <name>+<8 hex digits>+<base64>")
    return parts[0], parts[1], material


def _after(what: str, text: str, prefix: str) -> str:
    if not text.startswith(prefix):
        raise ProofError(f"not a {what}: it does not start with {prefix}")
    return text.removeprefix(prefix)


def _without_type(what: str, material: bytes, kind: bytes) -> bytes:
    if not material.startswith(kind):
        raise ProofError(f"a {what} of another type than {kind!r}")
    return material.removeprefix(kind)


def _check_id(what: str, claimed: str, computed: str) -> None:
    if claimed != computed:
        raise ProofError(f"the {what} is not the one that its key id names, {computed}")


def _check_length(what: str, material: bytes) -> None:
    if len(material) != ED25519_KEY_BYTES:
        raise ProofError(f"{what} has {ED25519_KEY_BYTES} bytes, not {len(material)}")
