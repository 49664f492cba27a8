"""The options that every command shares, and the workspace they lead to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evidentia.cli.output import Output
from evidentia.errors import UsageError

if TYPE_CHECKING:
    from evidentia.app import Config, Workspace
    from evidentia.app.ledgers import Ledgers

VALUE_OPTIONS: Final = ("--config", "--store", "--db")
FLAG_OPTIONS: Final = ("--json", "--quiet", "-q", "--verbose", "-v")


def hoist(arguments: list[str]) -> list[str]:
    """The arguments with the shared options moved before the command.

    Everything behind ``--`` stays where it is.
    """
    shared: list[str] = []
    others: list[str] = []
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            others += [argument, *left]
        elif argument in FLAG_OPTIONS or argument.startswith(
            tuple(f"{name}=" for name in VALUE_OPTIONS)
        ):
            shared.append(argument)
        elif argument in VALUE_OPTIONS and (value := next(left, None)) is not None:
            shared += [argument, value]
        else:
            others.append(argument)
    return shared + others


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What was said before the command.

    Attributes:
        config_path: ``--config``; without it ``evidentia.toml`` in the current folder, if any.
        store_address: ``--store`` or ``--db``; overrides the configuration.
    """

    config_path: Path | None = None
    store_address: str | None = None
    output: Output = field(default_factory=Output)

    def config(self) -> Config:
        """The configuration, with the store of the command line in it.

        Raises:
            ConfigError: The file is missing or not understood.
            UsageError: The store's address is not supported.
        """
        from evidentia.app import CONFIG_NAME, load_config  # noqa: PLC0415 - imports everything
        from evidentia.store.opening import store_at  # noqa: PLC0415 - imports SQLAlchemy

        path = self.config_path
        if path is None and Path(CONFIG_NAME).is_file():
            path = Path(CONFIG_NAME)
        config = load_config(path)
        if self.store_address is not None:
            config = replace(config, store=store_at(self.store_address))
        return config

    def workspace(self) -> Workspace:
        """The workspace that the configuration describes.

        Raises:
            ConfigError: The configuration is missing or not understood.
            PackError: A pack does not load.
        """
        from evidentia.app import open_workspace  # noqa: PLC0415 - imports everything

        return open_workspace(self.config())

    def ledgers(self) -> Ledgers:
        """The ledgers of that workspace.

        Raises:
            ConfigError: The configuration is missing or not understood.
            PackError: A pack does not load.
        """
        from evidentia.app.ledgers import Ledgers  # noqa: PLC0415 - imports everything

        return Ledgers(self.workspace())


def chosen_store(store: str | None, db: Path | None) -> str | None:
    """The store's address from ``--store`` and ``--db``, of which at most one may be given."""
    if store is not None and db is not None:
        raise UsageError("--store and --db name the same thing", fix="give one of them")
    return store if store is not None else (str(db) if db is not None else None)
