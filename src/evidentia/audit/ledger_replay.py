"""Replay of a ledger: what the store lacks of it is put there, and nothing else is touched."""

from __future__ import annotations

from evidentia.audit.catch_up import CatchUp
from evidentia.audit.parity import ledger_parity
from evidentia.audit.places import DROP
from evidentia.audit.recover import find_damage, recover
from evidentia.audit.values import EventSetParity, ReplayReport
from evidentia.errors import DivergenceError


def replay_ledger(catch_up: CatchUp) -> ReplayReport:
    """Put into the store what it lacks of its ledger, in ledger order. Idempotent.

    What was never read is read on; rows that were lost out of what had been read are put back from
    the ledger. Memory does not grow with either.

    Raises:
        DivergenceError: Ledger and store hold other bytes under one id or in one place, the store
            holds what the ledger does not, or the ledger holds an id twice; nothing was written.
        LogError: The ledger cannot be read.
        StoreError: The store refuses or fails; batches committed before stay.
    """
    before = _parity(catch_up)
    _refuse_divergence(before, str(catch_up.folder))
    if before.is_consistent:
        return ReplayReport(replayed=0, skipped_existing=before.sqlite_event_count, parity=before)
    catch_up.run()
    after = _parity(catch_up)
    if after.missing_in_sqlite_count:
        _put_back(catch_up)
        after = _parity(catch_up)
    return ReplayReport(
        replayed=after.sqlite_event_count - before.sqlite_event_count,
        skipped_existing=before.sqlite_event_count,
        parity=after,
    )


def _parity(catch_up: CatchUp) -> EventSetParity:
    with catch_up.writer.reading() as reader:
        return ledger_parity(
            reader,
            catch_up.folder,
            catch_up.packs,
            source=catch_up.source,
            limits=catch_up.options.limits,
        )


def _refuse_divergence(parity: EventSetParity, where: str) -> None:
    what = ""
    if parity.mismatched:
        first = parity.mismatched[0]
        what = (
            f"the event {first.id} is {first.jsonl_event_hash} in the ledger and"
            f" {first.sqlite_event_hash} in the store"
        )
    elif parity.missing_in_jsonl:
        what = f"the store holds the event {parity.missing_in_jsonl[0]}, and the ledger does not"
    elif parity.duplicate_ids:
        what = f"more than one event of the ledger has the id {parity.duplicate_ids[0]}"
    if what:
        raise DivergenceError(f"{what}; nothing was replayed", where=where, fix=DROP)


def _put_back(catch_up: CatchUp) -> None:
    limits = catch_up.options.limits
    with catch_up.writer.reading() as reader:
        ids = catch_up.places().segment_ids
        damage = find_damage(reader, catch_up.packs, limits, ids)
    recover(catch_up.writer, catch_up.packs, damage, limits)
