"""What must hold of a ledger after any fault, and what a driver was told before it.

Each check looks at the raw files, or at two ways to the same answer; none believes the ledger room
about itself alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.unit.ledger import kit

from evidentia.ledger.heads import read_head
from evidentia.ledger.statements import RECOVERED, Signing
from evidentia.ledger.values import LedgerOptions
from evidentia.ledger.verifying import VerifyRules, verify_ledger
from evidentia.proof.head import TreeHead
from evidentia.proof.keys import Verifier
from evidentia.proof.tree import leaf_hash, root_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An acknowledgement, and the number of the draft that it is for."""

    number: int
    id: str
    sequence: int
    event_hash: str


@dataclass(slots=True, kw_only=True)
class Record:
    """What came out of a driver before it ended, however it ended."""

    told: list[Told] = field(default_factory=list)
    heads: list[TreeHead] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    is_done: bool = False


def check(folder: Path, record: Record, signing: Signing, options: LedgerOptions) -> None:
    """Reopen a ledger after a fault, and raise ``AssertionError`` for whatever does not hold."""
    before = kit.contents(folder)
    with_room = replace(options, reserve_bytes=0)
    ledger = kit.open_ledger(folder, with_room)
    view, size = ledger._tail.view, ledger.size
    root = view.tree_at(size).root()
    ledger.abandon()
    _check_lines(folder, record)
    assert root_of(map(leaf_hash, kit.lines(folder))) == root
    assert len(kit.lines(folder)) == size
    check_verified(folder, record, signing)
    _check_accounted(before, kit.contents(folder))
    _check_idle(folder, with_room)


def _check_lines(folder: Path, record: Record) -> None:
    """Every acknowledged event is in its place, and no id is there twice."""
    parsed = [json.loads(line) for line in kit.lines(folder)]
    names = [event["id"] for event in parsed]
    assert len(set(names)) == len(names)
    assert [event["sequence"] for event in parsed] == list(range(len(parsed)))
    for told in record.told:
        assert told.sequence < len(parsed), f"acknowledged event {told.sequence} is gone"
        event = parsed[told.sequence]
        assert (event["id"], event["event_hash"]) == (told.id, told.event_hash)
        assert event["payload"] == kit.draft(told.number).payload


def check_verified(folder: Path, record: Record, signing: Signing) -> None:
    """The chain holds, the head verifies, and the lines extend it and every head that was told."""
    key = kit.key_for(signing)
    trusted: tuple[Verifier, ...] = (key.verifier,) if key else ()
    verdict = verify_ledger(folder, VerifyRules(trusted=trusted, is_deep=True))
    assert verdict.failures == ()
    assert verdict.unacknowledged_bytes == 0
    assert verdict.root == root_of(map(leaf_hash, kit.lines(folder)))
    leaves = [leaf_hash(line) for line in kit.lines(folder)]
    known = [*record.heads]
    if trusted:
        found = read_head(folder, trusted)
        known += [found] if found else []
    for head in known:
        assert head.size <= len(leaves), "a head is ahead of its ledger"
        assert root_of(leaves[: head.size]) == head.root


def _check_accounted(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """Whatever lay in a segment lies there still, or was kept aside, and an event tells of it."""
    kept = {name: data for name, data in after.items() if name.startswith("broken/")}
    tellings = _tellings(after)
    for name, data in before.items():
        if name.startswith("broken/") and not name.startswith("broken/."):
            assert after[name] == data
        if not name.endswith(".jsonl"):
            continue
        same = _common(data, after[name])
        assert same == len(data) or data[same:] in kept.values() or _ends_in(data, kept)
    for name, data in kept.items():
        is_told = tellings.get(name) == len(data)
        # A copy that was not finished has another name; a ledger not yet made has nothing to tell.
        is_exempt = name.startswith(("broken/.", f"broken/{0:020d}-0-"))
        assert is_told or is_exempt, f"{name} is not told"


def _common(first: bytes, second: bytes) -> int:
    pairs = zip(first, second, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


def _ends_in(data: bytes, kept: dict[str, bytes]) -> bool:
    """Whether what was kept is the end of a file; what came in its place may begin like it."""
    return any(data.endswith(each) for each in kept.values())


def _tellings(files: dict[str, bytes]) -> dict[str, int]:
    """The names of kept files that events of the ledger tell of, with their lengths."""
    found: dict[str, int] = {}
    for name, data in files.items():
        for line in data.splitlines() if name.endswith(".jsonl") else []:
            event = json.loads(line)
            if event["event_type"] == RECOVERED:
                found[event["payload"]["kept_as"]] = event["payload"]["bytes"]
    return found


def _check_idle(folder: Path, options: LedgerOptions) -> None:
    """Opening once more changes nothing, and what was never acknowledged can be handed in again."""
    before = kit.contents(folder)
    kit.open_ledger(folder, options).abandon()
    assert kit.contents(folder) == before


def check_retry(folder: Path, numbers: Sequence[int], options: LedgerOptions) -> None:
    """Whoever hands in everything again has each event once."""
    with kit.open_ledger(folder, replace(options, reserve_bytes=0)) as ledger:
        for number in numbers:
            ledger.append(kit.drafts(number), kit.ALLOW)
    names = [json.loads(line)["id"] for line in kit.lines(folder)]
    assert sorted(name for name in names if name in {f"e{number}" for number in numbers}) == sorted(
        {f"e{number}" for number in numbers}
    )
