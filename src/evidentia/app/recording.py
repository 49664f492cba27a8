"""Recording into a pack's own database from a program: its ledger, its tables, the clocks."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from evidentia.app.configuration import Config, load_config
from evidentia.app.ledgers import Ledgers, OpenLedger
from evidentia.app.pack_database import HeldDesk, PackDesk
from evidentia.app.references import LedgerEntry
from evidentia.app.workspace import Workspace, open_workspace, utc_microseconds
from evidentia.errors import ConfigError, UsageError
from evidentia.event.envelope import Draft
from evidentia.pack.contract import Pack
from evidentia.pack.recorder import Recorded, Recorder
from evidentia.proof.policy import Contribution, Outcome, PolicyDecision, compose
from evidentia.store.opening import DEFAULT_PATH

_LEDGER_SUFFIX: Final = ".ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRecorder:
    """Fills ``evidentia.pack.recorder.Recorder``. Threads may share it.

    Attributes:
        desk: The ledger and the database; opened for each record.
        pack_settings: What the configuration says of the pack.
        holding: The same, held open; None where they are not.
    """

    desk: PackDesk
    pack_settings: Mapping[str, object]
    holding: HeldDesk | None = None

    def record(self, drafts: Sequence[Draft]) -> tuple[Recorded, ...]:
        """Append events to the ledger, all or none, and make the rows of each.

        Raises:
            RejectionError: An event may not stand in the ledger; nothing was written.
            LedgerError: The ledger fails, or others hold it for too long; nothing was written.
            StoreError: The events are in the ledger, and the tables are yet to be filled.
        """
        return (self.holding or self.desk).record(drafts)

    @contextmanager
    def held(self) -> Iterator[Recorder]:
        """The same with ledger and database held open. For one thread; others wait meanwhile.

        Raises:
            EvidentiaError: As for ``record``.
        """
        with self.desk.held() as holding:
            yield replace(self, holding=holding)

    def settings(self) -> Mapping[str, object]:
        """What the configuration says of the pack."""
        return self.pack_settings

    def now_us(self) -> int:
        """The time now."""
        return self.desk.clock()

    def elapsed_us(self) -> int:
        """Microseconds of the monotonic clock."""
        return time.monotonic_ns() // 1_000

    def random_hex(self, count: int) -> str:
        """So many random bytes, as hex."""
        return secrets.token_hex(count)


def open_recorder(
    pack: str,
    database: str | Path,
    *,
    ledger: str | Path | None = None,
    config: Config | None = None,
    clock: Callable[[], int] = utc_microseconds,
) -> DeskRecorder:
    """What a program records with. The database and its ledger are made where there are none.

    Args:
        pack: The pack whose tables they are.
        database: The file of the database.
        ledger: The ledger's name in the configuration, or its folder; by default the one that the
            configuration names for the pack, else the folder beside the database that is called
            like it and ends in ``.ledger``.
        config: The configuration; by default none.
        clock: UTC microseconds.

    Raises:
        UsageError: There is no such pack, it has no database, or has several ledgers.
        StoreError: The database cannot be made, or is another's.
        LedgerError: The ledger cannot be made.
    """
    workspace = open_workspace(load_config(None) if config is None else config)
    found = workspace.pack(pack)
    desk = desk_of(workspace, found, Path(database), ledger=ledger, asked_by="a program")
    desk = replace(desk, clock=clock)
    if not desk.store.exists():
        desk.init()
    return DeskRecorder(desk=desk, pack_settings=workspace.config.settings.get(pack, {}))


def recorder_of(
    workspace: Workspace,
    pack: Pack,
    path: Path | None,
    *,
    ledger: str | Path | None,
    key: str | None,
    asked_by: str,
) -> DeskRecorder:
    """What a command records with, into a database that is there.

    Raises:
        UsageError: The pack has no database, or several ledgers and none was named.
    """
    place = database_path(workspace, pack) if path is None else path
    desk = desk_of(workspace, pack, place, ledger=ledger, key=key, asked_by=asked_by)
    return DeskRecorder(desk=desk, pack_settings=workspace.config.settings.get(pack.name, {}))


def database_path(workspace: Workspace, pack: Pack) -> Path:
    """Where the database of a pack is: where its settings say, else in the usual folder.

    Raises:
        ConfigError: The settings name no path.
    """
    config = workspace.config
    stated = config.settings.get(pack.name, {}).get("database")
    if stated is None:
        return DEFAULT_PATH.with_name(f"{pack.name}.db")
    if not isinstance(stated, str) or not stated:
        raise ConfigError(
            f"database is {stated!r} and no path", where=f"pack.{pack.name}", fix="name a file"
        )
    folder = Path() if config.path is None else config.path.resolve().parent
    return folder / Path(stated).expanduser()


def desk_of(
    workspace: Workspace,
    pack: Pack,
    path: Path,
    *,
    ledger: str | Path | None = None,
    key: str | None = None,
    asked_by: str,
) -> PackDesk:
    """The database of a pack at a path, with its ledger.

    Raises:
        UsageError: The pack has no database, or several ledgers and none was named.
    """
    if pack.database is None:
        raise UsageError(f"the pack {pack.name!r} has no database of its own")
    reason = f"asked for by {asked_by}"
    asked = Contribution(rule_id="ledger.append.operator", outcome=Outcome.ALLOW, reason=reason)

    def policy(opened: OpenLedger) -> PolicyDecision:
        return compose((asked, *opened.contributions()))

    ledgers = Ledgers(workspace)
    name = ledger if ledger is not None else _own_ledger(workspace, pack.name, path)
    return PackDesk(
        database=pack.database,
        path=path,
        ledgers=ledgers,
        entry=ledgers.entry_or_new(str(name), key),
        policy=policy,
    )


def _own_ledger(workspace: Workspace, pack: str, path: Path) -> str:
    own: list[LedgerEntry] = [each for each in workspace.config.ledgers if each.pack == pack]
    if len(own) > 1:
        names = ", ".join(each.name for each in own)
        raise UsageError(f"the pack {pack!r} has several ledgers: {names}", fix="name one of them")
    return own[0].name if own else str(path.with_suffix(_LEDGER_SUFFIX))
