"""The writer of a ledger. An acknowledged event is on the disk; all else may have to be cut off.

Threads that append at the same time share one write and one sync: the first to come writes for all
who came meanwhile. Each call stays a batch of its own, all of it or nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock
from typing import Final, Self

from evidentia.errors import (
    LedgerError,
    LedgerFullError,
    RejectionError,
)
from evidentia.event.envelope import Draft, Sealed
from evidentia.event.timestamp import format_time
from evidentia.ledger.disk import Guard
from evidentia.ledger.heads import Heads
from evidentia.ledger.layout import acknowledged_path
from evidentia.ledger.room import Room
from evidentia.ledger.rotation import rotated
from evidentia.ledger.sealing import (
    Draught,
    Request,
    Sealer,
    answer_to,
    failure_for_waiting,
    own_content,
    request_of,
    request_or_refusal,
)
from evidentia.ledger.statements import KEY_ROTATED, RECOVERED, KeyRotated
from evidentia.ledger.tail import Tail, cut_off, kept_aside, open_tail, refused, write_hint
from evidentia.ledger.values import Acknowledgement, LedgerOptions
from evidentia.proof.head import TreeHead
from evidentia.proof.keys import Signer, VerifierKey
from evidentia.proof.policy import PolicyDecision, require_contributors, require_proceeds
from evidentia.proof.tree import CompactRange, leaf_hash

SURFACE: Final = "ledger.append"
"""What an append is called in policy decisions."""
_HINT_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
_HINT_MODE: Final = 0o644


class Ledger:
    """A ledger that is open for appending. Made by ``open_ledger``.

    Safe for concurrent use by threads. After a process forked, the child must not use it.
    """

    def __init__(
        self, folder: Path, options: LedgerOptions, tail: Tail, closing: ExitStack
    ) -> None:
        self.folder = folder
        self._options = options
        self._tail = tail
        self._closing = closing
        self._turn = Lock()
        self._arriving = Lock()
        self._queue: list[Request] = []
        self._tree = tail.view.tree_at(tail.index.size)
        self._sealer = Sealer(options, tail.chain.signing)
        self._heads = Heads(folder, options)
        self._guard = Guard(self._spoil)
        self._stop: LedgerError | None = None
        self._is_stale = False
        self._is_cut_told = True
        self._is_closed = False
        self._passed: PolicyDecision | None = None
        self._room = Room(options)
        self._hint: int | None = None
        with suppress(OSError):
            # Only a hint: where there is no room for it, there is none.
            self._hint = os.open(acknowledged_path(folder), _HINT_FLAGS, _HINT_MODE)
            closing.callback(os.close, self._hint)

    def __enter__(self) -> Self:
        """The ledger itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def origin(self) -> str:
        """The ledger's unique name."""
        return self._tail.chain.origin

    @property
    def size(self) -> int:
        """How many events there are, its own ones included."""
        return self._tail.index.size

    @property
    def event_hash(self) -> str | None:
        """The hash of the last event."""
        return self._tail.chain.event_hash

    def close(self) -> None:
        """Sign a last head, and let go of the ledger.

        Raises:
            LedgerError: The head could not be signed or kept; the events are on the disk.
        """
        with self._turn:
            if self._is_closed:
                return
            self._is_closed = True
            try:
                if self._stop is None and not self._is_stale:
                    self._make_head()
            finally:
                self._let_go()

    def abandon(self) -> None:
        """Let go of the ledger without a head; what was acknowledged stays."""
        with self._turn:
            if not self._is_closed:
                self._is_closed = True
                self._let_go()

    def _let_go(self) -> None:
        self._stop = self._stop or LedgerError("the ledger was closed")
        self._tail.close()
        self._closing.close()

    def append(
        self,
        drafts: Sequence[Draft],
        policy: PolicyDecision,
        *,
        expected_size: int | None = None,
    ) -> tuple[Acknowledgement, ...]:
        """Append events, all or none, and return once they are on the disk.

        An event whose id is in the ledger already is acknowledged again if its content is the same.

        Args:
            drafts: In the order in which they shall stand.
            policy: What the rules decided; see ``LedgerOptions.required_rules``.
            expected_size: Refuse if the ledger has another size; not asked if nothing is new.

        Raises:
            RejectionError: Refused; not a byte was written.
            LedgerFullError: No space; nothing was appended. Works again once there is.
            LedgerBrokenError: The disk failed. What this call appended may be found there when the
                ledger is opened again, by a retry with the same ids; this object appends no more.
        """
        self._require_policy(policy)
        request = request_of(drafts, policy, expected_size)
        self._submit([request])
        if request.failure is not None:
            raise request.failure
        return request.acknowledgements

    def append_each(
        self, drafts: Sequence[Draft], policy: PolicyDecision
    ) -> tuple[Acknowledgement | RejectionError, ...]:
        """Append events, each for itself, with one sync for all of them.

        Returns:
            For each draft, in order, that it is on the disk, or why it was refused.

        Raises:
            PolicyError: The policy blocks the append; nothing was written.
            LedgerError: As for ``append``; none of the events was acknowledged.
        """
        self._require_policy(policy)
        requests = [request_or_refusal(draft, policy) for draft in drafts]
        self._submit([each for each in requests if isinstance(each, Request)])
        return tuple(answer_to(each) for each in requests)

    def _require_policy(self, policy: PolicyDecision) -> None:
        if policy is self._passed:
            return
        require_contributors(policy, self._options.required_rules)
        require_proceeds(policy, SURFACE)
        self._passed = policy

    def _submit(self, requests: Sequence[Request]) -> None:
        """Return once each of these requests is done, by this thread or another one."""
        with self._arriving:
            self._queue += requests
        with self._turn:
            if not all(request.is_done for request in requests):
                with self._arriving:
                    group, self._queue = self._queue, []
                self._commit(group)

    def _commit(self, group: Sequence[Request]) -> None:
        """Append what a group of requests asks for, and sign a head if one is due."""
        self._append_all(group)
        self._make_head_in_time()

    def _append_all(self, group: Sequence[Request]) -> None:
        """Append what a group of requests asks for, with one write and one sync."""
        try:
            self._ready()
            draught = Draught(size=self.size, event_hash=self.event_hash)
            view = self._tail.view
            for request in group:
                try:
                    self._sealer.prepare(request, view, draught)
                except RejectionError as refusal:
                    request.failure = refusal
            lines = [line for request in group for line in request.lines]
            if lines:
                self._write(lines)
        except BaseException as failure:
            for request in group:
                request.failure = request.failure or failure_for_waiting(failure)
            if not isinstance(failure, LedgerError):
                raise
        finally:
            for request in group:
                request.is_done = True

    def _ready(self) -> None:
        """Stand at the end of a ledger that can be appended to, in a segment with room."""
        if self._stop is not None:
            raise self._stop
        if self._is_stale:
            self._reopen()
        if not self._is_cut_told:
            self._tell_cut()
        if self._tail.index.byte_end >= self._options.segment_bytes_max:
            self._make_head()
            with self._guard:
                self._tail = rotated(self._tail, self._grown_tree(), self._options.disk)

    def _write(self, lines: Sequence[Sealed]) -> None:
        tail, disk = self._tail, self._options.disk
        data = b"".join([b"%b\n" % line.line for line in lines])
        self._room.require(tail.descriptor, len(data), tail.file.path)
        with self._guard:
            disk.write_all(tail.descriptor, data)
            disk.sync(tail.descriptor)
            tail.index.extend(
                [line.id for line in lines],
                [leaf_hash(line.line) for line in lines],
                [len(line.line) for line in lines],
            )
            tail.chain.size, tail.chain.event_hash = lines[-1].sequence + 1, lines[-1].event_hash
        self._note_acknowledged()

    def _spoil(self, error: BaseException) -> None:
        """Whatever ends a write early leaves a tail that only the disk itself can tell about."""
        self._is_stale = True
        if not isinstance(error, OSError):
            return
        problem = refused(error, self._tail.file.path)
        if not isinstance(problem, LedgerFullError):
            self._stop = problem
        raise problem from error

    def _reopen(self) -> None:
        """Read the end of the ledger from the disk again, after a write that did not end well.

        What that write left is cut off, even if it is well-formed: nobody was told that it is
        there, and whoever was told that there was no room may have appended it elsewhere.
        """
        self._tail.close()
        try:
            self._tail = open_tail(self.folder, self._options.disk, self._tail.chain.size)
            self._cut_off()
        except LedgerFullError:
            # Not even the tail could be kept aside: for the next append to try.
            raise
        except LedgerError as error:
            self._stop = error
            raise
        self._tree = self._tail.view.tree_at(self.size)
        self._is_stale = False
        self._note_acknowledged()

    def _cut_off(self) -> None:
        self._is_cut_told = False
        cut_off(self._tail, self._options.disk, format_time(self._options.clock()))

    def _tell_cut(self) -> None:
        """Append what was cut off at the end of the ledger, by this opening or an interrupted one.

        Before anything else is appended, and never in a next segment: that what was kept aside is
        yet to be told of is known from where it was cut off.
        """
        with self._guard:
            cuts = kept_aside(self._tail)
        if cuts:
            request = Request(contents=tuple(own_content(RECOVERED, cut) for cut in cuts))
            draught = Draught(size=self.size, event_hash=self.event_hash)
            self._sealer.prepare(request, self._tail.view, draught)
            self._write(request.lines)
        self._is_cut_told = True

    def _note_acknowledged(self) -> None:
        if self._hint is None:
            return
        with suppress(OSError):
            # Only a hint: what it says may stay behind.
            write_hint(self._hint, self._tail.file.first_sequence, self._tail.index.byte_end)

    def sign_head(self) -> TreeHead:
        """The head over all events, signed if the ledger signs, and kept.

        Raises:
            LedgerDamagedError: The disk does not hold what was appended, or another head is kept.
            LedgerError: The head could not be written.
        """
        with self._turn:
            if self._stop is not None:
                raise self._stop
            if self._is_stale:
                self._reopen()
            if not self._is_cut_told:
                self._tell_cut()
            return self._make_head()

    def _make_head_in_time(self) -> None:
        """Sign a head where one is due. What was appended is on the disk, whatever comes of it."""
        is_ready = self._stop is None and not self._is_stale
        if not is_ready or self.size - self._heads.size < self._options.head_events:
            return
        try:
            self._make_head()
        except LedgerFullError:
            # The next append tries again, once there is room.
            return
        except LedgerError as error:
            self._stop = error

    def _make_head(self) -> TreeHead:
        with self._guard:
            return self._heads.make(self._tail, self._grown_tree(), self._sealer.signer)

    def _grown_tree(self) -> CompactRange:
        """The tree over everything: it takes in what was appended since it was asked for last."""
        index = self._tail.index
        self._tree.extend(index.hashes()[self._tree.size - index.before.size :])
        return self._tree

    def rotate_key(self, signer: Signer, policy: PolicyDecision) -> Acknowledgement:
        """Let another key sign from the next event on; the present one signs that this is so.

        The next head is signed by both.

        Raises:
            RejectionError: The ledger does not sign by key pairs, or the key has another name, or
                was the ledger's before.
        """
        self._require_policy(policy)
        # In a turn of its own: what follows the event on the disk must be signed by the new key,
        # whoever has been waiting meanwhile.
        with self._turn:
            before, after = self._tail.chain.key, signer.verifier
            if before is None or not isinstance(after, VerifierKey) or after.name != self.origin:
                raise RejectionError(
                    "only a ledger that signs by Ed25519 rotates its key, and to one of its name",
                    fix="make one: evidentia ledger keygen",
                )
            if after in {key for _, key in self._tail.chain.keys}:
                raise RejectionError(
                    f"the ledger has, or had, the key {after.format()}",
                    fix="rotate to a new one: evidentia ledger keygen",
                )
            payload = KeyRotated(previous_key=before.format(), verifier_key=after.format())
            request = Request(contents=(own_content(KEY_ROTATED, payload),))
            self._append_all([request])
            if request.failure is not None:
                raise request.failure
            self._tail.chain.keys.append((self.size, after))
            self._heads.former, self._sealer.signer = self._sealer.signer, signer
            self._make_head_in_time()
        return request.acknowledgements[0]

    def settle(self) -> None:
        """Hold the ledger against its known heads; then cut off what was never acknowledged.

        Raises:
            LedgerDamagedError: An older or another copy was put in its place.
        """
        with self._turn:
            self._heads.check(self._tail)
            self._cut_off()
            self._tell_cut()
            # What is left was read from the disk, also what nobody was told of.
            self._note_acknowledged()
