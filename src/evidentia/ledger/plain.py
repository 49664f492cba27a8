"""The quick way through a block of lines in which nothing is noteworthy, as in most blocks.

Whatever is found here to be plain, the full check finds to be without failure; all else is left to
that. So nothing is reported here, and nothing is decided but that there is nothing to report.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from evidentia.event.envelope import (
    DECODER,
    HASH_DOMAIN,
    RESERVED,
    SCHEMA_VERSION,
    UNREADABLE,
    Batch,
    Envelope,
    without_event_hash,
)


def plain_block(
    lines: Sequence[bytes], size: int, event_hash: str | None, batch: Batch | None
) -> tuple[list[Envelope], Batch | None] | None:
    """The envelopes of unsigned lines that go on with a chain, and the batch that is open then.

    None where a line is signed, is the ledger's own, or may be wrong in any way.

    Args:
        lines: Whole lines that follow each other.
        size: How many events there are before them.
        event_hash: The hash of the event before them.
        batch: The mark of that event if its batch goes on.
    """
    try:
        envelopes = [DECODER.decode(line) for line in lines]
    except UNREADABLE:
        return None
    hashes = [each.event_hash for each in envelopes]
    is_plain = (
        [each.sequence for each in envelopes] == list(range(size, size + len(lines)))
        and [each.prev_event_hash for each in envelopes] == [event_hash, *hashes[:-1]]
        and {each.schema_version for each in envelopes} == {SCHEMA_VERSION}
        and not any(each.event_type.startswith(RESERVED) for each in envelopes)
        and {each.signature for each in envelopes} == {msgspec.UNSET}
        and [each.payload_hash for each in envelopes]
        == [sha256(each.payload).hexdigest() for each in envelopes]
        and hashes == [sha256(HASH_DOMAIN + without_event_hash(each)).hexdigest() for each in lines]
    )
    if not is_plain:
        return None
    for each in envelopes:
        if each.batch is msgspec.UNSET and batch is None:
            continue
        mark = each.batch
        if not isinstance(mark, Batch) or not _goes_on(batch, mark):
            return None
        batch = mark if mark.goes_on else None
    return envelopes, batch


def _goes_on(before: Batch | None, mark: Batch) -> bool:
    if before is None:
        return mark.index == 0 and mark.size > 1
    return mark.index == before.index + 1 and mark.size == before.size
