"""The far end of a parser process: settings in once, then blocks in and parsed blocks out.

Run as ``python -P -m evidentia.ingest.worker``. It ends when its input does, so it cannot outlive
a parent that was killed.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
from contextlib import suppress
from typing import BinaryIO, Final, TypeAlias

from evidentia.errors import EvidentiaError
from evidentia.ingest.parse import LineParser, ParsedBlock, ParsedEvents, ParseSettings
from evidentia.log.values import Block

Answer: TypeAlias = tuple[ParsedBlock | EvidentiaError, bytes]
"""A block without its events, and the events; or the error that its pack raised."""
Message: TypeAlias = tuple[int, list[Block]]
"""The number of the settings, and blocks that they are for."""
_NICENESS: Final = 5


def main() -> None:
    """Serve blocks until the input ends."""
    # Both reach the whole group of processes; only the parent decides what they mean.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Everything waits for the one process that writes, so that comes first where cores are few.
    os.nice(_NICENESS)
    replies = _replies()
    # The parent has gone, perhaps in the middle of a block: there is nobody left to tell.
    with suppress(EOFError, OSError, pickle.UnpicklingError):
        serve(sys.stdin.buffer, replies)
    with suppress(OSError):
        replies.close()


def _replies() -> BinaryIO:
    """The way back to the parent, out of reach of a pack that prints."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return replies


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer every handful of blocks with what each holds, or with the error of its pack.

    Raises:
        EOFError: The input has ended.
    """
    settings: list[ParseSettings] = pickle.load(requests)  # noqa: S301 - from our own parent
    parsers = [LineParser(each) for each in settings]
    # Nothing made here refers to itself, and looking for that took a fifth of the time.
    gc.disable()
    while True:
        number, blocks = pickle.load(requests)  # noqa: S301 - from our own parent
        answers = [_answer(parsers[number], block) for block in blocks]
        pickle.dump(answers, replies, pickle.HIGHEST_PROTOCOL)
        replies.flush()


def _answer(parser: LineParser, block: Block) -> Answer:
    try:
        parsed = parser.parse(block)
    except EvidentiaError as error:
        return error, b""
    events, parsed.events = parsed.events, ParsedEvents()
    return parsed, events.packed()


if __name__ == "__main__":
    main()
