"""Proof files from a ledger: that an event is in it, to be checked without it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evidentia.errors import LedgerDamagedError, LedgerError, ProofError, UsageError
from evidentia.ledger.layout import head_path
from evidentia.ledger.reading import LedgerFiles, LedgerView, scan
from evidentia.proof.extension import Extension, format_extension
from evidentia.proof.head import TreeHead, parse_head
from evidentia.proof.inclusion import consistency_path, inclusion_path
from evidentia.proof.note import parse_note
from evidentia.proof.proof_file import Proof, format_proof
from evidentia.proof.tree import leaf_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class EventProof:
    """A proof file, with what it is about.

    Attributes:
        text: The proof file; it carries the event's line.
        line: The event's line.
    """

    sequence: int
    head: TreeHead
    text: bytes
    line: bytes


def open_view(folder: Path) -> LedgerView:
    """Everything in a ledger that is well-formed, as the disk has it.

    Raises:
        LedgerMissingError: There is no ledger in the folder.
        LedgerDamagedError: A closed segment does not hold.
    """
    files = LedgerFiles(folder)
    found = scan(files.files[-1], files.before(files.last))
    found.index.cut(found.whole_size)
    return LedgerView(files, found.index)


def prove(folder: Path, event_id: str) -> EventProof:
    """The proof that an event is in a ledger, by the ledger's last signed tree head.

    Raises:
        UsageError: There is no such event, or no head is over it yet.
        LedgerError: The ledger has no signed head, or does not hold.
    """
    view = open_view(folder)
    note = _head_note(folder)
    # First: in a ledger that does not hold, an event may be missing that the head is over.
    head = _required_head(view, note)
    envelope = view.find(event_id)
    if envelope is None:
        raise UsageError(f"the ledger has no event {event_id}", where=str(folder))
    if envelope.sequence >= head.size:
        raise UsageError(
            f"the last head is over {head.size} events, and this one is number {envelope.sequence}",
            fix="sign a newer head: evidentia ledger head",
        )
    line = view.line(envelope.sequence)
    if [leaf_hash(line)] != list(view[envelope.sequence : envelope.sequence + 1]):
        # An index may speak for a closed segment whose lines were changed since.
        raise LedgerDamagedError(
            f"event {envelope.sequence} is not the one that the head is over",
            where=str(folder),
            fix="see everything that is wrong: evidentia ledger verify",
        )
    path = inclusion_path(envelope.sequence, head.size, view)
    proof = Proof(index=envelope.sequence, path=path, head=note, extra=line)
    return EventProof(sequence=envelope.sequence, head=head, text=format_proof(proof), line=line)


def prove_extension(folder: Path, older: bytes) -> bytes:
    """The extension file from an older head to the ledger's last signed one.

    Args:
        folder: The ledger.
        older: The older head as it was kept; its signatures are not looked at.

    Raises:
        ProofError: It is not a head, or not one of this ledger as it is.
        LedgerError: The ledger has no signed head, or does not hold.
    """
    view = open_view(folder)
    note = _head_note(folder)
    newer = _required_head(view, note)
    old, _ = parse_head(parse_note(older).text)
    if old.origin != newer.origin:
        raise ProofError(f"the head is that of {old.origin}, not of {newer.origin}")
    if old.size > newer.size or view.tree_at(old.size).root() != old.root:
        raise ProofError(f"the ledger does not extend this head over {old.size} events")
    path = consistency_path(old.size, newer.size, view)
    return format_extension(Extension(old_size=old.size, path=path, head=note))


def _required_head(view: LedgerView, note: bytes) -> TreeHead:
    head, _ = parse_head(parse_note(note).text)
    if head.size > view.size or view.tree_at(head.size).root() != head.root:
        raise LedgerDamagedError(
            "the ledger is not the one that its head is over",
            where=str(head_path(view.files.folder)),
            fix="see everything that is wrong: evidentia ledger verify",
        )
    return head


def _head_note(folder: Path) -> bytes:
    path = head_path(folder)
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise LedgerError(
            "the ledger has no signed tree head, so nothing could vouch for a proof",
            where=str(path),
            fix="proofs need a ledger that signs its heads: evidentia ledger init --signing heads",
        ) from error
