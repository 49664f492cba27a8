"""Write example logs in the shapes that the built-in packs read. Standard library only.

The same arguments give the same bytes. Nothing is copied from a real log::

    python examples/generate_logs.py cowrie --events 100000 --days 7 --out cowrie.json
    python examples/generate_logs.py world --events 300 --out world
    python examples/generate_logs.py hostile --out hostile.jsonl
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from pathlib import Path
from random import Random

from log_shapes import cowrie, hostile, world
from log_shapes.chance import EPOCH


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write the lines, each ended by a newline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)


def write_cowrie(options: argparse.Namespace) -> None:
    """One growing file, or one file for each day as Cowrie's daily rotation leaves them."""
    start_us = (options.start - EPOCH) // timedelta(microseconds=1)
    random = Random(options.seed)
    events = cowrie.cowrie_lines(random, options.events, start_us, options.days)
    if not options.daily:
        write_lines(options.out, (line for _, line in events))
        return
    for day, part in groupby(events, key=lambda event: event[0] // cowrie.DAY_US):
        date = (EPOCH + timedelta(days=day)).date().isoformat()
        path = options.out.with_name(f"{options.out.name}.{date}")
        write_lines(path, (line for _, line in part))


def write_world(options: argparse.Namespace) -> None:
    """Five files in a folder, which share the events evenly."""
    share, rest = divmod(options.events, len(world.FILES))
    for number, (name, lines) in enumerate(world.FILES.items()):
        random = Random(f"{options.seed} {name}")
        count = share + (number < rest)
        write_lines(options.out / name, islice(lines(random, options.start), count))


def write_hostile(options: argparse.Namespace) -> None:
    """The one file of lines that try a reader."""
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(hostile.content())


COMMANDS: dict[str, tuple[str, Callable[[argparse.Namespace], None]]] = {
    "cowrie": ("a honeypot's log", write_cowrie),
    "world": ("a game world's logs", write_world),
    "hostile": ("lines that are not events, between some that are", write_hostile),
}


def midnight(day: str) -> datetime:
    """The beginning of a day, in UTC."""
    return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)


def positive(text: str) -> int:
    """A number above zero."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", required=True)
    for name, (about, _) in COMMANDS.items():
        command = commands.add_parser(name, help=about)
        command.add_argument("--out", type=Path, required=True, help="file; for world a folder")
        if name == "hostile":
            continue
        command.add_argument("--events", type=positive, required=True, help="exactly so many")
        command.add_argument("--seed", type=int, default=1, help="same seed, same bytes")
        command.add_argument(
            "--start", type=midnight, default="2026-01-01", help="first day (UTC): YYYY-MM-DD"
        )
        if name == "cowrie":
            command.add_argument("--days", type=positive, default=1, help="days they spread over")
            command.add_argument(
                "--daily", action="store_true", help="write FILE.YYYY-MM-DD for each day"
            )
    return top


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the log that the command line asks for."""
    options = parser().parse_args(arguments)
    COMMANDS[options.command][1](options)


if __name__ == "__main__":
    main()
