"""What the batches of a large load add to the summaries, held until there is enough to merge.

It was counted while the log was parsed (``store.partials``). Merged with each batch, the pages of a
large table would be written again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evidentia.pack.summary import Merge, Summary
from evidentia.store.partials import merge_rows
from evidentia.store.values import PartialRow, Partials

_ROWS_MAX: Final = 30_000
"""Rows held at once: some 10 MB, and few enough merges."""
_ROWS_OF_SKETCH: Final = 14
"""Rows that take as much memory as a sketch that is full."""


class PendingRows:
    """Rows of summaries that are not merged yet.

    They are those of batches that follow each other without a gap: once a batch comes whose events
    were not counted, nothing is added any more.
    """

    def __init__(self) -> None:
        self._rows: dict[str, dict[PartialRow, PartialRow]] = {}
        self._weights: dict[str, int] = {}
        self._batch_id = 0
        self._is_open = True

    @property
    def is_full(self) -> bool:
        """Whether it is time to merge."""
        return sum(len(rows) * self._weights[name] for name, rows in self._rows.items()) >= (
            _ROWS_MAX
        )

    def add(
        self, batch_id: int, summaries: Sequence[Summary], partials: Sequence[Partials] | None
    ) -> None:
        """Add what the blocks of the next batch gave, in the order of their pack's summaries."""
        self._is_open = self._is_open and partials is not None
        if not self._is_open or partials is None:
            return
        for block in partials:
            for summary, rows in zip(summaries, block, strict=True):
                self._weights[summary.name] = _weight(summary)
                merge_rows(summary, self._rows.setdefault(summary.name, {}), rows)
        self._batch_id = batch_id

    def drop(self) -> None:
        """Forget all, and take no more: the transaction of a batch in it was rolled back."""
        self._rows = {}
        self._batch_id = 0
        self._is_open = False

    def drain(self) -> tuple[int, dict[str, list[PartialRow]]]:
        """The last batch in it (0 for none), and the rows of each summary in order of their keys.

        In that order they are merged fastest.
        """
        batch_id, self._batch_id = self._batch_id, 0
        rows, self._rows = self._rows, {}
        return batch_id, {
            name: [found[key] for key in sorted(found)] for name, found in rows.items()
        }


def _weight(summary: Summary) -> int:
    sketches = sum(each.merge is Merge.DISTINCT for each in summary.measures)
    return 1 + sketches * _ROWS_OF_SKETCH
