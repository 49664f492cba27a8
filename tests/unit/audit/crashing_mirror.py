"""A mirrored append that kills itself at a moment named on the command line."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import sys
from pathlib import Path

from evidentia.audit.catch_up import CatchUp
from evidentia.ingest.collect import Collector
from evidentia.ingest.parse import LineParser, ParseSettings
from evidentia.ingest.plan import plan_of
from evidentia.ingest.values import IngestOptions
from evidentia.ledger.appending import Ledger
from evidentia.ledger.disk import Disk
from evidentia.log.discovery import look_at
from evidentia.log.values import Block
from evidentia.store import batches


def _kit():
    name = "mirror_kit"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_after(real):
    def deadly(*arguments: object, **named: object) -> object:
        real(*arguments, **named)
        return _die()

    return deadly


def _arm(moment: str) -> None:
    match moment:
        case "before the ledger":
            Ledger.append = _die
        case "before the sync":
            Disk.sync = _die
        case "after the sync":
            Disk.sync = _die_after(Disk.sync)
        case "between ledger and store":
            CatchUp.run = _die
        case "inside the store's transaction":
            batches.insert_rows = _die_after(batches.insert_rows)
        case "after the store":
            CatchUp.run = _die_after(CatchUp.run)
        case _:
            sys.exit(f"no such moment: {moment}")


def _store_first(kit, mirror, event) -> None:
    """The wrong order: the row is committed, and then the process dies before the ledger."""
    scratch = kit.Mirror(folder=mirror.folder / "scratch")
    scratch.folder.mkdir()
    shutil.copytree(mirror.ledger_folder, scratch.ledger_folder)
    scratch.append(event)
    line = scratch.lines()[-1]
    with mirror.writer() as writer:
        catch_up = mirror.catch_up(writer)
        (place,) = catch_up.places().files
        file = look_at(place.path, catch_up.source)
        plan = plan_of(file, place.segment, catch_up.options.limits)
        pack = kit.PACKS[catch_up.source.pack]
        parser = LineParser(ParseSettings.of(pack, is_lenient=False))
        collector = Collector(
            writer, plan.segment, parser.promoted, IngestOptions(), plan.fingerprints
        )
        block = Block(
            start=place.checkpoint, first_line=plan.segment.next_line, data=line.raw + b"\n"
        )
        collector.add_block(block, parser.parse(block), now=0.0)
        collector.commit()
        _die()


def main(folder: str, moment: str) -> None:
    """Append one event to both, and die on the way."""
    kit = _kit()
    mirror = kit.Mirror(folder=Path(folder))
    if moment == "store first":
        _store_first(kit, mirror, kit.draft(9))
    with mirror.mirrored() as mirrored:
        _arm(moment)
        mirrored.append([kit.draft(9)], kit.ALLOW)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
