"""Tree heads of a ledger: read back, signed, kept in two places, and held against the ledger.

Order of a new head: its events are read from the disk again and hashed anew; it is signed; the
file ``head`` is replaced; the keeper compares and swaps. A crash in between leaves the keeper with
an older head, which the ledger extends.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evidentia.errors import LedgerDamagedError, ProofError
from evidentia.ledger.layout import head_path
from evidentia.ledger.lines import lines_of
from evidentia.ledger.reading import LedgerView
from evidentia.ledger.tail import Tail, refused
from evidentia.ledger.values import KeptHead, LedgerOptions
from evidentia.proof.head import TreeHead, open_head, sign_head
from evidentia.proof.keys import Signer, Verifier
from evidentia.proof.tree import CompactRange, leaf_hash

_ELSEWHERE = "the head that is kept elsewhere"
_OLDER_COPY = (
    "an older or another copy of the ledger was put in its place: put the newer one back, or find"
    " out who changed it"
)


def read_head(folder: Path, verifiers: Sequence[Verifier]) -> TreeHead | None:
    """The last head in the ledger's folder, if there is one.

    Raises:
        LedgerDamagedError: It is not a tree head, or none of these keys signed it.
    """
    path = head_path(folder)
    try:
        return open_head(path.read_bytes(), verifiers).head
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused(error, path) from error
    except ProofError as error:
        raise LedgerDamagedError(
            f"the head does not hold: {error.what}",
            where=str(path),
            fix="put it back from a backup, or find out who changed it",
        ) from error


def require_extends(view: LedgerView, origin: str, head: KeptHead | TreeHead, where: str) -> None:
    """Pass if the ledger's first events are those that a head is over.

    Raises:
        LedgerDamagedError: They are not.
    """
    if head.origin != origin:
        raise LedgerDamagedError(
            f"this is the ledger {origin}, the head is one of {head.origin}", where=where
        )
    if head.size > view.size:
        raise LedgerDamagedError(
            f"the ledger has {view.size} events, but a head over {head.size} is known",
            where=where,
            fix=_OLDER_COPY,
        )
    if view.tree_at(head.size).root() != head.root:
        raise LedgerDamagedError(
            f"the ledger's first {head.size} events are not those that its head is over",
            where=where,
            fix=_OLDER_COPY,
        )


def require_on_disk(tail: Tail, since: int) -> None:
    """Pass if the last segment's events from a sequence on are on the disk as they were hashed.

    A hash that was signed cannot be put right any more, an event can.

    Raises:
        LedgerDamagedError: One is not.
    """
    index = tail.index
    sequence = max(since, index.before.size)
    start = sequence - index.before.size
    hashed = index.hashes()[start : index.size - index.before.size]
    for line, leaf in zip(lines_of(tail.file, index.byte_start(sequence)), hashed, strict=False):
        if not line.is_whole or leaf_hash(line.raw) != leaf:
            raise LedgerDamagedError(
                f"event {sequence} is not on the disk as it was appended; no head was signed",
                where=f"{line.path}, byte {line.byte_offset}",
                fix="look at disk and memory, then: evidentia ledger verify",
            )
        sequence += 1
    if sequence != index.size:
        raise LedgerDamagedError(
            f"the ledger ends before event {sequence}; no head was signed",
            where=str(tail.file.path),
        )


class Heads:
    """The heads that one writer makes of its ledger.

    Attributes:
        size: How many events every place has a head over.
        former: The key that was rotated away, until a head was signed by both.
    """

    def __init__(self, folder: Path, options: LedgerOptions) -> None:
        self.size = 0
        self.former: Signer | None = None
        self._kept: KeptHead | None = None
        self._path = head_path(folder)
        self._options = options

    def check(self, tail: Tail) -> None:
        """Pass if the ledger extends the head in its folder and the one that is kept.

        Raises:
            LedgerDamagedError: It does not: an older or another copy was put in its place.
        """
        chain, signer, keeper = tail.chain, self._options.signer, self._options.keeper
        known: list[int] = []
        if signer is not None:
            own: list[Verifier] = [key for _, key in chain.keys]
            found = read_head(self._path.parent, own or [signer.verifier])
            known.append(_extended_size(tail, found, str(self._path)))
        if keeper is not None:
            self._kept = keeper.last(chain.origin)
            known.append(_extended_size(tail, self._kept, _ELSEWHERE))
        self.size = min(known, default=0)

    def make(self, tail: Tail, tree: CompactRange, signer: Signer | None) -> TreeHead:
        """The head over everything, signed if the ledger signs, in its file and kept.

        Raises:
            LedgerDamagedError: The disk does not hold what was appended, or another head is kept.
            OSError: The disk refuses.
        """
        head = TreeHead(origin=tail.chain.origin, size=tail.index.size, root=tree.root())
        options = self._options
        if signer is None and options.keeper is None:
            # No place wants it. Else it would be due, and its root computed, at every append.
            self.size = head.size
        if self.size == head.size:
            return head
        options.disk.forget_cached(tail.descriptor)
        require_on_disk(tail, self.size)
        kept = self._kept_now(tail)
        signers = [each for each in (signer, self.former) if each is not None]
        note = sign_head(head, signers) if signers else b""
        if note:
            options.disk.replace(self._path, note)
        if options.keeper is not None:
            fresh = KeptHead(origin=head.origin, size=head.size, root=head.root, note=note)
            options.keeper.replace(kept, fresh)
            self._kept = fresh
        self.size = head.size
        self.former = None
        return head

    def _kept_now(self, tail: Tail) -> KeptHead | None:
        """The head that is kept elsewhere, once this ledger is known to extend it.

        Looked at before a head is signed: a copy of the ledger that somebody else goes on with
        keeps other heads, and two heads of one key must never contradict each other.
        """
        keeper = self._options.keeper
        kept = keeper.last(tail.chain.origin) if keeper is not None else None
        if kept is not None and kept != self._kept:
            require_extends(tail.view, tail.chain.origin, kept, _ELSEWHERE)
        return kept


def _extended_size(tail: Tail, head: KeptHead | TreeHead | None, where: str) -> int:
    if head is None:
        return 0
    require_extends(tail.view, tail.chain.origin, head, where)
    return head.size
