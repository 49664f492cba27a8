"""Keys for seals are named in the configuration and read from where it says."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from evidentia.audit.keys import KEY_FILE_BYTES_MAX, SealReferences, read_seal_options
from evidentia.errors import ConfigError

KEY = bytes(range(200, 232))


@pytest.mark.parametrize(
    "content",
    [
        KEY,
        KEY.hex().encode(),
        KEY.hex().upper().encode() + b"\n",
        base64.b64encode(KEY) + b"\r\n",
        base64.b64encode(KEY).rstrip(b"="),
    ],
)
def test_a_public_key_is_read_in_each_form(tmp_path: Path, content: bytes) -> None:
    """32 raw bytes, or their hexadecimal or base64 text, from a file beside the configuration."""
    (tmp_path / "key.pub").write_bytes(content)
    references = SealReferences(keys=("file:key.pub",), folder=tmp_path)

    keys = read_seal_options(references, {}).keys

    assert keys.public_keys == {"file:key.pub": KEY}


def test_32_bytes_are_taken_as_they_are(tmp_path: Path) -> None:
    """A raw key may end in what looks like a newline."""
    key = KEY[:-1] + b"\n"
    (tmp_path / "key.pub").write_bytes(key)

    keys = read_seal_options(SealReferences(keys=("file:key.pub",), folder=tmp_path), {}).keys

    assert (keys.public_keys["file:key.pub"], keys.secrets) == (key, (key,))


def test_a_secret_is_read_from_the_environment(tmp_path: Path) -> None:
    """A secret is its text without the newline; what is no key of 32 bytes is no public key."""
    (tmp_path / "secret").write_bytes(b"from a file\n")
    references = SealReferences(keys=("env:SECRET", "file:secret"), folder=tmp_path)

    keys = read_seal_options(references, {"SECRET": "é\udcff"}).keys

    assert keys.secrets == ("é".encode() + b"\xff", b"from a file")
    assert keys.public_keys == {}


def test_signatures_are_required_of_a_sealed_log_with_keys() -> None:
    """Sealed alone asks for seals; sealed with a key asks for what only the key can tell."""
    with_key = SealReferences(is_sealed=True, keys=("env:K",), is_legacy_allowed=True)

    both = read_seal_options(with_key, {"K": "k"})
    alone = read_seal_options(SealReferences(is_sealed=True), {})
    neither = read_seal_options(SealReferences(keys=("env:K",)), {"K": "k"})

    assert (both.is_sealed, both.keys.is_signature_required) == (True, True)
    assert both.keys.is_legacy_allowed
    assert (alone.is_sealed, alone.keys.is_signature_required) == (True, False)
    assert (neither.is_sealed, neither.keys.is_signature_required) == (False, False)


@pytest.mark.parametrize("reference", ["env:NONE", "file:none", "file:empty", "file:.", "file:big"])
def test_a_reference_that_leads_to_nothing_is_said(tmp_path: Path, reference: str) -> None:
    """A missing key is an error: a check that quietly went without it would prove less."""
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "big").write_bytes(b"x" * (KEY_FILE_BYTES_MAX + 1))

    with pytest.raises(ConfigError) as caught:
        read_seal_options(SealReferences(keys=(reference,), folder=tmp_path), {})

    assert caught.value.where == reference


@pytest.mark.parametrize("reference", ["", "a secret of somebody", "secret:" + "s" * 30])
def test_a_key_that_stands_in_the_configuration_is_refused(reference: str) -> None:
    """Keys go by reference, and the message does not repeat what may be a secret."""
    with pytest.raises(ConfigError, match="env:NAME or file:PATH") as caught:
        read_seal_options(SealReferences(keys=(reference,)), {})

    assert "s" * 30 not in str(caught.value)
    assert "somebody" not in str(caught.value)
