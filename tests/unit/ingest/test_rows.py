"""The rows of a batch, as the driver asks for them."""

from __future__ import annotations

from hashlib import sha256

from evidentia.ingest.rows import EventRows

from .kit import block, good, parser


def test_rows_are_made_anew_as_often_as_they_are_asked_for() -> None:
    """Whoever counts or repairs reads them before they are bound."""
    rows = EventRows()
    for number, data in enumerate((good(1) + b"[]\n" + good(2), b"", good(3))):
        each = block(data)
        rows.add(data, 1_000 * number, parser().parse(each).events, {"good": 7})

    first, second = [*rows], [*rows]

    assert len(rows) == len(first) == 3
    assert [row[:3] for row in first] == [(0, 1, 7), (len(good(1)) + 3, 3, 7), (2_000, 1, 7)]
    assert [row[3] for row in first] == [good(number)[:-1] for number in (1, 2, 3)]
    assert [row[4] for row in first] == [sha256(good(number)[:-1]).digest() for number in (1, 2, 3)]
    assert [row[:6] for row in second] == [row[:6] for row in first]
    assert (first[0][:1] in rows, len(rows)) == (False, 3)
