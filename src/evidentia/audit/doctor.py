"""What is wrong with a set-up, and how to fix it. Reads only."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidentia.errors import EvidentiaError
from evidentia.log.discovery import discover
from evidentia.log.values import LogSource
from evidentia.pack.conformance import check_pack
from evidentia.pack.contract import Pack
from evidentia.store.opening import Store
from evidentia.store.reader import StoreReader

_FREE_BYTES_MIN: Final = 512 * 1024 * 1024
_KINDS_SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    is_well: bool
    detail: str
    fix: str | None = None


def examine(
    store: Store, sources: Sequence[LogSource], packs: Mapping[str, Pack]
) -> tuple[Check, ...]:
    """Everything worth knowing about a set-up, in the order one would look."""
    return (
        *_check_packs(packs),
        *_check_logs(sources, packs),
        _check_space(store.path),
        *_check_store(store, packs),
    )


def failed(name: str, error: EvidentiaError) -> Check:
    """A check that ended in an error."""
    where = f" ({error.where})" if error.where else ""
    return Check(name=name, is_well=False, detail=f"{error.what}{where}", fix=error.fix)


def _check_packs(packs: Mapping[str, Pack]) -> Iterator[Check]:
    for pack in packs.values():
        problems = check_pack(pack)
        yield Check(
            name=f"pack {pack.name}",
            is_well=not problems,
            detail="; ".join(problems) or f"version {pack.version}, {pack.title}",
            fix="report this to the pack's author" if problems else None,
        )


def _check_logs(sources: Sequence[LogSource], packs: Mapping[str, Pack]) -> Iterator[Check]:
    for source in sources:
        if source.pack not in packs:
            yield Check(
                name=f"log {source.pattern}",
                is_well=False,
                detail=f"there is no pack {source.pack!r}",
                fix="install it, or name one of: " + ", ".join(sorted(packs)),
            )
            continue
        found = discover([source])
        for problem in found.problems:
            yield failed(f"log {source.pattern}", problem)
        if found.files:
            yield Check(
                name=f"log {source.pattern}",
                is_well=True,
                detail=f"{len(found.files):,} found, "
                f"{sum(file.size for file in found.files):,} bytes on disk",
            )
    if not sources:
        yield Check(
            name="logs",
            is_well=True,
            detail="none configured; name them with --log, or in evidentia.toml",
        )


def _check_space(path: Path) -> Check:
    folder = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
    free = shutil.disk_usage(folder).free
    is_well = free >= _FREE_BYTES_MIN
    return Check(
        name="space",
        is_well=is_well,
        detail=f"{free:,} bytes free where the store lives",
        fix=None if is_well else "free some space, or move the store with --db",
    )


def _check_store(store: Store, packs: Mapping[str, Pack]) -> Iterator[Check]:
    if not store.exists():
        yield Check(name="store", is_well=True, detail=f"none yet at {store.path}; ingest makes it")
        return
    try:
        with store.reader() as reader:
            yield from _check_open_store(reader, packs)
    except EvidentiaError as error:
        yield failed("store", error)


def _check_open_store(reader: StoreReader, packs: Mapping[str, Pack]) -> Iterator[Check]:
    settings = reader.settings()
    counts = reader.counts()
    yield Check(
        name="store",
        is_well=True,
        detail=f"{reader.path}: {counts.events:,} events in {counts.batches:,} batches",
    )
    notices = reader.notices()
    effective = ", ".join(f"{name} {value}" for name, value in settings.items())
    yield Check(
        name="settings",
        is_well=not notices,
        detail="; ".join(notices) or effective,
        fix="what is missing is made by the next ingest; where the journal mode is not wal, move "
        "the store to a local disk"
        if notices
        else None,
    )
    holder = reader.lease_holder()
    if holder is not None:
        yield Check(
            name="lease",
            is_well=True,
            detail=f"held by process {holder.pid} on {holder.host} ({holder.command})",
        )
    yield from _check_pack_versions(reader, packs)
    yield from _check_kinds(reader, packs)
    yield from _check_projections(reader)
    yield Check(
        name="dead letters",
        is_well=True,
        detail=f"{counts.open_dead_letters:,} open of {counts.dead_letters:,}",
    )
    yield Check(
        name="gaps",
        is_well=not counts.gaps,
        detail=f"{counts.gaps:,} known",
        fix="see 'evidentia status'; restore the missing bytes if you can" if counts.gaps else None,
    )


def _check_pack_versions(reader: StoreReader, packs: Mapping[str, Pack]) -> Iterator[Check]:
    for name, version in reader.pack_versions().items():
        current = packs[name].version if name in packs else None
        if current == version:
            continue
        yield Check(
            name=f"pack {name}",
            is_well=False,
            detail=f"the store was filled with version {version}, "
            f"{f'version {current} is installed' if current else 'the pack is not installed'}",
            fix="'evidentia verify --deep' names the columns that differ and 'evidentia recover' "
            "derives them again"
            if current
            else "install the pack",
        )


def _check_projections(reader: StoreReader) -> Iterator[Check]:
    for each in reader.projections():
        if each.state == "halted":
            yield Check(
                name=f"projection {each.name}",
                is_well=False,
                detail=f"halted at batch {each.batch_id:,}: {each.detail}",
                fix=f"see why, then run 'evidentia projection rebuild {each.name}'",
            )


def _check_kinds(reader: StoreReader, packs: Mapping[str, Pack]) -> Iterator[Check]:
    unknown: dict[str, list[str]] = {}
    for pack, kind, count in reader.kinds():
        known = packs[pack].known_kinds if pack in packs else frozenset()
        if known and kind not in known:
            unknown.setdefault(pack, []).append(f"{kind} ({count:,})")
    for pack, kinds in unknown.items():
        more = f" and {len(kinds) - _KINDS_SHOWN} more" if len(kinds) > _KINDS_SHOWN else ""
        yield Check(
            name=f"kinds of {pack}",
            is_well=True,
            detail=f"stored, but unknown to the pack: {', '.join(kinds[:_KINDS_SHOWN])}{more}",
        )
