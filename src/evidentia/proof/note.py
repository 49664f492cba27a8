"""Signed notes: a text and the signatures over it, in one file (C2SP signed-note).

A note is UTF-8: the text, which ends in a newline; an empty line; and one line for each signature,
``— <key name> <base64(key id, signature)>`` with U+2014 first. No control character but newline
stands in it. The text may hold empty lines: the last one of the note is what separates.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from evidentia.errors import ProofError
from evidentia.proof.keys import Signer, Verifier, check_key_name, strict_base64

NOTE_BYTES_MAX: Final = 1_000_000
"""Longest note that is read, as other readers of notes have it."""
SIGNATURES_MAX: Final = 100
"""Most signatures that are read; C2SP asks for 16 at least."""

_DASH: Final = "\u2014 "
_KEY_ID_BYTES: Final = 4
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line.

    Attributes:
        name: The name of the key.
        key_id: The id of the key, eight hex digits.
        signature: What the key made of the text.
    """

    name: str
    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note whose signatures nobody has verified: its text says nothing yet."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedNote:
    """A note that at least one known key signed.

    Attributes:
        text: What was signed.
        verified: The known keys that signed, each once, in the order of their signatures.
        unverified: The signatures of keys that are not known, each once.
    """

    text: str
    verified: tuple[Verifier, ...]
    unverified: tuple[Signature, ...]


def parse_note(raw: bytes) -> Note:
    """The text and the signatures of a note, without verifying any.

    Raises:
        ProofError: It is not a note.
    """
    if len(raw) > NOTE_BYTES_MAX:
        raise ProofError(f"a note of more than {NOTE_BYTES_MAX} bytes")
    try:
        whole = raw.decode()
    except UnicodeDecodeError as error:
        raise ProofError("the note is not UTF-8", where=f"byte {error.start}") from error
    _check_characters(whole)
    text, separator, tail = whole.rpartition("\n\n")
    if not separator:
        raise ProofError("the note has no empty line before its signatures")
    if not tail.endswith("\n"):
        raise ProofError("the note has no signatures, or its last line does not end")
    lines = tail[:-1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise ProofError(f"a note with more than {SIGNATURES_MAX} signatures")
    return Note(text=f"{text}\n", signatures=tuple(_parse_signature(line) for line in lines))


def format_note(note: Note) -> bytes:
    """The bytes of a note.

    Raises:
        ProofError: The text or a name is not allowed in a note, or there is no signature.
    """
    _check_text(note.text)
    if not note.signatures:
        raise ProofError("a note needs a signature")
    lines = [_format_signature(each) for each in note.signatures]
    return "\n".join((note.text, *lines, "")).encode()


def sign_note(text: str, signers: Sequence[Signer]) -> bytes:
    """The bytes of a note with this text, signed by each of the signers.

    Raises:
        ProofError: The text is not allowed in a note, there is no signer, or one comes twice.
    """
    _check_text(text)
    message = text.encode()
    by_label = {(each.name, each.verifier.key_id): each for each in signers}
    if len(by_label) != len(signers):
        raise ProofError("one key would sign the note twice")
    signatures = tuple(
        Signature(name=name, key_id=key_id, signature=signer.sign(message))
        for (name, key_id), signer in by_label.items()
    )
    return format_note(Note(text=text, signatures=signatures))


def open_note(raw: bytes, verifiers: Iterable[Verifier]) -> OpenedNote:
    """The text of a note that a known key signed.

    Signatures of other keys are kept aside. Every signature of a known key has to be true, even
    where another one is: a false one means that text or note were changed.

    Raises:
        ProofError: It is not a note, a known key's signature is false, or no known key signed.
    """
    known = _by_label(verifiers)
    note = parse_note(raw)
    message = note.text.encode()
    verified: dict[tuple[str, str], Verifier] = {}
    unverified: dict[Signature, None] = {}
    for each in note.signatures:
        label = (each.name, each.key_id)
        verifier = known.get(label)
        if verifier is None:
            unverified[each] = None
        elif verifier.verify(message, each.signature):
            verified[label] = verifier
        else:
            raise ProofError(f"the signature of key {each.name}+{each.key_id} is false")
    if not verified:
        raise ProofError(
            "no known key signed the note",
            fix="name the key of one who did: "
            + ", ".join(f"{each.name}+{each.key_id}" for each in unverified),
        )
    return OpenedNote(
        text=note.text, verified=tuple(verified.values()), unverified=tuple(unverified)
    )


def _by_label(verifiers: Iterable[Verifier]) -> dict[tuple[str, str], Verifier]:
    known: dict[tuple[str, str], Verifier] = {}
    for each in verifiers:
        if known.setdefault((each.name, each.key_id), each) != each:
            raise ProofError(f"two known keys are both {each.name}+{each.key_id}")
    return known


def _parse_signature(line: str) -> Signature:
    name, separator, encoded = line.removeprefix(_DASH).partition(" ")
    data = strict_base64(encoded)
    if not line.startswith(_DASH) or not separator or data is None or len(data) <= _KEY_ID_BYTES:
        raise ProofError(
            "a line that is not a signature", where=f"the line {line[:80]!r} after the text"
        )
    check_key_name(name)
    return Signature(name=name, key_id=data[:_KEY_ID_BYTES].hex(), signature=data[_KEY_ID_BYTES:])


def _format_signature(signature: Signature) -> str:
    check_key_name(signature.name)
    encoded = b64encode(bytes.fromhex(signature.key_id) + signature.signature).decode()
    return f"{_DASH}{signature.name} {encoded}"


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise ProofError("the text of a note ends in a newline")
    _check_characters(text)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ProofError("the text is not UTF-8", where=f"character {error.start}") from error


def _check_characters(text: str) -> None:
    found = _CONTROL.search(text)
    if found:
        raise ProofError(
            f"control character {ord(found[0]):#04x} in a note", where=f"character {found.start()}"
        )
