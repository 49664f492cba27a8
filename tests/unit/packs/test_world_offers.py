"""What has become of each offer: the order of its story, and steps that no offer should take."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import permutations
from pathlib import Path

import pytest

from evidentia.app import Config, Workspace
from evidentia.errors import StoreError
from evidentia.ingest.values import IngestOptions, Watch
from evidentia.log.values import LogSource
from evidentia.packs.world import PACK
from evidentia.store.opening import Store
from evidentia.store.scope import Scope

GROWTH = Path(__file__).resolve().parents[3] / "examples/logs/world/growth_events.jsonl"
COLUMNS = "status, attempts, created_by, changed_by, first_ts, last_ts, reason, odd_steps"
SECOND = 1_000_000
START = 1_767_225_600 * SECOND


def step(second: int | None, what: str, offer: str = "off_1", **more: object) -> str:
    """A line about an offer."""
    moment = {} if second is None else {"ts": f"2026-01-01T00:00:{second:02}Z"}
    return json.dumps({**moment, "event_type": f"growth.{what}", "offer_id": offer, **more})


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """A store over a log that grows."""

    folder: Path

    @property
    def workspace(self) -> Workspace:
        """With the world pack alone."""
        return Workspace(
            config=Config(store=Store(path=self.folder / "s.db")), packs={"world": PACK}
        )

    def tell(self, *lines: str, jobs: int = 1, batch_events: int = 50_000) -> None:
        """Append lines and read them."""
        log = self.folder / "growth.jsonl"
        with log.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)
        self.workspace.ingest(
            (LogSource(pattern=str(log), pack="world"),),
            Watch(clock=lambda: 0.0),
            IngestOptions(batch_events=batch_events, jobs=jobs),
        )

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        """Rows of the store."""
        with closing(sqlite3.connect(self.folder / "s.db")) as connection:
            return connection.execute(sql).fetchall()

    def offer(self, columns: str = COLUMNS) -> tuple[object, ...]:
        """The one offer there is."""
        (row,) = self.ask(f"SELECT {columns} FROM offers")  # noqa: S608 - columns of these tests
        return row

    def digest(self) -> str | None:
        """The digest of all offers, which are well."""
        (found,) = self.workspace.check_projections(["offers"])
        assert found.is_well
        return found.digest


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty one."""
    return World(folder=tmp_path)


STORY = (
    step(1, "offer.created", actor="ann", window_key="w1"),
    step(2, "apply.started", actor="bob", apply_id="app_1"),
    step(3, "apply.failed", actor="bob", apply_id="app_1", detail={"error": "tests failed"}),
    step(4, "apply.started", actor="cid", apply_id="app_2"),
    step(5, "apply.succeeded", actor="cid", apply_id="app_2"),
)


def test_an_offer_has_the_status_that_came_last(world: World) -> None:
    """Who made it and who changed it last, when it began and ended, how often it was tried."""
    world.tell(*STORY)

    assert world.offer() == (
        *("succeeded", 2, "ann", "cid"),
        *(START + SECOND, START + 5 * SECOND, None, 0),
    )
    assert world.offer("offer_id, window_key, apply_id") == ("off_1", "w1", "app_2")


@pytest.mark.parametrize("batch_events", [1, 2, 50_000])
@pytest.mark.parametrize("order", [[4, 3, 2, 1, 0], [0, 2, 4, 1, 3], [1, 2, 3, 4, 0]])
def test_lines_that_come_late_change_nothing(
    world: World, order: Sequence[int], batch_events: int
) -> None:
    """The story is that of the times, whatever stands first in the log."""
    world.tell(*(STORY[place] for place in order), batch_events=batch_events)

    assert world.offer()[:2] == ("succeeded", 2)
    assert world.offer("odd_steps, first_odd_step") == (0, None)


def test_what_has_come_so_far_may_look_odd(world: World) -> None:
    """Until the line that was missing comes in; then nothing was odd."""
    world.tell(STORY[0], STORY[2])
    before = world.offer("status, reason, odd_steps, first_odd_step")

    world.tell(STORY[1])

    assert before == ("failed", "tests failed", 1, "created to failed")
    assert world.offer("status, reason, odd_steps, first_odd_step") == (
        *("failed", "tests failed", 0, None),
    )


@pytest.mark.parametrize(
    ("steps", "odd"),
    [
        (["offer.created", "offer.rejected"], None),
        (["offer.rejected"], "nothing to rejected"),
        (["offer.created", "offer.created"], "created to created"),
        (["offer.created", "offer.rejected", "apply.started"], "rejected to applying"),
        (["offer.created", "apply.started", "apply.started"], "applying to applying"),
        (["offer.created", "apply.succeeded", "apply.failed"], "created to succeeded"),
    ],
)
def test_the_first_odd_step_is_named(world: World, steps: Sequence[str], odd: str | None) -> None:
    """A step that the life of an offer does not have is evidence of something."""
    world.tell(*(step(second, what) for second, what in enumerate(steps)))

    assert world.offer("first_odd_step") == (odd,)


def test_lines_without_a_time_come_last(world: World) -> None:
    """And give no time."""
    world.tell(step(None, "offer.rejected", reason="no consent"), step(1, "offer.created"))

    assert world.offer() == (
        *("rejected", 0, None, None, START + SECOND, START + SECOND, "no consent", 0),
    )


def test_any_order_of_a_story_gives_one_table(tmp_path: Path) -> None:
    """Each order of its lines, each line a batch of its own; and several processes."""
    digests = set()
    for number, order in enumerate(permutations(STORY[:3])):
        folder = tmp_path / str(number)
        folder.mkdir()
        other = World(folder=folder)
        other.tell(*order, batch_events=1, jobs=2 if number % 2 else 1)
        digests.add(other.offer("status, attempts, reason, odd_steps, first_ts, last_ts"))
        assert other.digest()

    assert len(digests) == 1


@pytest.mark.parametrize(("jobs", "batch_events"), [(1, 1), (1, 7), (2, 3), (2, 50_000)])
def test_cuts_and_processes_give_equal_digests(
    tmp_path: Path, jobs: int, batch_events: int
) -> None:
    """Of a log of many offers."""
    lines = GROWTH.read_text().splitlines()
    digests = []
    for name, options in (("a", {}), ("b", {"jobs": jobs, "batch_events": batch_events})):
        (tmp_path / name).mkdir()
        world = World(folder=tmp_path / name)
        world.tell(*lines[::2], **options)
        world.tell(*lines[1::2], **options)
        digests.append(world.digest())

    assert digests[0] == digests[1]


def test_offers_of_the_example_are_what_plain_counting_gives(world: World) -> None:
    """Against the lines themselves, by another way."""
    world.tell(*GROWTH.read_text().splitlines())

    last: dict[str, tuple[str, str]] = {}
    for line in GROWTH.read_text().splitlines():
        event = json.loads(line)
        last[event["offer_id"]] = max(
            last.get(event["offer_id"], ("", "")), (event["ts"], event["event_type"])
        )
    words = {"growth.offer.created": "created", "growth.offer.rejected": "rejected"}
    wanted = {offer: words.get(kind, kind.rpartition(".")[2]) for offer, (_, kind) in last.items()}
    assert dict(world.ask("SELECT offer_id, status FROM offers")) == wanted
    assert world.ask("SELECT count(*) FROM offers WHERE odd_steps > 0") == [(0,)]


def test_the_query_shows_the_last_changed_first(world: World) -> None:
    """All, or those of one status."""
    world.tell(*STORY, step(9, "offer.created", "off_2"), step(None, "offer.created", "off_3"))
    query = next(each for each in PACK.queries if each.name == "offers")

    with world.workspace.store.reader() as reader:
        every = reader.run_query(query, {"status": "", "limit": 9}).rows
        created = reader.run_query(query, {"status": "created", "limit": 1}).rows

    assert [row[0] for row in every] == ["off_2", "off_1", "off_3"]
    assert [row[0] for row in created] == ["off_2"]


def test_the_query_is_refused_as_of_an_earlier_batch(world: World) -> None:
    """Offers hold the present: an older moment is not answered with it in silence."""
    world.tell(*STORY[:2])
    world.tell(*STORY[2:])
    queries = {each.name: each for each in PACK.queries}
    with world.workspace.store.reader() as reader:
        earlier = Scope(as_of=reader.as_of(batch_id=1))

        with pytest.raises(StoreError, match="offers holds the present") as caught:
            reader.run_query(queries["offers"], {"status": "", "limit": 9}, within=earlier)
        story = reader.run_query(queries["growth_story"], {"limit": 9}, within=earlier)

    assert caught.value.where == "query offers"
    assert len(story.rows) == 2


def test_long_texts_are_cut(world: World) -> None:
    """A line of megabytes halts nothing; it is in the events as it was written."""
    long = "\U0001f480" * 100_000
    world.tell(
        step(1, "offer.created", actor=long, window_key=long),
        step(2, "offer.rejected", actor=long, apply_id=long, reason=long),
    )

    columns = ("window_key", "apply_id", "created_by", "changed_by", "reason")
    assert world.digest()
    assert world.offer(", ".join(f"length({name})" for name in columns)) == (500,) * 5


def test_hostile_offers_stop_nothing(world: World) -> None:
    """Values of odd types in every place, NULs, and a story of one offer that repeats."""
    odd: Sequence[object] = (None, 7, 0.5, True, "", "\0", [], {}, {"error": []}, 2**70)
    names = ("actor", "window_key", "apply_id", "reason", "detail", "ts", "offer_id")
    world.tell(
        *(
            json.dumps({"event_type": kind, "offer_id": "off_1"} | dict.fromkeys(chosen, value))
            for value in odd
            for kind in ("growth.offer.created", "growth.apply.failed")
            for chosen in (names, names[:-1])
        )
    )

    assert world.digest()
    assert world.ask("SELECT count(*) FROM offers") == [(2,)]
