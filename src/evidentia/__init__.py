"""Append-only JSONL is the evidence; SQL is a derived view; evidentia keeps the two the same.

The package is laid out in rooms with one direction of imports; ARCHITECTURE.md names each. What
``__all__`` lists is the library's public interface; it is loaded when first asked for, so that
importing the package costs nothing.

    >>> import evidentia
    >>> workspace = evidentia.open_workspace(evidentia.load_config(None))
    >>> sorted(workspace.packs)
    ['cortex', 'cowrie', 'pipeline', 'repair', 'world']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from evidentia.app import Config, Workspace, load_config, open_workspace
    from evidentia.app.ledgers import Ledgers
    from evidentia.app.recording import DeskRecorder, open_recorder
    from evidentia.audit.verify import VerifyOptions
    from evidentia.errors import EvidentiaError
    from evidentia.event.envelope import Draft
    from evidentia.ingest.values import IngestOptions, Watch
    from evidentia.ledger.appending import Ledger
    from evidentia.ledger.opening import create_ledger, open_ledger
    from evidentia.ledger.statements import Signing
    from evidentia.ledger.values import LedgerOptions
    from evidentia.ledger.verifying import VerifyRules, verify_ledger
    from evidentia.log.values import Limits, LogSource
    from evidentia.pack.conformance import assert_pack_conforms
    from evidentia.pack.contract import Pack
    from evidentia.packs.pipeline.execution import Pipeline
    from evidentia.proof.policy import Contribution, Outcome, PolicyDecision, compose
    from evidentia.service.background import Background
    from evidentia.service.follow import FollowOptions
    from evidentia.store.opening import Store, store_at

__version__ = "0.1.0"
__all__ = [
    "Background",
    "Config",
    "Contribution",
    "DeskRecorder",
    "Draft",
    "EvidentiaError",
    "FollowOptions",
    "IngestOptions",
    "Ledger",
    "LedgerOptions",
    "Ledgers",
    "Limits",
    "LogSource",
    "Outcome",
    "Pack",
    "Pipeline",
    "PolicyDecision",
    "Signing",
    "Store",
    "VerifyOptions",
    "VerifyRules",
    "Watch",
    "Workspace",
    "assert_pack_conforms",
    "compose",
    "create_ledger",
    "load_config",
    "open_ledger",
    "open_pipeline",
    "open_recorder",
    "open_workspace",
    "store_at",
    "verify_ledger",
]

_HOMES: Final = {
    "Background": "evidentia.service.background",
    "Config": "evidentia.app",
    "Contribution": "evidentia.proof.policy",
    "DeskRecorder": "evidentia.app.recording",
    "Draft": "evidentia.event.envelope",
    "EvidentiaError": "evidentia.errors",
    "FollowOptions": "evidentia.service.follow",
    "IngestOptions": "evidentia.ingest.values",
    "Ledger": "evidentia.ledger.appending",
    "LedgerOptions": "evidentia.ledger.values",
    "Ledgers": "evidentia.app.ledgers",
    "Limits": "evidentia.log.values",
    "LogSource": "evidentia.log.values",
    "Outcome": "evidentia.proof.policy",
    "Pack": "evidentia.pack.contract",
    "Pipeline": "evidentia.packs.pipeline.execution",
    "PolicyDecision": "evidentia.proof.policy",
    "Signing": "evidentia.ledger.statements",
    "Store": "evidentia.store.opening",
    "VerifyOptions": "evidentia.audit.verify",
    "VerifyRules": "evidentia.ledger.verifying",
    "Watch": "evidentia.ingest.values",
    "Workspace": "evidentia.app",
    "assert_pack_conforms": "evidentia.pack.conformance",
    "compose": "evidentia.proof.policy",
    "create_ledger": "evidentia.ledger.opening",
    "load_config": "evidentia.app",
    "open_ledger": "evidentia.ledger.opening",
    "open_recorder": "evidentia.app.recording",
    "open_workspace": "evidentia.app",
    "store_at": "evidentia.store.opening",
    "verify_ledger": "evidentia.ledger.verifying",
}


def open_pipeline(
    database: str | Path, *, ledger: str | Path | None = None, config: Config | None = None
) -> Pipeline:
    """What a program records the executions of its pipeline with.

    The database and its ledger are made where there are none. The arguments are those of
    ``open_recorder``.

        pipeline = evidentia.open_pipeline("evidence/pipeline.db")
        with pipeline.execution(agent_id="code-generator", operation="generation") as run:
            with run.stage("μ₁_normalize"):
                ...

    Raises:
        UsageError: The pack has several ledgers and none was named.
        StoreError: The database cannot be made, or is another's.
        LedgerError: The ledger cannot be made.
    """
    from evidentia.app.recording import open_recorder  # noqa: PLC0415 - start-up time
    from evidentia.packs.pipeline.execution import Pipeline  # noqa: PLC0415 - start-up time

    return Pipeline(open_recorder("pipeline", database, ledger=ledger, config=config))


def __getattr__(name: str) -> object:
    """A public name, imported from its room when first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
