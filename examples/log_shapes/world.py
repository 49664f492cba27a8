"""A governed game world's five logs, with the checksums that their writer puts on its rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import cycle
from random import Random

from log_shapes.chance import happens, skewed

Row = dict[str, object]

ROOMS = (
    ("meadow", "The Meadow"),
    ("grove", "The Old Grove"),
    ("gate", "The Gate"),
    ("mill", "The Mill"),
)
PLAYERS = ("Robin", "Wren", "Marten")
EXITS = ("north", "east", "south", "west")
PHRASES = ("The grove remembers.", "Is anyone here?", "Grüße aus der Mühle.")
REJECTIONS = ("budget used up", "outside the window", "no consent")
DENIALS = ("not armed", "role may not build", "unknown verb")


def compact(row: Row) -> str:
    """The row as the game writes it: no spaces, non-ASCII escaped."""
    return json.dumps(row, separators=(",", ":"))


def sealed(row: Row) -> str:
    """The row with the checksum of everything before it as its last member."""
    body = compact(row)
    checksum = hashlib.sha256(body.encode("ascii")).hexdigest()
    return f'{body[:-1]},"sha256":"{checksum}"}}'


def token(random: Random, prefix: str) -> str:
    """An id such as ``ge_0123456789ab``."""
    return f"{prefix}_{random.getrandbits(48):012x}"


def moments(random: Random, start: datetime, seconds: float) -> Iterator[datetime]:
    """Rising times, each at most so many seconds after the one before."""
    now = start
    while True:
        now += timedelta(seconds=random.random() * seconds)
        yield now


def room(random: Random) -> Row:
    """A room as an object."""
    name, title = skewed(random, ROOMS)
    return {"id": name, "name": title}


def growth_lines(random: Random, start: datetime) -> Iterator[str]:
    """Offers, of which some are rejected and the others applied with varying luck."""

    def line(now: datetime, what: str, more: Row) -> str:
        window = now.strftime("%Y-%m-%dT%H")
        head: Row = {"event_id": token(random, "ge"), "ts": now.isoformat(), "event_type": what}
        return sealed({**head, "actor": "gardener", "window_key": window, **more})

    times = moments(random, start, 600)
    while True:
        offer: Row = {"offer_id": token(random, "off")}
        yield line(next(times), "growth.offer.created", offer)
        if happens(random, 0.3):
            why = {"reason": skewed(random, REJECTIONS)}
            yield line(next(times), "growth.offer.rejected", {**offer, "detail": why})
            continue
        apply: Row = {**offer, "apply_id": token(random, "app")}
        yield line(next(times), "growth.apply.started", apply)
        if happens(random, 0.7):
            outcome = {"rooms_added": 1}
            yield line(next(times), "growth.apply.succeeded", {**apply, "detail": outcome})
        else:
            outcome_of_failure = {"error": "tests failed"}
            yield line(next(times), "growth.apply.failed", {**apply, "detail": outcome_of_failure})


def heartbeat_lines(random: Random, start: datetime) -> Iterator[str]:
    """A tick every few minutes; there is no kind-like key."""
    for explored, now in enumerate(moments(random, start, 900)):
        place = room(random)
        items = random.getrandbits(2)
        yield sealed(
            {
                "ts": now.isoformat(),
                "tick_id": token(random, "hb"),
                "player_id": skewed(random, PLAYERS),
                "room": place,
                "snapshot": {"exits": EXITS[:2], "npcs": 1, "players": 1, "items": items},
                "world_summary": {"total_rooms": 4, "total_npcs": 9, "total_players": 3},
                "explored_rooms": min(explored, len(ROOMS)),
            }
        )


def activity_lines(random: Random, start: datetime) -> Iterator[str]:
    """What the game's own character does."""
    details: tuple[tuple[str, Callable[[], Row]], ...] = (
        ("look", lambda: {"exits": EXITS, "npcs": random.getrandbits(2), "players": 1}),
        (
            "move",
            lambda: {
                "direction": random.choice(EXITS),
                "result": "moved" if happens(random, 0.8) else "blocked",
                "from_room": skewed(random, ROOMS)[0],
            },
        ),
        ("say", lambda: {"phrase": random.choice(PHRASES)}),
        ("spawn_attempt", lambda: {"npc_name": "A quiet stranger"}),
    )
    for now in moments(random, start, 30):
        action, detail = skewed(random, details)
        head: Row = {"ts": now.isoformat(), "event_id": token(random, "ba"), "action": action}
        yield sealed({**head, "room": room(random), "detail": detail()})


def build_lines(random: Random, start: datetime) -> Iterator[str]:
    """The build loop: every id twice on purpose, first pending, then with its outcome."""
    for now in moments(random, start, 600):
        row: Row = {
            "ts": now.isoformat(),
            "id": token(random, "evt"),
            "actor": skewed(random, PLAYERS),
            "mode": "BUILD",
            "verb": "dev buildstub",
            "args": {"raw": ""},
            "result": "pending",
            "durable": False,
            **dict.fromkeys(("patch", "tests", "ohp", "error")),
        }
        yield json.dumps(row)
        is_good = happens(random, 0.7)
        patch = {"path": "evidence/patches/backup", "sha256": "0" * 64, "files": ["stub.txt"]}
        tests = {"ran": True, "cmd": "run the tests", "ok": is_good, "output_tail": "done\n"}
        outcome = {"result": "ok" if is_good else "failed", "patch": patch, "tests": tests}
        yield json.dumps({**row, **outcome, "error": None if is_good else "Tests failed"})


def bot_lines(random: Random, start: datetime) -> Iterator[str]:
    """Commands of bots: allowed, denied, or too many in a minute."""
    outcomes = ("allowed", "allowed", "denied", "rate_limited")
    for number, outcome in zip(cycle(range(1, 4)), cycle(outcomes), strict=False):
        now = start + timedelta(seconds=60 * random.random())
        start = now
        reasons = {"denied": random.choice(DENIALS), "rate_limited": "five commands a minute"}
        yield compact(
            {
                "ts": now.isoformat(),
                "actor_id": f"bot_{number}",
                "role": "visitor",
                "source": "ai_player",
                "cmd_text": random.choice(("look", "say hello", "dev buildstub", "go north")),
                "result": outcome,
                "reason": reasons.get(outcome),
            }
        )


FILES = {
    "growth_events.jsonl": growth_lines,
    "heartbeat.jsonl": heartbeat_lines,
    "bruce_activity.jsonl": activity_lines,
    "event_log.jsonl": build_lines,
    "bot_audit.jsonl": bot_lines,
}
"""Each file and the endless rows it takes its lines from."""
