"""Verify a ledger from its lines alone: everything that is wrong, and what holds. Reads only.

Nothing derived is used: no index, no hint but to say that something is missing. Memory does not
grow with the ledger but for eight bytes an event, by which repeated ids are found.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from evidentia.errors import ProofError
from evidentia.event.envelope import LINE_BYTES_MAX
from evidentia.ledger.chain import ChainCheck, ChainRules, Failure, FailureKind
from evidentia.ledger.layout import SegmentFile, head_path, segment_files
from evidentia.ledger.lines import blocks_of, lines_of
from evidentia.ledger.row_signature import key_name
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import KeptHead
from evidentia.ledger.vouching import (
    STORE,
    Stated,
    believed,
    is_hmac_used,
    is_own_note,
    kept_head,
    row_signers,
    stated_head,
)
from evidentia.log.acknowledged import read_note
from evidentia.proof.claims import Level, claim_for
from evidentia.proof.head import TreeHead, open_head
from evidentia.proof.keys import KeyKind, Verifier, VerifierKey
from evidentia.proof.tree import EMPTY_ROOT, CompactRange, leaf_hash

FAILURES_KEPT: Final = 100
"""How many failures a verdict lists; all are counted."""
_BUCKETS: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRules:
    """What a ledger is held against.

    Attributes:
        trusted: Keys that the caller has from elsewhere; a ledger vouches for itself only.
        kept: The head that is kept in a second place.
        heads: Signed tree heads that the caller has, each with where it came from.
        level_min: The level that the ledger must reach. Whoever rewrites a signed ledger without
            its key takes the head away, and what is left holds at a lower level.
        is_deep: Also demand that each line is in canonical form.
        on_progress: Told the bytes that were read since the last call.
    """

    trusted: tuple[Verifier, ...] = ()
    kept: KeptHead | None = None
    heads: tuple[tuple[str, bytes], ...] = ()
    level_min: Level = Level.CHAIN
    is_deep: bool = False
    on_progress: Callable[[int], None] = lambda _bytes: None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHead:
    """A head that the ledger was held against.

    Attributes:
        where: The place it came from.
        keys: The keys whose signature holds, by name.
        level: What it is worth if the ledger agrees with it.
    """

    where: str
    head: TreeHead
    keys: tuple[str, ...]
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySpan:
    """A key, and the events that it signs for; the last key has no end."""

    key: str
    first_sequence: int
    last_sequence: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerVerdict:
    """What verifying a ledger found.

    Attributes:
        size: Events, its own ones included.
        root: The root over all lines.
        level: The highest level that was reached; None if anything is wrong.
        covered: How many events, from the first on, that level covers.
        signers: The names of the keys behind that level.
        unacknowledged_bytes: Bytes at the end that were never acknowledged, or are being written.
        failures: The first of what is wrong.
    """

    folder: Path
    origin: str
    signing: Signing
    segments: int
    size: int
    root: bytes
    level: Level | None
    covered: int
    signers: tuple[str, ...]
    keys: tuple[KeySpan, ...]
    heads: tuple[KnownHead, ...]
    unacknowledged_bytes: int
    failures: tuple[Failure, ...]
    failure_count: int


@dataclass(slots=True)
class _Findings:
    """Failures so far."""

    kept: list[Failure] = field(default_factory=list)
    count: int = 0

    def add(self, failure: Failure) -> None:
        self.count += 1
        if len(self.kept) < FAILURES_KEPT:
            self.kept.append(failure)


def verify_ledger(folder: Path, rules: VerifyRules) -> LedgerVerdict:
    """Everything that is wrong with a ledger, and the highest level that it reaches.

    Raises:
        LedgerMissingError: There is no ledger in the folder.
        LedgerError: It cannot be read.
    """
    return _Verification(folder, rules).run()


class _Verification:
    """One pass over a ledger's lines."""

    def __init__(self, folder: Path, rules: VerifyRules) -> None:
        self._folder = folder
        self._rules = rules
        self._files = segment_files(folder)
        self._findings = _Findings()
        keys = tuple(each for each in rules.trusted if isinstance(each, VerifierKey))
        chain_rules = ChainRules(trusted=keys, is_canonical=rules.is_deep)
        self._check = ChainCheck(self._findings.add, chain_rules)
        self._tree = CompactRange()
        self._pending: list[bytes] = []
        self._whole_end = 0
        self._tags = [array("q") for _ in range(_BUCKETS)]
        self._roots = {0: EMPTY_ROOT}

    def run(self) -> LedgerVerdict:
        heads = self._stated_heads()
        wanted = sorted({each.head.size for each in heads}, reverse=True)
        for file in self._files:
            self._read(file, wanted)
        unacknowledged = self._end()
        for tag in repeated(self._tags):
            self._fail_repeated(tag)
        known = tuple(self._held_against(each) for each in heads)
        self._find_forks(known)
        return self._verdict(known, unacknowledged)

    def _read(self, file: SegmentFile, wanted: list[int]) -> None:
        self._whole_end = end = 0
        torn = b""
        for start, lines, is_whole in blocks_of(file):
            if not is_whole:
                torn = lines[0]
                break
            end = start + sum(map(len, lines)) + len(lines)
            self._read_block(file, start, lines)
            self._grow(lines, end, wanted)
            self._rules.on_progress(end - start)
        if file is not self._files[-1]:
            self._check.end_segment(file.path, end, torn)
            self._grow([], end, wanted)
        elif len(torn) > LINE_BYTES_MAX and b"\0" not in torn:
            # No write that a crash tore leaves this. What stands behind it was not read at all.
            detail = f"more than {LINE_BYTES_MAX} bytes without a newline are no event of a ledger"
            self._fail(FailureKind.DECODE, file.path, detail, byte_offset=end)

    def _read_block(self, file: SegmentFile, start: int, lines: Sequence[bytes]) -> None:
        tags = self._tags
        for _, envelope in self._check.check_block(file.path, start, lines):
            if envelope is not None:
                tag = hash(envelope.id)
                tags[tag % _BUCKETS].append(tag)

    def _grow(self, lines: Sequence[bytes], end: int, wanted: list[int]) -> None:
        """Take lines into the tree, but for those of a batch that is not all there yet."""
        leaves = self._pending + [leaf_hash(line) for line in lines]
        batch = self._check.chain.batch
        open_count = 0 if batch is None else min(batch.index + 1, len(leaves))
        if open_count <= len(lines):
            self._whole_end = end - sum(len(line) + 1 for line in lines[len(lines) - open_count :])
        whole = len(leaves) - open_count
        self._pending = leaves[whole:]
        begun = 0
        while wanted and wanted[-1] <= self._tree.size + whole - begun:
            size = wanted.pop()
            upto = begun + size - self._tree.size
            self._tree.extend(leaves[begun:upto])
            self._roots[size] = self._tree.root()
            begun = upto
        self._tree.extend(leaves[begun:whole])

    def _end(self) -> int:
        """Close the chain; how many bytes at the end count for nothing."""
        file, whole_end = self._files[-1], self._whole_end
        self._check.chain.batch = None
        self._check.end(file.path, whole_end)
        if not is_hmac_used(self._check.chain.signing, self._rules.trusted):
            detail = "an HMAC key was given as trusted, and the ledger does not sign by any"
            self._fail(FailureKind.UNTRUSTED_KEY, file.path, detail)
        hint = read_note(self._folder)
        if hint is not None and hint > (file.first_sequence, whole_end):
            self._fail(
                FailureKind.CUT,
                file.path,
                f"the writer acknowledged up to byte {hint[1]} of the segment that begins with"
                f" event {hint[0]}, and the ledger ends before it",
                byte_offset=whole_end,
            )
        return file.path.stat().st_size - whole_end

    def _fail(self, kind: FailureKind, path: Path, detail: str, byte_offset: int = 0) -> None:
        self._findings.add(
            Failure(
                kind=kind,
                path=path,
                byte_offset=byte_offset,
                sequence=self._tree.size,
                detail=detail,
            )
        )

    def _fail_repeated(self, tag: int) -> None:
        """Say where ids repeat that have this tag; different ids may have the same."""
        seen: dict[str, int] = {}
        for file in self._files:
            for line in lines_of(file):
                found = id_of(line.raw)
                if found is None or hash(found) != tag:
                    continue
                if found in seen:
                    self._fail(
                        FailureKind.DUPLICATE_ID,
                        file.path,
                        f"the id {found} is that of an earlier event, at byte {seen[found]}",
                        byte_offset=line.byte_offset,
                    )
                seen.setdefault(found, line.byte_offset)

    def _stated_heads(self) -> list[Stated]:
        """The heads to be held against the ledger, as they state themselves."""
        path, kept = head_path(self._folder), self._rules.kept
        own = [(str(path), path.read_bytes())] if path.is_file() else []
        stated: list[Stated] = []
        for where, note in (*own, *self._rules.heads):
            try:
                stated.append(stated_head(where, note, is_elsewhere=where != str(path)))
            except ProofError as error:
                self._fail(FailureKind.HEAD_SIGNATURE, Path(where), error.what)
        if kept is not None:
            stated.append(kept_head(kept))
            if not is_own_note(kept):
                detail = "the signed head that is kept is over other events than the kept head says"
                self._fail(FailureKind.HEAD_DIFFERS, Path(STORE), detail)
        return stated

    def _held_against(self, stated: Stated) -> KnownHead:
        head = stated.head
        level, keys = self._worth(stated)
        where = Path(stated.where)
        if head.origin != self._check.chain.origin:
            detail = f"the head is that of {head.origin}, not of {self._check.chain.origin}"
            self._fail(FailureKind.HEAD_DIFFERS, where, detail)
        elif head.size > self._tree.size:
            detail = f"the head is over {head.size} events, the ledger has {self._tree.size}"
            self._fail(FailureKind.HEAD_BEYOND_END, where, detail)
        elif self._roots[head.size] != head.root:
            detail = f"the first {head.size} events are not those that the head is over"
            self._fail(FailureKind.HEAD_DIFFERS, where, detail)
        return KnownHead(where=stated.where, head=head, keys=keys, level=level)

    def _worth(self, stated: Stated) -> tuple[Level, tuple[str, ...]]:
        """The level that a head gives if the ledger agrees, and the trusted keys behind it."""
        plain = Level.HEAD if stated.is_elsewhere else Level.CHAIN
        trusted = believed(self._check.chain.keys, self._rules.trusted)
        own = [key for _, key in self._check.chain.keys]
        if not stated.note or not (own or trusted):
            return plain, ()
        try:
            keys = open_head(stated.note, {*own, *trusted}).keys
        except ProofError as error:
            self._fail(FailureKind.HEAD_SIGNATURE, Path(stated.where), error.what)
            return plain, ()
        names = tuple(f"{key.name}+{key.key_id}" for key in keys if key in trusted)
        kinds = {key.kind for key in keys if key in trusted}
        if KeyKind.ED25519 in kinds:
            return Level.SIGNED, names
        return (Level.HMAC, names) if kinds else (plain, ())

    def _require_level(self, level: Level) -> None:
        wanted = self._rules.level_min
        if level < wanted:
            self._fail(
                FailureKind.LEVEL_MISSED,
                self._folder,
                f"level {wanted} ({claim_for(wanted).name}) is demanded, and nothing here gives"
                f" more than level {level} ({claim_for(level).name})",
            )

    def _find_forks(self, known: Sequence[KnownHead]) -> None:
        """Two heads of one size with different roots: their key signed two histories."""
        roots: dict[tuple[str, int], bytes] = {}
        for each in known:
            place = (each.head.origin, each.head.size)
            if each.keys and roots.setdefault(place, each.head.root) != each.head.root:
                self._fail(
                    FailureKind.HEAD_FORKED,
                    Path(each.where),
                    f"{', '.join(each.keys)} signed two different heads over {place[1]} events",
                )

    def _verdict(self, known: tuple[KnownHead, ...], unacknowledged: int) -> LedgerVerdict:
        chain, size = self._check.chain, self._tree.size
        reached = [(Level.CHAIN, size, ())] + [
            (each.level, each.head.size, each.keys) for each in known
        ]
        rows = row_signers(chain.keys, self._rules.trusted, size)
        if chain.signing is Signing.ROWS and rows:
            reached.append((Level.SIGNED, size, tuple(map(key_name, rows))))
        level, covered, signers = max(reached, key=lambda each: each[:2])
        self._require_level(level)
        return LedgerVerdict(
            folder=self._folder,
            origin=chain.origin,
            signing=chain.signing,
            segments=len(self._files),
            size=size,
            root=self._tree.root(),
            level=None if self._findings.count else level,
            covered=covered,
            signers=signers,
            keys=tuple(_spans(chain.keys)),
            heads=known,
            unacknowledged_bytes=unacknowledged,
            failures=tuple(self._findings.kept),
            failure_count=self._findings.count,
        )


def _spans(keys: Sequence[tuple[int, VerifierKey]]) -> Iterator[KeySpan]:
    for place, (since, key) in enumerate(keys, start=1):
        last = keys[place][0] - 1 if place < len(keys) else None
        yield KeySpan(key=key.format(), first_sequence=since, last_sequence=last)


def repeated(tags: Iterable[array[int]]) -> Iterator[int]:
    """The tags that occur more than once, each once; one part of them is sorted at a time."""
    for part in tags:
        ordered = sorted(part)
        before = None
        for tag, following in pairwise(ordered):
            if tag == following and tag != before:
                yield tag
                before = tag


class _Id(msgspec.Struct, frozen=True):
    id: str


def id_of(line: bytes) -> str | None:
    """The id that a line states, if it states one."""
    try:
        return msgspec.json.decode(line, type=_Id).id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
