"""Ways in which events come into a store: whole, in parts, after crashes, over two logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress

from hypothesis import strategies as st

from evidentia.event.values import position_of
from evidentia.pack.contract import Pack
from evidentia.store.values import Segment
from evidentia.store.writer import StoreWriter

from .scene import LINE, PACK, Scene
from .summing import DAY_US, Happening, commit

NOON = 1_600_000_000_000_000
PARTY = (
    Happening(ts=NOON, role="admin", port=7, actor="b"),
    Happening(ts=NOON, role="admin", port=70, actor="a"),
    Happening(ts=None, kind="logout", role="admin", port=9, actor="0"),
    Happening(ts=-1, kind="look", session="t"),
    Happening(ts=NOON + DAY_US, kind="logout", session=None),
    Happening(ts=NOON + 5, session="ü'\"", port=-3, actor="'"),
)


class CutOffError(Exception):
    """What ends a block too early."""


@contextmanager
def cut_off(inside: AbstractContextManager[None]) -> Iterator[None]:
    """A block that fails at its end."""
    with suppress(CutOffError), inside:
        yield
        raise CutOffError


def placed(
    segment: Segment, line: int, happenings: Sequence[Happening]
) -> list[tuple[int, Happening]]:
    """Happenings with their positions, from a line on."""
    return [
        (position_of(segment.id, (number - 1) * LINE), each)
        for number, each in enumerate(happenings, line)
    ]


HAPPENINGS = st.builds(
    Happening,
    kind=st.sampled_from(["login", "logout", "look"]),
    ts=st.none() | st.sampled_from([-(10**15), -1, 0, NOON, NOON + 1, NOON + DAY_US]),
    session=st.none() | st.sampled_from(["a", "b", "é"]),
    role=st.none() | st.sampled_from(["", "x"]),
    port=st.none() | st.integers(-3, 12),
    actor=st.none() | st.sampled_from(["", "A", "a", "aa", "\U0001f600", "ﬀ"]),
)
BATCHES = st.tuples(st.integers(0, 1), st.lists(HAPPENINGS, min_size=1, max_size=6))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["delta", "bulk", "crash", "failed bulk", "without", "rebuild", "together"]
        ),
        st.lists(BATCHES, min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=5,
)


class Interleaving:
    """A store of two logs that is written to in steps, and the list of what was committed.

    Attributes:
        committed: Each with its position.
    """

    def __init__(self, scene: Scene, pack: Pack) -> None:
        self.scene = scene
        self.pack = pack
        self.committed: list[tuple[int, Happening]] = []
        self.places: dict[str, int] = {}

    def step(self, way: str, batches: list[tuple[int, list[Happening]]]) -> None:
        """One run of a writer."""
        with self.scene.writer(PACK if way == "without" else self.pack) as writer:
            if way == "bulk":
                with writer.bulk():
                    self.commit(writer, batches, blocks=2)
            elif way == "failed bulk":
                with cut_off(writer.bulk()):
                    self.commit(writer, batches)
            elif way == "crash":
                before = (list(self.committed), dict(self.places))
                with cut_off(writer.transaction()):
                    self.commit(writer, batches)
                self.committed, self.places = before
            elif way == "together":
                with writer.transaction():
                    self.commit(writer, batches)
            else:
                self.commit(writer, batches)
            if way == "rebuild":
                for each in self.pack.projections:
                    writer.rebuild_projection(each.name)

    def commit(
        self, writer: StoreWriter, batches: list[tuple[int, list[Happening]]], blocks: int = 0
    ) -> None:
        """Each batch at the end of its log, with what it adds counted in so many parts."""
        for log, happenings in batches:
            path = f"/logs/{log}.jsonl"
            segment = self.segment(writer, path)
            line = self.places.get(path, 1)
            self.places[path] = commit(writer, segment, line, happenings, blocks=blocks)
            self.committed += placed(segment, line, happenings)

    def segment(self, writer: StoreWriter, path: str) -> Segment:
        """The segment of a log, new where it has none."""
        known = [each for each in writer.segments() if each.path == path]
        return known[0] if known else self.scene.segment(writer, path)
