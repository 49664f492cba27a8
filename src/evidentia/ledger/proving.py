"""Proof files from a ledger: that an event is in it, to be checked without it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evidentia.errors import LedgerDamagedError, LedgerError, UsageError
from evidentia.ledger.layout import head_path
from evidentia.ledger.reading import LedgerFiles, LedgerView, scan
from evidentia.proof.head import TreeHead, parse_head
from evidentia.proof.inclusion import consistency_path, inclusion_path
from evidentia.proof.note import parse_note
from evidentia.proof.proof_file import Proof, format_proof


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
    envelope = view.find(event_id)
    if envelope is None:
        raise UsageError(f"the ledger has no event {event_id}", where=str(folder))
    note = _head_note(folder)
    head, _ = parse_head(parse_note(note).text)
    if head.size > view.size or view.tree_at(head.size).root() != head.root:
        raise LedgerDamagedError(
            "the ledger is not the one that its head is over",
            where=str(head_path(folder)),
            fix="see everything that is wrong: evidentia ledger verify",
        )
    if envelope.sequence >= head.size:
        raise UsageError(
            f"the last head is over {head.size} events, and this one is number {envelope.sequence}",
            fix="sign a newer head: evidentia ledger head",
        )
    line = view.line(envelope.sequence)
    path = inclusion_path(envelope.sequence, head.size, view)
    proof = Proof(index=envelope.sequence, path=path, head=note, extra=line)
    return EventProof(sequence=envelope.sequence, head=head, text=format_proof(proof), line=line)


def prove_extension(folder: Path, earlier_size: int, later_size: int) -> tuple[bytes, ...]:
    """The consistency proof that the tree of one size extends that of another (RFC 6962 §2.1.2).

    Raises:
        ProofError: There are no such sizes in this ledger.
    """
    return consistency_path(earlier_size, later_size, open_view(folder))


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
