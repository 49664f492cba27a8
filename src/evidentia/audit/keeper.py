"""The store as the second place of a ledger's last tree head."""

from __future__ import annotations

from pathlib import Path

import msgspec

from evidentia.errors import LedgerDamagedError, LedgerError, StoreError
from evidentia.ledger.layout import segment_file
from evidentia.ledger.statements import Created
from evidentia.ledger.values import KeptHead
from evidentia.log.names import path_of
from evidentia.store.heads import StoredHead
from evidentia.store.reader import StoreReader
from evidentia.store.writer import StoreWriter


class StoreKeeper:
    """Keeps heads in a store; a ``HeadKeeper``. Not to be used by two threads at once.

    Args:
        writer: The store's writing side.
        origin: The ledger that the store knows in the folder; any if None.
    """

    def __init__(self, writer: StoreWriter, origin: str | None = None) -> None:
        self._writer = writer
        self._origin = origin

    def last(self, origin: str) -> KeptHead | None:
        """The head that is kept for a ledger.

        Raises:
            LedgerDamagedError: The store knows another ledger in that folder.
            LedgerError: The store fails.
        """
        return _last(self._writer, self._origin, origin)

    def replace(self, old: KeptHead | None, new: KeptHead) -> None:
        """Put ``new`` in the place of ``old``, if that is what is kept, durably.

        Raises:
            LedgerDamagedError: Another head is kept, or ``new`` does not follow it.
            LedgerError: The store fails; what was kept before still is.
        """
        kept = self.last(new.origin)
        if _is_other(kept, old) or _steps_back(kept, new):
            raise LedgerDamagedError(
                f"the ledger has {_told(new)}, and follows {_told(old)}, while the store keeps"
                f" {_told(kept)}: an older or other copy of the ledger was put back, or the store"
                " belongs to another",
                where=f"ledger {new.origin}",
                fix="compare both with a copy kept elsewhere; the ledger is refused until they fit",
            )
        try:
            self._writer.replace_tree_head(None if old is None else _stored(old), _stored(new))
        except StoreError as error:
            raise _unkept(error, new.origin) from error


def known_origin(reader: StoreReader, folder: Path) -> str | None:
    """Which ledger a folder held by what the store has read from it.

    A ledger says itself which one it is. Whoever puts another one in its place, or makes it anew
    under another name, would otherwise be asked for the head of that one.
    """
    first = segment_file(folder.resolve(), 0).path
    for segment in reader.segments():
        if path_of(segment.path) != first:
            continue
        for line in reader.event_lines(segment.id, (0, 1)):
            try:
                return msgspec.json.decode(line.raw, type=_First).payload.origin
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                break
    return None


class _First(msgspec.Struct, frozen=True):
    payload: Created


class ReadOnlyKeeper:
    """The same where another process writes to the store: a head is held against, and not kept.

    The head that the store keeps then stays an older one, which the ledger extends.

    Args:
        reader: The store's reading side.
        origin: The ledger that the store knows in the folder; any if None.
    """

    def __init__(self, reader: StoreReader, origin: str | None = None) -> None:
        self._reader = reader
        self._origin = origin

    def last(self, origin: str) -> KeptHead | None:
        """The head that is kept for a ledger.

        Raises:
            LedgerDamagedError: The store knows another ledger in that folder.
            LedgerError: The store fails.
        """
        return _last(self._reader, self._origin, origin)

    def replace(self, old: KeptHead | None, new: KeptHead) -> None:
        """Leave what is kept."""


def _last(store: StoreReader | StoreWriter, known: str | None, origin: str) -> KeptHead | None:
    _require_known(known, origin)
    try:
        found = store.tree_head(origin)
    except StoreError as error:
        raise _unkept(error, origin) from error
    return None if found is None else kept_head(found)


def _require_known(known: str | None, origin: str) -> None:
    if known not in {None, origin}:
        raise LedgerDamagedError(
            f"this is the ledger {origin}, and the store knows {known} in this folder:"
            " another ledger was put in its place",
            where=f"ledger {origin}",
            fix="put the right one back; a new ledger goes into a folder of its own",
        )


def _is_other(kept: KeptHead | None, old: KeptHead | None) -> bool:
    trees = [None if each is None else (each.size, each.root) for each in (kept, old)]
    return trees[0] != trees[1]


def _steps_back(kept: KeptHead | None, new: KeptHead) -> bool:
    if kept is None:
        return False
    return new.size < kept.size or (new.size == kept.size and new.root != kept.root)


def kept_head(head: StoredHead) -> KeptHead:
    """A head as the store has it, as a ledger is held against it."""
    return KeptHead(origin=head.origin, size=head.size, root=head.root, note=head.note)


def _stored(head: KeptHead) -> StoredHead:
    return StoredHead(origin=head.origin, size=head.size, root=head.root, note=head.note)


def _told(head: KeptHead | None) -> str:
    return "no head" if head is None else f"a head of {_stored(head)}"


def _unkept(error: StoreError, origin: str) -> LedgerError:
    return LedgerError(
        f"the head of the ledger cannot be kept in the store: {error.what}",
        where=f"ledger {origin}",
        fix=error.fix,
    )
