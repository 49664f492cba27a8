"""A writer that kills itself at a moment named on the command line; run as a process of its own."""

from __future__ import annotations

import importlib.util
import itertools
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from evidentia.store import batches, relations
from evidentia.store.opening import Store


def _kit():
    spec = importlib.util.spec_from_file_location("kit", Path(__file__).with_name("kit.py"))
    kit = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kit)
    return kit


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DeadlyRows(list):
    """Rows whose reader dies in the middle."""

    def __iter__(self) -> Iterator[object]:
        """Half of the rows."""
        yield from itertools.islice(super().__iter__(), len(self) // 2)
        _die()


def _arm(moment: str) -> None:
    when, _, name = moment.partition(":")
    real = getattr(batches, name)

    def deadly(*arguments: object) -> object:
        if when == "before":
            _die()
        result = real(*arguments)
        _die()
        return result

    setattr(batches, name, deadly)


def main(path: str, moment: str) -> None:
    """Commit two batches, saying so, and die in the third; or go on until somebody kills us."""
    kit, store = _kit(), Store(path=Path(path))
    if moment == "create":
        relations.create_views = _die
    with kit.writing(store) as writer:
        segment = kit.new_segment(writer)
        writer.kind_ids(["login"])
        with writer.bulk() if moment == "bulk" else nullcontext():
            for number in range(1_000_000):
                write = kit.batch_of(segment.id, number * 42 + 1, 40)
                if number == 2 and moment == "bulk":
                    _die()
                if number == 2 and moment.startswith("during"):
                    object.__setattr__(write, "events", DeadlyRows(write.events))
                elif number == 2 and ":" in moment:
                    _arm(moment)
                writer.commit_batch(write)
                sys.stdout.write(f"{number + 1}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
