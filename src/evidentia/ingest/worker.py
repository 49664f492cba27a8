"""The far end of a parser process: settings in once, then blocks in and parsed blocks out.

Run as ``python -m evidentia.ingest.worker``. It ends when its input does, so it cannot outlive a
parent that was killed.
"""

from __future__ import annotations

import pickle
import signal
import sys

from evidentia.ingest.parse import LineParser, ParseSettings


def main() -> None:
    """Serve blocks until the input ends."""
    # Ctrl-C goes to the whole foreground group; only the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, replies = sys.stdin.buffer, sys.stdout.buffer
    settings: list[ParseSettings] = pickle.load(requests)  # noqa: S301 - from our own parent
    parsers = [LineParser(each) for each in settings]
    while True:
        try:
            number, block = pickle.load(requests)  # noqa: S301 - from our own parent
        except EOFError:
            return
        pickle.dump(parsers[number].parse(block), replies, pickle.HIGHEST_PROTOCOL)
        replies.flush()


if __name__ == "__main__":
    main()
