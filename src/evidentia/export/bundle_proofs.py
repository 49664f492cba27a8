"""Heads and inclusion proofs of an audit bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evidentia.errors import LedgerDamagedError, ProofError, UsageError
from evidentia.event.envelope import DECODER
from evidentia.export.bundle_events import Span
from evidentia.ledger.layout import head_path
from evidentia.ledger.reading import LedgerView
from evidentia.ledger.verifying import LedgerVerdict
from evidentia.proof.head import TreeHead, parse_head
from evidentia.proof.inclusion import inclusion_path, verify_inclusion
from evidentia.proof.note import parse_note
from evidentia.proof.proof_file import Proof, format_proof
from evidentia.proof.tree import leaf_hash

UNASKED_HASHES_MAX: Final = 10_000_000
"""Leaf hashes read for proofs that nobody asked for: some seconds."""
UNASKED_MAX: Final = 100
"""Most proofs that nobody asked for: each is a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHead:
    """A signed tree head in a bundle."""

    path: str
    note: bytes

    @property
    def head(self) -> TreeHead:
        """What it is about."""
        return parse_head(parse_note(self.note).text)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProof:
    """A proof file in a bundle."""

    path: str
    id: str
    sequence: int
    text: bytes


def current_head(verdict: LedgerVerdict) -> bytes | None:
    """The signed tree head in the ledger's folder; none where the ledger signs none."""
    try:
        return head_path(verdict.folder).read_bytes()
    except FileNotFoundError:
        return None


def write_proofs(
    view: LedgerView, heads: Sequence[StoredHead], span: Span, event_ids: Sequence[str]
) -> tuple[StoredProof, ...]:
    """The proofs that the named events are under the current head, in order of sequence.

    If none is named: of all events of the span, where that is few enough.

    Raises:
        UsageError: There is no such event, or no head is over it.
        LedgerDamagedError: The ledger does not hold.
    """
    head = next((each for each in heads if each.path == "heads/current"), None)
    if head is None:
        if event_ids:
            raise UsageError(
                "the ledger has no signed head, so no event can be proved",
                fix="leave out --event; proofs need a ledger that signs its heads",
            )
        return ()
    size = head.head.size
    if event_ids:
        wanted = sorted({_sequence_of(view, each, size, span) for each in event_ids})
    else:
        last = min(span.last, size - 1)
        count = max(last - span.first + 1, 0)
        is_little = count <= UNASKED_MAX and count * size <= UNASKED_HASHES_MAX
        wanted = [*range(span.first, last + 1)] if is_little else []
    return tuple(_proof(view, head, sequence) for sequence in wanted)


def _sequence_of(view: LedgerView, event_id: str, size: int, span: Span) -> int:
    envelope = view.find(event_id)
    if envelope is None:
        raise UsageError(
            f"the ledger has no event {event_id}", fix="name the id of one that it has"
        )
    if not span.first <= envelope.sequence <= span.last:
        raise UsageError(
            f"the event {event_id} is number {envelope.sequence}, which is not exported",
            fix="widen --first and --last, or leave it out",
        )
    if envelope.sequence >= size:
        raise UsageError(
            f"the last head is over {size} events, and {event_id} is number {envelope.sequence}",
            fix="sign a newer head: evidentia ledger head",
        )
    return envelope.sequence


def _proof(view: LedgerView, head: StoredHead, sequence: int) -> StoredProof:
    line, size = view.line(sequence), head.head.size
    path = inclusion_path(sequence, size, view)
    try:
        # An index beside a segment may be older than its lines: what is handed on was checked.
        verify_inclusion(leaf_hash(line), sequence, size, path, head.head.root)
    except ProofError as error:
        raise LedgerDamagedError(
            f"event {sequence} is not under the ledger's head: {error.what}",
            where=str(view.files.folder),
            fix="see everything that is wrong: evidentia ledger verify",
        ) from error
    proof = Proof(index=sequence, path=path, head=head.note, extra=line)
    return StoredProof(
        path=f"proofs/{sequence}.proof",
        id=DECODER.decode(line).id,
        sequence=sequence,
        text=format_proof(proof),
    )
