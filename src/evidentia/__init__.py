"""Append-only JSONL is the evidence; SQL is a derived view; evidentia keeps the two the same.

The package is laid out in rooms with one direction of imports; ARCHITECTURE.md names each. What
``__all__`` lists is the library's public interface; it is loaded when first asked for, so that
importing the package costs nothing.

    >>> import evidentia
    >>> workspace = evidentia.open_workspace(evidentia.load_config(None))
    >>> sorted(workspace.packs)
    ['cortex', 'cowrie', 'pipeline', 'world']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from evidentia.app import Config, Workspace, load_config, open_workspace
    from evidentia.audit.verify import VerifyOptions
    from evidentia.errors import EvidentiaError
    from evidentia.ingest.values import IngestOptions, Watch
    from evidentia.log.values import Limits, LogSource
    from evidentia.pack.conformance import assert_pack_conforms
    from evidentia.pack.contract import Pack
    from evidentia.service.background import Background
    from evidentia.service.follow import FollowOptions
    from evidentia.store.opening import Store, store_at

__version__ = "0.1.0"
__all__ = [
    "Background",
    "Config",
    "EvidentiaError",
    "FollowOptions",
    "IngestOptions",
    "Limits",
    "LogSource",
    "Pack",
    "Store",
    "VerifyOptions",
    "Watch",
    "Workspace",
    "assert_pack_conforms",
    "load_config",
    "open_workspace",
    "store_at",
]

_HOMES: Final = {
    "Background": "evidentia.service.background",
    "FollowOptions": "evidentia.service.follow",
    "Config": "evidentia.app",
    "EvidentiaError": "evidentia.errors",
    "IngestOptions": "evidentia.ingest.values",
    "Limits": "evidentia.log.values",
    "LogSource": "evidentia.log.values",
    "Pack": "evidentia.pack.contract",
    "Store": "evidentia.store.opening",
    "VerifyOptions": "evidentia.audit.verify",
    "Watch": "evidentia.ingest.values",
    "Workspace": "evidentia.app",
    "assert_pack_conforms": "evidentia.pack.conformance",
    "load_config": "evidentia.app",
    "open_workspace": "evidentia.app",
    "store_at": "evidentia.store.opening",
}


def __getattr__(name: str) -> object:
    """A public name, imported from its room when first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
