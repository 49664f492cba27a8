"""Every error that evidentia raises on purpose.

The tree::

    EvidentiaError
    ├── UsageError               the caller asked for something that does not exist or make sense
    │   └── ConfigError          evidentia.toml is missing, malformed or contradicts itself
    ├── LogError                 a log cannot be read
    │   ├── LogMissingError      the path is not there, or a glob matches nothing
    │   ├── LogUnreadableError   permission, a directory, a device, an input/output error
    │   │   └── LogChangedError  replaced, cut or written anew between two looks at it
    │   ├── LogFormatError       readable, but not JSONL (UTF-16, a JSON array, CSV ..)
    │   └── LogCorruptError      a compressed log that breaks off or fails its checksum
    ├── StoreError               the store refuses or fails
    │   ├── StoreMissingError    there is no store at that place
    │   ├── StoreForeignError    the file is a database, but not ours to write
    │   ├── StoreVersionError    the store was written by a newer evidentia
    │   ├── StoreHeldError       another process holds the lease
    │   ├── StoreFullError       no space left, or the quota is used up
    │   └── StoreDamagedError    the database file itself is damaged
    ├── LedgerError              a ledger refuses or fails
    │   ├── LedgerMissingError   there is no ledger at that place
    │   ├── LedgerHeldError      another process appends to it
    │   ├── LedgerFullError      no space left: read-only until there is
    │   ├── LedgerBrokenError    a write or fsync failed: this writer appends nothing more
    │   ├── LedgerDamagedError   its files contradict themselves, each other or a known head
    │   └── RejectionError       what was to be appended was refused; not a byte was written
    │       ├── DuplicateIdError     the id is taken by another event
    │       ├── SequenceError        the ledger is not of the size that the caller expected
    │       └── PolicyError          the policy decision blocks the append, or is incomplete
    ├── ProofError               a note, tree head, proof or key is malformed or does not hold
    ├── DivergenceError          ledger and store hold different events under one id or place
    └── PackError                a pack does not load or contradicts its contract

A raw ``sqlite3.Error``, ``KeyError`` or ``ValueError`` that reaches a caller is a bug.
Nothing here prints or exits: ``evidentia.cli`` maps each error to an exit status.
"""

from __future__ import annotations


class EvidentiaError(Exception):
    """What is wrong, where it is, and how to fix it.

    Args:
        what: What is wrong, as one sentence without a final full stop.
        where: The place (log, segment, byte offset, table), when there is one.
        fix: What the reader can do about it.
    """

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the trip back from a worker process with all three parts."""
        return (_rebuild, (type(self), self.what, self.where, self.fix))

    def __str__(self) -> str:
        """All parts on one line, for logs and tracebacks; the CLI lays them out itself."""
        parts = [self.what]
        if self.where:
            parts.append(f"at {self.where}")
        if self.fix:
            parts.append(f"fix: {self.fix}")
        return "; ".join(parts)


def _rebuild(
    kind: type[EvidentiaError], what: str, where: str | None, fix: str | None
) -> EvidentiaError:
    return kind(what, where=where, fix=fix)


class UsageError(EvidentiaError):
    """The caller asked for something that does not exist or does not make sense."""


class ConfigError(UsageError):
    """``evidentia.toml`` is missing, malformed or contradicts itself."""


class LogError(EvidentiaError):
    """A log cannot be read."""


class LogMissingError(LogError):
    """The path is not there, or a glob matches nothing."""


class LogUnreadableError(LogError):
    """Permission, a directory, a device or an input/output error stands in the way."""


class LogChangedError(LogUnreadableError):
    """A log was replaced, cut or written anew between two looks at it; the next one tells."""


class LogFormatError(LogError):
    """The file is readable but is not JSONL."""


class LogCorruptError(LogError):
    """A compressed log breaks off early or fails its own checksum."""


class StoreError(EvidentiaError):
    """The store refuses or fails."""


class StoreMissingError(StoreError):
    """There is no store at that place."""


class StoreForeignError(StoreError):
    """The file is a database, but not one that evidentia may write to."""


class StoreVersionError(StoreError):
    """The store was written by a newer evidentia."""


class StoreHeldError(StoreError):
    """Another process holds the store's lease."""


class StoreFullError(StoreError):
    """There is no space left where the store lives."""


class StoreDamagedError(StoreError):
    """The database file itself is damaged."""


class LedgerError(EvidentiaError):
    """A ledger refuses or fails."""


class LedgerMissingError(LedgerError):
    """There is no ledger at that place."""


class LedgerHeldError(LedgerError):
    """Another process appends to the ledger."""


class LedgerFullError(LedgerError):
    """There is no space left where the ledger lives; nothing was appended."""


class LedgerBrokenError(LedgerError):
    """A write or fsync failed, so what this writer appended last is uncertain: open it again."""


class LedgerDamagedError(LedgerError):
    """The ledger's files contradict themselves, each other, or a head that was known before."""


class RejectionError(LedgerError):
    """What was to be appended was refused; not a byte was written."""


class DuplicateIdError(RejectionError):
    """The id belongs to another event already."""


class SequenceError(RejectionError):
    """The ledger is not of the size that the caller expected."""


class PolicyError(RejectionError):
    """The policy decision blocks the append, or lacks a required contributor."""


class ProofError(EvidentiaError):
    """A note, tree head, proof or key is malformed, or does not hold."""


class DivergenceError(EvidentiaError):
    """Ledger and store hold different events under one id or in one place."""


class PackError(EvidentiaError):
    """A pack does not load, or contradicts its contract."""
