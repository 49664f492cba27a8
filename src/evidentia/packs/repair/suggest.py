"""Which messages are the likeliest parents of a message, without looking at all of them.

Public::

    Suggester(tree): suggest(uuid, top=5) -> tuple[Candidate, ..]
    suggest_parents(tree, uuid, top=5) -> tuple[Candidate, ..]

What comes back is exactly what scoring every earlier message would give: the highest scores, and
of equal ones those nearest in time. Two ways lead to every message that can be among them:

- *no word in common*: then only time and type count, so within a type the nearest few are enough;
- *some word in common*: the messages of each word stand in the order of time. The rarest word is
  looked up first. A message that was not met yet has at most the remaining words in common, which
  bounds its score; a walk ends where that bound is below the worst of the best.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from heapq import heappush, heapreplace
from typing import Final

from evidentia.errors import UsageError
from evidentia.packs.repair.conversation import Message, Tree
from evidentia.packs.repair.scoring import (
    CLOSENESS_WEIGHT,
    SIMILARITY_WEIGHT,
    TYPE_WEIGHT,
    WINDOW_US,
    Candidate,
    answered_type,
    closeness_of,
    jaccard,
    score_candidate,
    type_factor,
    weighed,
)
from evidentia.packs.repair.text import words_of

TOP: Final = 5
_SLACK: Final = 1e-9
"""Bounds are computed in another order than scores, so their last digits may differ."""

Span = tuple[int, int]
"""Ranks from one up to, but without, another."""


class _View:
    """Messages in an order in which all that are earlier than one stand in a few spans.

    A message's place in the order is its rank. Of candidates with equal scores the one of the
    higher rank comes first.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.times = [each.ts for each in messages]
        self.types: dict[str, list[int]] = {}
        self.postings: dict[str, list[int]] = {}
        self.word_numbers: dict[str, int] = {}
        self.words: list[array[int]] = []
        for rank, message in enumerate(messages):
            self.types.setdefault(message.type, []).append(rank)
            numbers = array("L")
            for word in words_of(message.text):
                self.postings.setdefault(word, []).append(rank)
                numbers.append(self.word_numbers.setdefault(word, len(self.word_numbers)))
            self.words.append(numbers)
        self.sizes = [len(each) for each in self.words]

    def numbers_of(self, message: Message) -> set[int]:
        """The words of a message, as numbers."""
        return {self.word_numbers[word] for word in words_of(message.text)}


class _Best:
    """The best few candidates so far."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._heap: list[tuple[float, int]] = []
        self.floor = -1.0
        """The worst score among them, once there are enough."""

    def offer(self, score: float, rank: int) -> None:
        """Keep a candidate if it is better than the worst."""
        if len(self._heap) < self._top:
            heappush(self._heap, (score, rank))
        elif (score, rank) > self._heap[0]:
            heapreplace(self._heap, (score, rank))
        if len(self._heap) == self._top:
            self.floor = self._heap[0][0]

    def ranks(self) -> list[int]:
        """Their ranks, the best first."""
        return [rank for _, rank in sorted(self._heap, reverse=True)]


class _Search:
    """One search for the parents of one message."""

    def __init__(self, view: _View, message: Message, spans: Sequence[Span], top: int) -> None:
        self._view = view
        self._message = message
        self._spans = spans
        self._top = top
        self._numbers = view.numbers_of(message)
        self._seen: set[int] = set()
        self._is_excluded: Callable[[str], bool] = _nobody
        self._window = _window_of(view, message)
        self._likely = {message.type, answered_type(message.type) or message.type}
        self._best = _Best(top)

    def run(self, is_excluded: Callable[[str], bool]) -> list[Message]:
        """The best candidates, the best first."""
        self._is_excluded = is_excluded
        self._by_type()
        self._by_word()
        return [self._view.messages[rank] for rank in self._best.ranks()]

    def _by_type(self) -> None:
        """Meet the nearest few of each type that counts, and the nearest few of all."""
        for wanted in sorted(self._likely):
            self._meet_nearest(self._view.types.get(wanted, []))
        self._meet_nearest(range(len(self._view.messages)))

    def _meet_nearest(self, ranks: Sequence[int]) -> None:
        met = 0
        for low, high in self._spans:
            index = bisect_left(ranks, high) - 1
            while met < self._top and index >= 0 and ranks[index] >= low:
                met += self._meet(ranks[index])
                index -= 1

    def _by_word(self) -> None:
        """Meet all with words in common, as long as they can be among the best."""
        words = sorted(
            words_of(self._message.text),
            key=lambda word: (len(self._view.postings.get(word, ())), word),
        )
        for index, word in enumerate(words):
            left = len(words) - index
            for low, high in self._spans:
                self._meet_sharing(self._view.postings.get(word, []), (low, high), left)

    def _meet_sharing(self, ranks: Sequence[int], span: Span, left: int) -> None:
        """Meet the messages of one word, the nearest first.

        Args:
            ranks: The messages.
            span: Where they are earlier.
            left: The most words that one of them has in common which was not met yet.
        """
        low, high = span
        far = min(max(low, self._window), high)
        self._meet_near(ranks, (far, high), left)
        self._meet_far(ranks, (low, far), left)

    def _meet_near(self, ranks: Sequence[int], span: Span, left: int) -> None:
        view, best, message = self._view, self._best, self._message
        shared = SIMILARITY_WEIGHT * left / len(self._numbers) + TYPE_WEIGHT + _SLACK
        for index in range(bisect_left(ranks, span[1]) - 1, bisect_left(ranks, span[0]) - 1, -1):
            rank = ranks[index]
            near = CLOSENESS_WEIGHT * closeness_of(message.ts, view.times[rank])
            if shared + near < best.floor:
                break  # What follows is no nearer.
            if rank not in self._seen and self._bound(rank, left, near) >= best.floor:
                self._meet(rank)

    def _meet_far(self, ranks: Sequence[int], span: Span, left: int) -> None:
        """The same beyond the window, where most messages are: there only sizes and types count."""
        sizes, messages, seen = self._view.sizes, self._view.messages, self._seen
        limits, other = self._limits(left)
        if max(other, *limits.values()) < 0:
            return
        for index in range(bisect_left(ranks, span[1]) - 1, bisect_left(ranks, span[0]) - 1, -1):
            rank = ranks[index]
            if sizes[rank] > limits.get(messages[rank].type, other) or rank in seen:
                continue
            before = self._best.floor
            self._meet(rank)
            if self._best.floor > before:
                limits, other = self._limits(left)

    def _limits(self, left: int) -> tuple[dict[str, float], float]:
        """The most words a message may have to be among the best: by type, and of other types."""
        factors = {each: type_factor(self._message.type, each) for each in self._likely}
        limits = {each: self._limit(left, factor) for each, factor in factors.items()}
        return limits, self._limit(left, 0.0)

    def _limit(self, left: int, factor: float) -> float:
        gap = self._best.floor - TYPE_WEIGHT * factor - _SLACK
        most = SIMILARITY_WEIGHT * left / gap if gap > 0 else float("inf")
        # The union is no smaller than the message's own words.
        return most if most >= len(self._numbers) else -1.0

    def _bound(self, rank: int, left: int, near: float) -> float:
        """The most that a message can score which has at most so many words in common."""
        size = max(len(self._numbers), len(self._view.words[rank]))
        factor = type_factor(self._message.type, self._view.messages[rank].type)
        return SIMILARITY_WEIGHT * left / size + near + TYPE_WEIGHT * factor + _SLACK

    def _meet(self, rank: int) -> bool:
        """Score a message, once; whether it is a candidate at all."""
        candidate = self._view.messages[rank]
        if self._is_excluded(candidate.uuid):
            return False
        if rank not in self._seen:
            self._seen.add(rank)
            words = self._view.words[rank]
            common = len(self._numbers.intersection(words))
            score = weighed(
                jaccard(common, len(self._numbers), len(words)),
                closeness_of(self._message.ts, candidate.ts),
                type_factor(self._message.type, candidate.type),
            )
            self._best.offer(score, rank)
        return True


class Suggester:
    """Finds parents in one tree; its indexes are made when they are first needed."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._by_time: _View | None = None
        self._by_number: _View | None = None
        self._children: dict[str, list[str]] | None = None

    def suggest(self, uuid: str, top: int = TOP) -> tuple[Candidate, ...]:
        """The likeliest parents of a message, the likeliest first.

        All are strictly earlier than the message, and none of them hangs below it.

        Raises:
            UsageError: The tree has no such message, or ``top`` is below 1.
        """
        message = self._tree.messages.get(uuid)
        if message is None:
            raise UsageError(f"there is no message {uuid!r} in session {self._tree.name!r}")
        if top < 1:
            raise UsageError(f"{top} candidates are asked for", fix="ask for at least one")
        view, spans = self._timed(message) if message.ts is not None else self._placed(message)
        found = _Search(view, message, spans, top).run(self._exclusion(uuid))
        return tuple(score_candidate(message, each) for each in found)

    def _timed(self, message: Message) -> tuple[_View, list[Span]]:
        """Messages without a time by place, then the others by time."""
        if self._by_time is None:
            self._by_time = _View(sorted(self._tree.messages.values(), key=time_order))
        view, times = self._by_time, self._by_time.messages
        timeless = bisect_left(times, 1, key=lambda each: int(each.ts is not None))
        earlier = bisect_left(times, message.ts or 0, lo=timeless, key=lambda each: each.ts or 0)
        before = bisect_left(times, message.number, hi=timeless, key=lambda each: each.number)
        return view, [(timeless, earlier), (0, before)]

    def _placed(self, message: Message) -> tuple[_View, list[Span]]:
        """All messages by place, where time says nothing."""
        if self._by_number is None:
            messages = sorted(self._tree.messages.values(), key=lambda each: each.number)
            self._by_number = _View(messages)
        view = self._by_number
        before = bisect_left(view.messages, message.number, key=lambda each: each.number)
        return view, [(0, before)]

    def _exclusion(self, uuid: str) -> Callable[[str], bool]:
        """Whether a message is the one in question, or hangs below it."""
        heads = self._tree.heads
        if heads[uuid] == uuid and uuid not in self._in_cycles():
            return lambda other: heads[other] == uuid
        return self._below(uuid).__contains__

    def _in_cycles(self) -> frozenset[str]:
        return frozenset(uuid for cycle in self._tree.cycles for uuid in cycle)

    def _below(self, uuid: str) -> frozenset[str]:
        if self._children is None:
            self._children = {}
            for child, parent in self._tree.parents.items():
                if parent is not None:
                    self._children.setdefault(parent, []).append(child)
        found, pending = {uuid}, [uuid]
        for node in pending:
            fresh = [each for each in self._children.get(node, ()) if each not in found]
            found.update(fresh)
            pending.extend(fresh)
        return frozenset(found)


def suggest_parents(tree: Tree, uuid: str, top: int = TOP) -> tuple[Candidate, ...]:
    """The likeliest parents of one message; for several of a tree make one ``Suggester``.

    Raises:
        UsageError: The tree has no such message, or ``top`` is below 1.
    """
    return Suggester(tree).suggest(uuid, top)


def _window_of(view: _View, message: Message) -> int:
    """The rank from which on messages are near in time, where all those before it are not."""
    if message.ts is None:
        return len(view.messages)
    oldest = message.ts - WINDOW_US
    return bisect_left(view.times, 1, key=lambda each: int(each is not None and each > oldest))


def time_order(message: Message) -> tuple[bool, int, int]:
    """The order of messages by time: those without one first, each kind by place after that."""
    return (message.ts is not None, message.ts or 0, message.number)


def _nobody(_uuid: str) -> bool:
    return False
