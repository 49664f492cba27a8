"""Tree heads."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import ProofError
from evidentia.proof.claims import Level
from evidentia.proof.head import (
    SIZE_MAX,
    TreeHead,
    format_head,
    open_head,
    parse_head,
    sign_head,
)
from evidentia.proof.keys import Ed25519Signer, HmacSigner
from evidentia.proof.note import parse_note, sign_note
from evidentia.proof.tree import EMPTY_ROOT, leaf_hash

ORIGIN = "ledger.example/a"
SIGNER = Ed25519Signer(ORIGIN, bytes(range(32)))
OTHER = Ed25519Signer("ledger.example/b", bytes(range(1, 33)))
SECRET = HmacSigner(ORIGIN, bytes(range(32)))
ROOT = leaf_hash(b"{}")
HEAD = TreeHead(origin=ORIGIN, size=1, root=ROOT)
ROOT_TEXT = b64encode(ROOT).decode()
EMPTY_TEXT = b64encode(EMPTY_ROOT).decode()


def test_the_text_of_a_head() -> None:
    """Three lines: origin, size in decimal, root in base64, and no more."""
    assert format_head(HEAD) == f"ledger.example/a\n1\n{ROOT_TEXT}\n"
    assert parse_head(format_head(HEAD)) == (HEAD, ())


def test_a_head_of_the_specification() -> None:
    """C2SP's example of a tlog-checkpoint is read and written again."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

    head, extensions = parse_head(text)

    assert (head.origin, head.size, extensions) == ("example.com/behind-the-sofa", 20852163, ())
    assert format_head(head) == text


@settings(derandomize=True)
@given(
    st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1),
    st.integers(1, SIZE_MAX),
    st.binary(min_size=32, max_size=32),
)
def test_any_head_reads_back(origin: str, size: int, root: bytes) -> None:
    """Writing and reading give the same head."""
    head = TreeHead(origin=origin, size=size, root=root)

    assert parse_head(format_head(head)) == (head, ())


def test_extensions_of_others_are_kept_aside() -> None:
    """Foreign heads may have more lines; they are covered by the signature and not understood."""
    raw = sign_note(f"{format_head(HEAD)}one\ntwo 2\n", [SIGNER])

    opened = open_head(raw, [SIGNER.verifier])

    assert opened.head == HEAD
    assert opened.extensions == ("one", "two 2")


MALFORMED = {
    "nothing": "",
    "no root": f"{ORIGIN}\n1\n",
    "no origin": f"\n1\n{ROOT_TEXT}\n",
    "no last newline": f"{ORIGIN}\n1\n{ROOT_TEXT}",
    "a leading zero": f"{ORIGIN}\n01\n{ROOT_TEXT}\n",
    "zero twice": f"{ORIGIN}\n00\n{EMPTY_TEXT}\n",
    "a sign": f"{ORIGIN}\n+1\n{ROOT_TEXT}\n",
    "minus zero": f"{ORIGIN}\n-0\n{EMPTY_TEXT}\n",
    "a space": f"{ORIGIN}\n 1\n{ROOT_TEXT}\n",
    "an underscore": f"{ORIGIN}\n1_0\n{ROOT_TEXT}\n",
    "a point": f"{ORIGIN}\n1.0\n{ROOT_TEXT}\n",
    "foreign digits": f"{ORIGIN}\n\u0661\n{ROOT_TEXT}\n",
    "hex": f"{ORIGIN}\n0x1\n{ROOT_TEXT}\n",
    "a size of 2**63": f"{ORIGIN}\n{2**63}\n{ROOT_TEXT}\n",
    "a size of many digits": f"{ORIGIN}\n{'9' * 5000}\n{ROOT_TEXT}\n",
    "a short root": f"{ORIGIN}\n1\n{b64encode(bytes(31)).decode()}\n",
    "a long root": f"{ORIGIN}\n1\n{b64encode(bytes(33)).decode()}\n",
    "a root in hex": f"{ORIGIN}\n1\n{ROOT.hex()}\n",
    "a root without padding": f"{ORIGIN}\n1\n{ROOT_TEXT.rstrip('=')}\n",
    "an empty tree with a root": f"{ORIGIN}\n0\n{ROOT_TEXT}\n",
    "an empty extension": f"{ORIGIN}\n1\n{ROOT_TEXT}\n\nmore\n",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_head_is_refused(text: str) -> None:
    """A head has one text form, and even a true signature does not help another."""
    with pytest.raises(ProofError):
        parse_head(text)
    if text.endswith("\n"):
        with pytest.raises(ProofError):
            open_head(sign_note(text, [SIGNER]), [SIGNER.verifier])


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [
        ("", 1, ROOT),
        ("a\nb", 1, ROOT),
        ("a\x00", 1, ROOT),
        ("\ud800", 1, ROOT),
        (ORIGIN, -1, ROOT),
        (ORIGIN, 2**63, ROOT),
        (ORIGIN, 1, b""),
        (ORIGIN, 0, ROOT),
    ],
)
def test_there_is_no_such_head(origin: str, size: int, root: bytes) -> None:
    """A head that could not be written is not made."""
    with pytest.raises(ProofError):
        TreeHead(origin=origin, size=size, root=root)


def test_the_head_of_an_empty_ledger() -> None:
    """Size 0 has a head, with the root of nothing."""
    head = TreeHead(origin=ORIGIN, size=0, root=EMPTY_ROOT)

    assert open_head(sign_head(head, [SIGNER]), [SIGNER.verifier]).head == head


def test_a_signed_head_is_opened() -> None:
    """Head, bytes and keys come back; the bytes are those that were read."""
    raw = sign_head(HEAD, [SIGNER, OTHER])

    opened = open_head(raw, [SIGNER.verifier, OTHER.verifier], ORIGIN)

    assert (opened.head, opened.note) == (HEAD, raw)
    assert opened.keys == (SIGNER.verifier, OTHER.verifier)
    assert [each.name for each in open_head(raw, [SIGNER.verifier]).unverified] == [OTHER.name]


def test_a_head_of_another_ledger_is_refused() -> None:
    """The origin that was expected has to be the one that was signed."""
    with pytest.raises(ProofError, match=r"is that of ledger\.example/a, not of ledger\.example/b"):
        open_head(sign_head(HEAD, [SIGNER]), [SIGNER.verifier], OTHER.name)


def test_a_key_speaks_for_its_own_ledger_only() -> None:
    """A key that is trusted for one ledger cannot sign a head of another."""
    forged = sign_note(format_head(HEAD), [OTHER])

    with pytest.raises(ProofError, match="none of the known keys"):
        open_head(forged, [SIGNER.verifier, OTHER.verifier])
    with pytest.raises(ProofError, match="no signer is named"):
        sign_head(HEAD, [OTHER])
    with pytest.raises(ProofError, match="no signer is named"):
        sign_head(HEAD, [])


def test_the_level_is_that_of_the_ledgers_own_keys() -> None:
    """An Ed25519 signature earns level 5, a secret level 4, a stranger's signature nothing."""
    both = sign_head(HEAD, [SIGNER, SECRET])
    stranger = sign_head(HEAD, [SECRET, OTHER])

    assert open_head(both, [SIGNER.verifier, SECRET]).level is Level.SIGNED
    assert open_head(both, [SECRET]).level is Level.HMAC
    assert open_head(stranger, [SECRET, OTHER.verifier]).level is Level.HMAC


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl in PATH")
def test_openssl_verifies_a_signed_head(tmp_path: Path) -> None:
    """A stranger needs neither our code nor our libraries to check a signature."""
    note = parse_note(sign_head(HEAD, [SIGNER]))
    public = bytes.fromhex("302a300506032b6570032100") + SIGNER.verifier.public
    (tmp_path / "key.der").write_bytes(public)
    (tmp_path / "signature").write_bytes(note.signatures[0].signature)
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER"]
    command += ["-inkey", "key.der", "-sigfile", "signature", "-in", "text"]

    (tmp_path / "text").write_text(note.text, encoding="utf-8")
    accepted = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    (tmp_path / "text").write_text(note.text.replace("\n1\n", "\n2\n"), encoding="utf-8")
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (accepted.returncode, refused.returncode) == (0, 1), accepted.stderr + refused.stderr
