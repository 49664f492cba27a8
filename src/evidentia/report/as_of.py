"""The moment that a question is about: a batch, by its id or by a time."""

from __future__ import annotations

import re

from evidentia.errors import UsageError
from evidentia.report.queries import read_time
from evidentia.store.reader import StoreReader
from evidentia.store.scope import AsOf

_BATCH_DIGITS_MAX = 18


def read_as_of(reader: StoreReader, text: str | None, now_us: int) -> AsOf:
    """The batch that a person's text names: its id, or a time at or after its commit.

    Without text it is the newest one, and everything in the store is seen.

    Raises:
        UsageError: There is no such batch, or the text is neither.
    """
    if text is None:
        found = reader.as_of()
    elif re.fullmatch(rf"\d{{1,{_BATCH_DIGITS_MAX}}}", text, re.ASCII):
        found = reader.as_of(batch_id=int(text))
    else:
        found = reader.as_of(us=read_time(text, now_us))
    if found is None:
        raise UsageError(
            f"no batch answers to {text!r}", where="--as-of", fix=_what_there_is(reader)
        )
    return found


def _what_there_is(reader: StoreReader) -> str:
    newest = reader.as_of()
    if newest is None or not newest.batch_id:
        return "ingest a log first"
    return f"name a batch from 1 to {newest.batch_id}, or a time after the first was committed"
