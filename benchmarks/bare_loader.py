"""evidentia without summaries: the load alone, as it can be compared with older tables.

    python benchmarks/bare_loader.py LOG DATABASE

The same as ``evidentia ingest --pack cowrie``, by the library, with a pack that declares none.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path

from evidentia.app import Config, Workspace
from evidentia.ingest.values import Watch
from evidentia.log.values import LogSource
from evidentia.pack.registry import load_packs
from evidentia.store.opening import Store


def main() -> None:
    """Load a log into a new store."""
    log, database = sys.argv[1:]
    packs = load_packs()
    bare = dataclasses.replace(packs["cowrie"], summaries=(), queries=())
    config = Config(store=Store(path=Path(database)))
    workspace = Workspace(config=config, packs={**packs, "cowrie": bare})
    source = LogSource(pattern=log, pack="cowrie")
    report = workspace.ingest([source], Watch(clock=time.monotonic), config.options)
    print(f"{report.events:,} events")


if __name__ == "__main__":
    main()
