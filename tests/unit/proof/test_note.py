"""Signed notes."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evidentia.errors import ProofError
from evidentia.proof.keys import (
    Ed25519Signer,
    HmacSigner,
    KeyKind,
    VerifierKey,
    check_key_name,
)
from evidentia.proof.note import (
    NOTE_BYTES_MAX,
    Note,
    Signature,
    format_note,
    open_note,
    parse_note,
    sign_note,
)

# The example of the C2SP specification.
C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuw"
    "HjG1Yu72IneyaQM=\n"
).encode()
# Keys and signatures that the Go project publishes in the tests of its note package.
PETER = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
PETER_SIGNER = Ed25519Signer.parse(
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
)
ENOCH = VerifierKey.parse("EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop")
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZ"
    "b6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33"
    "WWd1RvMc+QQ=\n"
)
FALSE_PETER = f"— PeterNeumann {b64encode(bytes.fromhex('c74f20a3') + bytes(64)).decode()}\n"
SIGNER = Ed25519Signer("ledger.example/a", bytes(range(32)))
HMAC = HmacSigner("ledger.example/a", bytes(range(32)))
TEXTS = st.lists(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]))).map(
    lambda lines: "".join(f"{line}\n" for line in lines) or "\n"
)


def test_the_example_of_the_specification() -> None:
    """C2SP's own note is opened with C2SP's own key."""
    opened = open_note(C2SP_NOTE, [VerifierKey.parse(C2SP_KEY)])

    assert opened.text == "This is an example message.\n"
    assert [(each.name, each.key_id) for each in opened.verified] == [
        ("example.com/foo", "530d903a")
    ]
    assert format_note(parse_note(C2SP_NOTE)) == C2SP_NOTE


def test_the_note_of_the_go_project_is_signed_alike() -> None:
    """Signing gives the bytes that Go's note package gives."""
    assert sign_note(TEXT, [PETER_SIGNER]) == f"{TEXT}\n{PETER_LINE}".encode()


def test_one_known_signature_is_enough() -> None:
    """Signatures of unknown keys are kept aside, whatever their order."""
    raw = f"{TEXT}\n{ENOCH_LINE}{PETER_LINE}".encode()

    opened = open_note(raw, [PETER])

    assert opened.text == TEXT
    assert opened.verified == (PETER,)
    assert [each.name for each in opened.unverified] == ["EnochRoot"]
    assert open_note(raw, [PETER, ENOCH]).verified == (ENOCH, PETER)


def test_a_note_without_a_known_signature_is_refused() -> None:
    """The message names the keys that did sign."""
    with pytest.raises(ProofError, match=r"PeterNeumann\+c74f20a3"):
        open_note(f"{TEXT}\n{PETER_LINE}".encode(), [ENOCH])
    with pytest.raises(ProofError):
        open_note(f"{TEXT}\n{PETER_LINE}".encode(), [])


@pytest.mark.parametrize(
    "lines", [FALSE_PETER, ENOCH_LINE + FALSE_PETER, PETER_LINE + FALSE_PETER], ids=["1", "2", "3"]
)
def test_a_false_signature_of_a_known_key_refuses_the_note(lines: str) -> None:
    """Even beside true ones: something was changed."""
    with pytest.raises(ProofError, match=r"PeterNeumann\+c74f20a3 is false"):
        open_note(f"{TEXT}\n{lines}".encode(), [PETER, ENOCH])


def test_the_same_name_with_another_id_is_another_key() -> None:
    """Name and id together say which key it is; a share of either is no match."""
    other = VerifierKey(name="PeterNeumann", public=ENOCH.public)
    opened = open_note(f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}".encode(), [ENOCH, other])

    assert opened.verified == (ENOCH,)
    assert [each.key_id for each in opened.unverified] == [PETER.key_id]


def test_signatures_that_come_twice_count_once() -> None:
    """Repeating a line adds nothing, known or unknown."""
    raw = f"{TEXT}\n{PETER_LINE * 2}{ENOCH_LINE * 2}".encode()

    opened = open_note(raw, [PETER, PETER])

    assert opened.verified == (PETER,)
    assert len(opened.unverified) == 1
    assert len(parse_note(raw).signatures) == 4


@dataclass(frozen=True)
class Impostor:
    """Another key with the label of Peter's: four bytes are soon found."""

    name: str = PETER.name
    key_id: str = PETER.key_id
    kind: KeyKind = KeyKind.ED25519

    def verify(self, message: bytes, signature: bytes) -> bool:  # noqa: ARG002 - accepts all
        """Accept everything."""
        return True


@pytest.mark.parametrize("verifiers", [[PETER, Impostor()], [Impostor(), PETER]])
def test_two_known_keys_of_one_label_are_refused(verifiers: list[VerifierKey]) -> None:
    """Which of the two verified would depend on their order."""
    with pytest.raises(ProofError, match="two known keys"):
        open_note(f"{TEXT}\n{PETER_LINE}".encode(), verifiers)


def test_sixteen_signatures_and_more_are_accepted() -> None:
    """C2SP asks for 16; the limit here is 100."""
    signers = [Ed25519Signer(f"key{number}", bytes([number] * 32)) for number in range(100)]

    raw = sign_note(TEXT, signers)

    assert len(open_note(raw, [each.verifier for each in signers]).verified) == 100
    assert len(open_note(raw, [signers[16].verifier]).unverified) == 99
    with pytest.raises(ProofError, match="more than 100"):
        open_note(raw + PETER_LINE.encode(), [PETER])


def test_the_last_empty_line_separates() -> None:
    """A text that looks like a signed note is text, all of it."""
    inner = f"{TEXT}\n{PETER_LINE}"

    raw = sign_note(inner, [SIGNER])

    assert open_note(raw, [SIGNER.verifier, PETER]).text == inner
    assert open_note(sign_note("a\n\n\n", [SIGNER]), [SIGNER.verifier]).text == "a\n\n\n"
    assert open_note(sign_note("\n", [SIGNER]), [SIGNER.verifier]).text == "\n"


MALFORMED = {
    "nothing": b"",
    "a newline": b"\n",
    "text alone": TEXT.encode(),
    "no signature": f"{TEXT}\n".encode(),
    "an empty last line": f"{TEXT}\n{PETER_LINE}\n".encode(),
    "no last newline": f"{TEXT}\n{PETER_LINE[:-1]}".encode(),
    "no empty line": f"{TEXT}{PETER_LINE}".encode(),
    "no text": f"\n{PETER_LINE}".encode(),
    "a control character": f"\x01{TEXT}\n{PETER_LINE}".encode(),
    "a tab": f"\t{TEXT}\n{PETER_LINE}".encode(),
    "carriage returns": f"{TEXT}\n{PETER_LINE}".replace("\n", "\r\n").encode(),
    "a NUL in a name": f"{TEXT}\n{PETER_LINE.replace('Neu', chr(0))}".encode(),
    "not UTF-8": b"\xff" + f"{TEXT}\n{PETER_LINE}".encode(),
    "a half character": b"\xed\xa0\x80" + f"{TEXT}\n{PETER_LINE}".encode(),
    "UTF-16": f"{TEXT}\n{PETER_LINE}".encode("utf-16"),
    "a name with a space": f"{TEXT}\n{PETER_LINE.replace('Neu', ' Neu')}".encode(),
    "a name with a wide space": f"{TEXT}\n{PETER_LINE.replace('Neu', chr(0x2003))}".encode(),
    "a name with a plus": f"{TEXT}\n{PETER_LINE.replace('Neu', '+')}".encode(),
    "an empty name": f"{TEXT}\n{PETER_LINE.replace('PeterNeumann', '')}".encode(),
    "another line": f"{TEXT}\n{PETER_LINE}Unexpected line.\n".encode(),
    "a hyphen": f"{TEXT}\n{PETER_LINE.replace('—', '-')}".encode(),
    "an en dash": f"{TEXT}\n{PETER_LINE.replace('—', '–')}".encode(),  # noqa: RUF001 - the case
    "no space after the dash": f"{TEXT}\n{PETER_LINE.replace('— ', '—')}".encode(),
    "no base64": f"{TEXT}\n— PeterNeumann\n".encode(),
    "empty base64": f"{TEXT}\n— PeterNeumann \n".encode(),
    "base64 without padding": f"{TEXT}\n{PETER_LINE.replace('=', '')}".encode(),
    "base64 with bits behind its end": f"{TEXT}\n{PETER_LINE.replace('M=', 'N=')}".encode(),
    "base64 of the URL alphabet": f"{TEXT}\n{PETER_LINE.replace('/', '_')}".encode(),
    "base64 and a space": f"{TEXT}\n{PETER_LINE[:-1]} \n".encode(),
    "a key id alone": f"{TEXT}\n— PeterNeumann x08gow==\n".encode(),
    "too many bytes": b"x" * NOTE_BYTES_MAX + f"{TEXT}\n{PETER_LINE}".encode(),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_note_is_refused(raw: bytes) -> None:
    """Nothing that other readers might read in another way is read at all."""
    with pytest.raises(ProofError):
        parse_note(raw)
    with pytest.raises(ProofError):
        open_note(raw, [PETER])


@pytest.mark.parametrize("text", ["", "no newline", "a\x00\n", "a\tb\n", "a\rb\n", "\ud800\n"])
def test_a_text_that_no_note_holds_is_not_signed(text: str) -> None:
    """What would not be read back is refused before it is signed."""
    with pytest.raises(ProofError):
        sign_note(text, [SIGNER])
    with pytest.raises(ProofError):
        format_note(Note(text=text, signatures=parse_note(C2SP_NOTE).signatures))


def test_a_note_has_signers_and_each_once() -> None:
    """A note without a signature, or with two of one key, is not written."""
    with pytest.raises(ProofError):
        sign_note(TEXT, [])
    with pytest.raises(ProofError):
        sign_note(TEXT, [SIGNER, Ed25519Signer(SIGNER.name, bytes(range(32)))])
    with pytest.raises(ProofError):
        format_note(
            Note(text=TEXT, signatures=(Signature(name="a b", key_id="00" * 4, signature=b"x"),))
        )


@settings(derandomize=True)
@given(TEXTS)
@example("\u2028\x7f\x85\n")
def test_what_is_signed_is_opened(text: str) -> None:
    """Any text that a note can hold comes back unchanged, with both keys that signed it."""
    opened = open_note(sign_note(text, [SIGNER, HMAC]), [HMAC, SIGNER.verifier])

    assert opened.text == text
    assert opened.verified == (SIGNER.verifier, HMAC)
    assert opened.unverified == ()


def test_no_bit_of_a_note_can_be_flipped() -> None:
    """Each single changed bit makes the note false or malformed."""
    for bit in range(8 * len(C2SP_NOTE)):
        changed = bytearray(C2SP_NOTE)
        changed[bit // 8] ^= 1 << bit % 8

        with pytest.raises(ProofError):
            open_note(bytes(changed), [VerifierKey.parse(C2SP_KEY)])


@settings(derandomize=True)
@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(raw: bytes) -> None:
    """No input makes the parser fail in another way, and what it reads it writes again."""
    try:
        note = parse_note(raw + f"\n\n{PETER_LINE}".encode())
    except ProofError:
        return
    check_key_name(note.signatures[0].name)
    assert format_note(note).endswith(PETER_LINE.encode())
