"""The configuration: what ``evidentia.toml`` says, checked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from evidentia.app.references import LedgerEntry
from evidentia.audit.keys import SealReferences
from evidentia.audit.places import LEDGER_PACK, ledger_source
from evidentia.errors import ConfigError
from evidentia.ingest.values import IngestOptions
from evidentia.log.values import Limits, LogSource
from evidentia.store.opening import DEFAULT_PATH, Store, store_at

CONFIG_NAME: Final = "evidentia.toml"


class _StoreTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str = f"sqlite:///{DEFAULT_PATH}"


class _LogTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    pack: str
    lenient: bool = False
    sealed: bool = False
    seal_keys: tuple[str, ...] = ()
    allow_legacy_seals: bool = False


class _LimitsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    line_bytes_max: int = Limits().line_bytes_max
    expansion_max: int = Limits().expansion_max
    decompressed_bytes_max: int = Limits().decompressed_bytes_max


class _IngestTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    batch_events: int = IngestOptions().batch_events
    batch_bytes: int = IngestOptions().batch_bytes
    batch_seconds: float = IngestOptions().batch_seconds


class _LedgerTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    path: str
    key: str = ""
    verifier_keys: tuple[str, ...] = ()
    mirror: bool = True
    required_rules: tuple[str, ...] = ()
    pack: str = LEDGER_PACK


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    store: _StoreTable = _StoreTable()
    logs: tuple[_LogTable, ...] = ()
    ledgers: tuple[_LedgerTable, ...] = ()
    limits: _LimitsTable = _LimitsTable()
    ingest: _IngestTable = _IngestTable()
    pack: dict[str, dict[str, object]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What ``evidentia.toml`` says, with relative paths made relative to its folder.

    Attributes:
        path: The file it came from; None when there is none and the defaults hold.
        seals: How the seals of a log are checked, by the pattern of its entry. Beside ``sources``
            and not in them: a source is what decides which rows there are.
        ledgers: The ledgers of our own. Those that are mirrored stand in ``sources`` as well.
        settings: What ``[pack.NAME]`` says to each pack, by its name; the pack reads it.
    """

    path: Path | None = None
    store: Store
    sources: tuple[LogSource, ...] = ()
    options: IngestOptions = field(default_factory=IngestOptions)
    seals: Mapping[str, SealReferences] = field(default_factory=dict)
    ledgers: tuple[LedgerEntry, ...] = ()
    settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


def load_config(path: Path | None) -> Config:
    """The configuration in a file; the defaults when ``path`` is None.

    Raises:
        ConfigError: The file is missing, is not TOML, or says something unknown.
    """
    if path is None:
        return Config(store=store_at(str(DEFAULT_PATH)))
    try:
        table = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File)
    except FileNotFoundError as error:
        raise ConfigError(
            "there is no configuration file here",
            where=str(path),
            fix="write one with 'evidentia init'",
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the configuration cannot be read: {error}", where=str(path)) from error
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"the configuration is not understood: {error}",
            where=str(path),
            fix="see docs/reference/configuration.md",
        ) from error
    return _config(path, table)


def _config(path: Path, table: _File) -> Config:
    folder = path.resolve().parent
    _check_positive(path, table)
    _check_names(path, table)
    ledgers = tuple(_ledger(folder, each) for each in table.ledgers)
    store = store_at(table.store.url)
    return Config(
        path=path,
        store=replace(store, path=folder / store.path),
        sources=tuple(
            LogSource(
                pattern=str(folder / Path(log.path).expanduser()),
                pack=log.pack,
                is_lenient=log.lenient,
            )
            for log in table.logs
        )
        + tuple(ledger_source(each.folder, each.pack) for each in ledgers if each.is_mirrored),
        ledgers=ledgers,
        settings=table.pack,
        seals={
            str(folder / Path(log.path).expanduser()): SealReferences(
                is_sealed=log.sealed,
                keys=log.seal_keys,
                is_legacy_allowed=log.allow_legacy_seals,
                folder=folder,
            )
            for log in table.logs
        },
        options=IngestOptions(
            batch_events=table.ingest.batch_events,
            batch_bytes=table.ingest.batch_bytes,
            batch_seconds=table.ingest.batch_seconds,
            limits=Limits(
                line_bytes_max=table.limits.line_bytes_max,
                expansion_max=table.limits.expansion_max,
                decompressed_bytes_max=table.limits.decompressed_bytes_max,
            ),
        ),
    )


def _check_positive(path: Path, table: _File) -> None:
    for name, part in (("limits", table.limits), ("ingest", table.ingest)):
        for key, value in msgspec.structs.asdict(part).items():
            if value <= 0:
                raise ConfigError(f"{name}.{key} must be positive, not {value}", where=str(path))


def _check_names(path: Path, table: _File) -> None:
    names = [each.name for each in table.ledgers]
    if len(set(names)) != len(names):
        raise ConfigError("two ledgers have the same name", where=str(path))


def _ledger(folder: Path, table: _LedgerTable) -> LedgerEntry:
    return LedgerEntry(
        name=table.name,
        folder=folder / Path(table.path).expanduser(),
        key=table.key or None,
        verifier_keys=table.verifier_keys,
        is_mirrored=table.mirror,
        required_rules=table.required_rules,
        pack=table.pack,
        base=folder,
    )
