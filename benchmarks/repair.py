"""How long replaying, going on, scanning and suggesting take in the repair pack.

    python benchmarks/repair.py [--events N] [--messages N] [--rounds N]

Everything is made from fixed seeds. What is printed is processor time of this process, least of
the rounds: nothing here waits for anything, so it is what a quiet machine takes. Words of messages
follow Zipf's law over 5,000 words; one message in a hundred has lost its parent. The plain way of
suggesting scores every earlier message; it is timed on a few orphans. Run by hand.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import random
import resource
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from evidentia.event.timestamp import format_time
from evidentia.event.values import JsonValue
from evidentia.pack.reducing import Reducer
from evidentia.pack.state import StateEvent
from evidentia.packs.repair import RepairEvent, Suggester, read_conversations, replay_repair_events
from evidentia.packs.repair.conversation import SourceLine, Tree
from evidentia.packs.repair.scoring import score_candidate
from evidentia.packs.repair.session_state import SESSIONS_MATERIALIZED
from evidentia.packs.repair.validation import is_earlier

START = 1_767_225_600_000_000
NOON = "2026-01-01T12:00:00Z"
VOCABULARY = [f"word{number}" for number in range(5_000)]
WEIGHTS = [*itertools.accumulate(1 / number for number in range(1, 5_001))]
BATCH_EVENTS = 1_000
REVERT_EACH = 4
LOST = 0.01
"""The share of messages that lost their parent."""
PLAIN = 5
"""Orphans for which every message is scored."""

T = TypeVar("T")


def timed(rounds: int, work: Callable[[], T]) -> tuple[float, T]:
    """The least processor seconds of some rounds, and what the last one gave."""
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        found = work()
        best = min(best, time.process_time() - began)
    return best, found


def histories(count: int) -> Iterator[RepairEvent]:
    """Repairs of a growing tree; each fourth event takes back an earlier one."""
    chance = random.Random(1)
    active: list[RepairEvent] = []
    for number in range(count):
        common = {"session_id": "s", "timestamp": NOON, "operator": "user:x", "reason": "a reason"}
        if number % REVERT_EACH == REVERT_EACH - 1:
            target = active.pop(chance.randrange(len(active)))
            yield RepairEvent(
                event_id=f"evt_{number}",
                message_id=target.message_id,
                old_parent_uuid=target.new_parent_uuid,
                new_parent_uuid=target.old_parent_uuid,
                is_reverted=True,
                reverts_event_id=target.event_id,
                **common,
            )
            continue
        event = RepairEvent(
            event_id=f"evt_{number}",
            message_id=f"message-{number}",
            old_parent_uuid=None,
            new_parent_uuid=f"message-{chance.randrange(number + 1) - 1}",
            similarity_score=0.87,
            **common,
        )
        active.append(event)
        yield event


def conversation(count: int, step_us: int) -> list[SourceLine]:
    """A log of messages, the next one up to two steps after the last."""
    chance = random.Random(2)
    lines: list[SourceLine] = []
    now, byte_offset = START, 0
    for number in range(count):
        now += chance.randrange(2 * step_us)
        words = chance.choices(VOCABULARY, cum_weights=WEIGHTS, k=chance.randrange(1, 60))
        row = {
            "parentUuid": f"u{number - 1}" if number else None,
            "isSidechain": False,
            "sessionId": "s",
            "type": ("user", "assistant")[number % 2],
            "message": {"role": ("user", "assistant")[number % 2], "content": " ".join(words)},
            "uuid": f"u{number}",
            "timestamp": format_time(now),
        }
        if chance.random() < LOST:
            row["parentUuid"] = "gone"
        raw = json.dumps(row).encode()
        lines.append(("talk.jsonl", number + 1, byte_offset, raw))
        byte_offset += len(raw) + 1
    return lines


def stored(events: list[RepairEvent]) -> list[StateEvent]:
    """The events as a store hands them to the reducer."""
    return [
        StateEvent(
            position=position,
            kind="repair.event.bare",
            event_id=each.event_id,
            ts=None,
            actor=None,
            session_id="s",
            columns={},
            line=each.to_dict(),
        )
        for position, each in enumerate(events)
    ]


def folded(events: list[StateEvent]) -> JsonValue:
    """What the rows of a session are made of, in one go."""
    reducer = Reducer(SESSIONS_MATERIALIZED)
    kept = reducer.begin()
    for event in events:
        kept = reducer.apply(kept, event)
    return kept


def one_batch(text: str, events: list[StateEvent]) -> tuple[object, ...]:
    """A further batch: read what is kept, apply, write it, and make the row."""
    reducer = Reducer(SESSIONS_MATERIALIZED)
    kept = reducer.read(text)
    for event in events:
        kept = reducer.apply(kept, event)
    return reducer.row(reducer.text(kept))


def replays(count: int, rounds: int) -> None:
    """Print how long a session's events take, at once and a batch more."""
    events = [*histories(count)]
    spent, result = timed(rounds, lambda: replay_repair_events(events))
    print(
        f"replay of {count:,} events: {spent:.2f} s, {count / spent:,.0f}/s;"
        f" {result.active_events:,} in force, {result.reverted_events:,} switched off"
    )
    rows = stored(events)
    spent, kept = timed(rounds, lambda: folded(rows[:-BATCH_EVENTS]))
    text = Reducer(SESSIONS_MATERIALIZED).text(kept)
    print(f"fold of a store, {count - BATCH_EVENTS:,} events: {spent:.2f} s, {len(text):,} bytes")
    spent, _ = timed(rounds, lambda: one_batch(text, rows[-BATCH_EVENTS:]))
    print(f"{BATCH_EVENTS:,} events more in that session: {spent:.2f} s")
    small = Reducer(SESSIONS_MATERIALIZED).text(folded(rows[:BATCH_EVENTS]))
    spent, _ = timed(rounds, lambda: one_batch(small, rows[BATCH_EVENTS : BATCH_EVENTS + 1]))
    print(f"one event more in a session of {BATCH_EVENTS:,}: {spent * 1e3:.1f} ms")


def plain_suggestion(tree: Tree, uuid: str) -> list[str]:
    """The five best parents of a message whose subtree is known, by scoring every message."""
    message, heads = tree.messages[uuid], tree.heads
    scored = [
        (score_candidate(message, each).score, each.ts or 0, each.number, each.uuid)
        for each in tree.messages.values()
        if heads[each.uuid] != uuid and is_earlier(each, message)
    ]
    return [found for *_, found in sorted(scored, reverse=True)[:5]]


def suggestions(count: int, rounds: int, step_us: int) -> None:
    """Print how long a conversation takes to read, and its orphans to be given candidates."""
    lines = conversation(count, step_us)
    spent, reading = timed(rounds, lambda: read_conversations(lines))
    tree = reading.trees[0]
    print(f"\none message each {step_us / 1e6:g} s, {count:,} messages")
    print(f"scan: {spent:.2f} s, {len(tree.orphans):,} orphans, {len(tree.threads):,} threads")
    suggester = Suggester(tree)
    orphans = [each.uuid for each in tree.orphans]
    first, _ = timed(1, lambda: suggester.suggest(orphans[0]))
    spent, found = timed(1, lambda: [suggester.suggest(uuid) for uuid in orphans])
    print(
        f"index: {first:.2f} s; suggest for all: {spent:.2f} s, {spent / len(orphans) * 1e3:.1f} ms"
    )
    chosen = orphans[-PLAIN:]
    spent, plain = timed(1, lambda: [plain_suggestion(tree, uuid) for uuid in chosen])
    is_same = plain == [[each.uuid for each in few] for few in found[-PLAIN:]]
    print(f"scoring every message: {spent / PLAIN * 1e3:.0f} ms each, same candidates: {is_same}")


def main() -> None:
    """Generate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{platform.platform()}, Python {platform.python_version()}, load {load}")
    replays(options.events, options.rounds)
    for step_us in (30_000_000, 600_000):
        suggestions(options.messages, options.rounds, step_us)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


if __name__ == "__main__":
    main()
