"""Repeatable chance: everything is drawn from the one generator that the seed gave."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import TypeVar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Item = TypeVar("Item")


def happens(random: Random, share: float) -> bool:
    """True in that share of the cases."""
    return random.random() < share


def skewed(random: Random, items: tuple[Item, ...]) -> Item:
    """One of the items; the first ones come up far more often, as in real logs."""
    return items[int(len(items) * random.random() ** 2)]
