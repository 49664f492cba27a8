"""Ids of ledger events, held against the standard library's reading of a UUID."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from evidentia.event.ids import PREFIX, RANDOM_BYTES, event_ids

_TIMES = st.integers(0, (1 << 48) * 1000 - 1)
_BITS_KEPT = (1 << 76) - 1 & ~(0x3 << 62)


@given(_TIMES, st.lists(st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES), max_size=5))
def test_ids_are_uuids_of_version_7(now_us: int, parts: list[bytes]) -> None:
    """Each id holds the millisecond and every random bit that the layout leaves it."""
    found = [UUID(each.removeprefix(PREFIX)) for each in event_ids(now_us, b"".join(parts))]

    assert [each.version for each in found] == [7] * len(parts)
    assert [each.variant for each in found] == [RFC_4122] * len(parts)
    assert [each.int >> 80 for each in found] == [now_us // 1000] * len(parts)
    assert [each.int & _BITS_KEPT for each in found] == [
        int.from_bytes(part, "big") & _BITS_KEPT for part in parts
    ]


def test_an_id_is_written_as_it_always_was() -> None:
    """A known time and known bits give a known text: ids are in ledgers for ever."""
    (found,) = event_ids(1_700_000_000_123_456, bytes(range(10)))

    assert found == "evt_018bcfe5-687b-7001-8203-040506070809"
