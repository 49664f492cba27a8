"""How a mirrored ledger stands, as part of ``evidentia verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evidentia.cli.output import Json, Output
from evidentia.cli.plain import counted, shown
from evidentia.cli.proofs import show_verdict, verdict_json

if TYPE_CHECKING:
    from evidentia.app.ledgers import Standing
    from evidentia.audit.values import EventSetParity, ReplayReport

_IDS_SHOWN = 10


def show_standing(standing: Standing, output: Output) -> None:
    """A ledger's verdict and its parity with the store, for people."""
    output.say("")
    show_verdict(standing.verdict, output)
    show_parity(standing.parity, output)


def show_parity(parity: EventSetParity, output: Output) -> None:
    """Whether ledger and store hold the same events, for people."""
    if parity.is_consistent:
        output.say(
            f"parity: ledger and store hold the same {counted(parity.jsonl_event_count, 'event')}"
        )
        return
    output.say(
        f"parity: {counted(parity.jsonl_event_count, 'event')} in the ledger,"
        f" {counted(parity.sqlite_event_count, 'event')} in the store"
    )
    for what, ids, count in (
        ("missing in the store", parity.missing_in_sqlite, parity.missing_in_sqlite_count),
        ("missing in the ledger", parity.missing_in_jsonl, parity.missing_in_jsonl_count),
        ("twice in the ledger", parity.duplicate_ids, len(parity.duplicate_ids)),
    ):
        if count:
            more = " …" if count > _IDS_SHOWN else ""
            output.say(f"  {count:,} {what}: {shown(', '.join(ids[:_IDS_SHOWN]))}{more}")
    for each in parity.mismatched[:_IDS_SHOWN]:
        output.say(f"  differs: {shown(each.id)}")
        output.say(f"    ledger  {shown(each.jsonl_event_hash)}")
        output.say(f"    store   {shown(each.sqlite_event_hash)}")
    if parity.mismatched_count > _IDS_SHOWN:
        output.say(f"  … and {parity.mismatched_count - _IDS_SHOWN:,} more that differ")
    output.say("'evidentia recover' puts into the store what the ledger has and it lacks")


def standing_json(standing: Standing) -> Json:
    """The same as one object."""
    return {
        "name": standing.name,
        "is_well": standing.is_well,
        "parity": parity_json(standing.parity),
        **verdict_json(standing.verdict),
    }


def parity_json(parity: EventSetParity) -> Json:
    """Whether ledger and store hold the same events, as one object."""
    return {
        "is_consistent": parity.is_consistent,
        "jsonl_event_count": parity.jsonl_event_count,
        "sqlite_event_count": parity.sqlite_event_count,
        "missing_in_sqlite_count": parity.missing_in_sqlite_count,
        "missing_in_sqlite": list(parity.missing_in_sqlite),
        "missing_in_jsonl_count": parity.missing_in_jsonl_count,
        "missing_in_jsonl": list(parity.missing_in_jsonl),
        "mismatched_count": parity.mismatched_count,
        "mismatched": [
            {
                "id": each.id,
                "jsonl_event_hash": each.jsonl_event_hash,
                "sqlite_event_hash": each.sqlite_event_hash,
            }
            for each in parity.mismatched
        ],
        "duplicate_ids": list(parity.duplicate_ids),
    }


def show_replay(name: str, replay: ReplayReport, output: Output) -> None:
    """What replaying a ledger did, for people."""
    output.say(
        f"ledger {shown(name)}: replayed {counted(replay.replayed, 'event')},"
        f" {replay.skipped_existing:,} were there"
    )
    if not replay.parity.is_consistent:
        show_parity(replay.parity, output)


def replay_json(name: str, replay: ReplayReport) -> Json:
    """The same as one object."""
    return {
        "name": name,
        "replayed": replay.replayed,
        "skipped_existing": replay.skipped_existing,
        "parity": parity_json(replay.parity),
    }
