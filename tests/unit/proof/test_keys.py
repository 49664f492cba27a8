"""Keys for notes."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from evidentia.errors import ProofError
from evidentia.proof.keys import (
    ED25519_TYPE,
    Ed25519Signer,
    HmacSigner,
    KeyKind,
    VerifierKey,
    check_key_name,
    key_id,
    parse_signer,
    parse_verifier,
    strict_base64,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "wycheproof" / "ed25519.json"
# RFC 8032 §7.1: seed, public key, message, signature.
RFC_8032 = {
    "empty": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
            "b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    "one byte": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
            "1d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    "two bytes": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
            "c6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    "a hash": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431"
            "e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
}
# Keys that the Go project publishes in the tests of its note package.
GO_PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
SEED = bytes(range(32))


@pytest.mark.parametrize("vector", RFC_8032.values(), ids=RFC_8032)
def test_the_vectors_of_rfc_8032(vector: tuple[str, str, str, str]) -> None:
    """Signatures are those of the RFC, by our library and by PyNaCl."""
    seed, public, message, signature = map(bytes.fromhex, vector)
    signer = Ed25519Signer("k", seed)

    assert signer.verifier.public == public == bytes(SigningKey(seed).verify_key)
    assert signer.sign(message) == signature == SigningKey(seed).sign(message).signature
    assert signer.verifier.verify(message, signature)
    assert not signer.verifier.verify(message + b"\0", signature)


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=str(case["tcId"])) for case in json.loads(VECTORS.read_text())]
)
def test_the_vectors_of_wycheproof(case: dict[str, Any]) -> None:
    """Forged, malformed and malleable signatures are told from true ones; PyNaCl agrees."""
    public, message, signature = (bytes.fromhex(case[key]) for key in ("public", "msg", "sig"))

    assert VerifierKey(name="k", public=public).verify(message, signature) is (
        case["result"] == "valid"
    )
    assert accepted_by_pynacl(public, message, signature) is (case["result"] == "valid")


def accepted_by_pynacl(public: bytes, message: bytes, signature: bytes) -> bool:
    """What the other library says."""
    try:
        VerifyKey(public).verify(message, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def test_keys_of_the_go_project_are_read_and_written() -> None:
    """Text forms are those of Go's note package, byte for byte."""
    signer = Ed25519Signer.parse(GO_PRIVATE)

    assert signer.secret_text() == GO_PRIVATE
    assert signer.verifier.format() == GO_PUBLIC
    assert VerifierKey.parse(GO_PUBLIC) == signer.verifier
    assert (signer.name, signer.verifier.key_id) == ("PeterNeumann", "c74f20a3")


@pytest.mark.parametrize("text", [GO_PUBLIC, GO_PRIVATE])
def test_no_part_of_a_key_is_a_key(text: str) -> None:
    """Every shorter piece, and every single changed byte, is refused."""
    parse = parse_signer if text is GO_PRIVATE else parse_verifier
    pieces = {
        text[start:end]
        for start in range(len(text))
        for end in range(start, len(text) + 1)
        if (start, end) != (0, len(text))
    }
    changed = {
        text[:place] + chr(ord(text[place]) + 1) + text[place + 1 :] for place in range(len(text))
    }

    for wrong in pieces | changed:
        with pytest.raises(ProofError):
            parse(wrong)


@pytest.mark.parametrize(
    "text",
    [
        # A key of 33 bytes, and one of an unknown type, each under the key id that fits it.
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "",
        "++",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        GO_PUBLIC + "\n",
        " " + GO_PUBLIC,
        GO_PRIVATE,
    ],
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    """Wrong lengths, types, letters and forms; a private key is no verifier either."""
    with pytest.raises(ProofError):
        parse_verifier(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\xa0b", "\x00", "\ud800"])
def test_a_name_that_a_note_cannot_hold_is_refused(name: str) -> None:
    """No key gets a name with spaces, plus signs, control characters or half characters."""
    with pytest.raises(ProofError):
        check_key_name(name)
    with pytest.raises(ProofError):
        Ed25519Signer(name, SEED)
    with pytest.raises(ProofError):
        HmacSigner(name, SEED)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_keys_of_another_length_are_refused(length: int) -> None:
    """A seed and a public key have 32 bytes."""
    with pytest.raises(ProofError):
        Ed25519Signer("k", bytes(length))
    with pytest.raises(ProofError):
        VerifierKey(name="k", public=bytes(length))


def test_the_key_id_is_the_start_of_the_hash() -> None:
    """C2SP signed-note: SHA-256 over name, newline, type and public key."""
    digest = hashlib.sha256(b"name\n\x01" + SEED).hexdigest()

    assert key_id("name", ED25519_TYPE, SEED) == digest[:8]


def test_an_hmac_key_signs_and_verifies() -> None:
    """A signature is plain HMAC-SHA256, which openssl checks too; other lengths are just false."""
    signer = HmacSigner("ledger.example/a", SEED)
    signature = signer.sign(b"text\n")

    assert signature == hmac.new(SEED, b"text\n", "sha256").digest()
    assert signer.verifier.verify(b"text\n", signature)
    assert not signer.verify(b"text\r", signature)
    assert not signer.verify(b"text\n", signature[:-1])
    assert not signer.verify(b"text\n", b"")
    assert (signer.kind, Ed25519Signer("k", SEED).verifier.kind) == (
        KeyKind.HMAC,
        KeyKind.ED25519,
    )


def test_an_hmac_key_is_written_and_read() -> None:
    """The secret's text form gives the key back, as signer and as verifier."""
    signer = HmacSigner("ledger.example/a", SEED)
    text = signer.secret_text()

    assert text.startswith(f"HMAC+KEY+ledger.example/a+{signer.key_id}+")
    assert parse_signer(text) == parse_verifier(text) == signer
    with pytest.raises(ProofError):
        parse_signer(text.replace(signer.key_id, "00000000"))
    with pytest.raises(ProofError):
        HmacSigner.parse(GO_PRIVATE)


def test_the_key_id_of_an_hmac_key_is_fixed() -> None:
    """It stands in notes: name, type, and a hash of the secret under a domain of its own."""
    secret = hashlib.sha256(b"evidentia.hmac-sha256 key id\n" + SEED).digest()
    digest = hashlib.sha256(b"k\n\xffevidentia.hmac-sha256" + secret).hexdigest()

    assert HmacSigner("k", SEED).key_id == digest[:8]


def test_an_hmac_secret_has_at_least_32_bytes() -> None:
    """A short secret could be guessed from the key id alone."""
    with pytest.raises(ProofError):
        HmacSigner("k", bytes(31))


def test_key_ids_tell_kinds_and_secrets_apart() -> None:
    """The same bytes as seed and as secret are two keys, and each name makes its own."""
    ids = {
        Ed25519Signer("k", SEED).verifier.key_id,
        HmacSigner("k", SEED).key_id,
        HmacSigner("k", SEED + b"\0").key_id,
        HmacSigner("l", SEED).key_id,
        key_id("k", b"\xffevidentia.hmac-sha256", SEED),
    }

    assert len(ids) == 5


@pytest.mark.parametrize("signer", [Ed25519Signer("k", SEED), HmacSigner("k", SEED)])
def test_secrets_are_not_shown(signer: Any) -> None:
    """Neither a traceback nor a log shows a secret by showing its object."""
    shown = repr(signer) + str(signer)

    assert repr(SEED) not in shown
    assert SEED.hex() not in shown
    assert b64encode(SEED).decode() not in shown


@pytest.mark.parametrize("text", [GO_PRIVATE[:-1], GO_PRIVATE.replace("c74f", "c74e")])
def test_a_refused_secret_is_not_repeated(text: str) -> None:
    """The message about a private key that does not parse holds none of it."""
    with pytest.raises(ProofError) as refusal:
        parse_signer(text)

    assert "AYEKFALV" not in str(refusal.value)


@settings(derandomize=True)
@given(st.binary(max_size=40))
def test_base64_has_one_form(data: bytes) -> None:
    """What is written is read back, and the same without padding is not base64."""
    text = b64encode(data).decode()

    assert strict_base64(text) == data
    if text.endswith("="):
        assert strict_base64(text.rstrip("=")) is None


@pytest.mark.parametrize(
    "text", ["QR==", "QUJ=", "Q Q==", "QQ==\n", "-_8=", "QQ", "=", "ö", "QQ==QQ=="]
)
def test_other_forms_of_base64_are_refused(text: str) -> None:
    """Set bits behind the last byte, spaces, the URL alphabet and missing padding."""
    assert strict_base64(text) is None
