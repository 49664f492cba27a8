"""The pipeline's own database: seven tables as upstream has them, and what was mapped into them."""

from __future__ import annotations

from typing import Final

from evidentia.pack.tables import PackDatabase
from evidentia.pack.views import load_views
from evidentia.packs.pipeline.records import rows_of
from evidentia.packs.pipeline.tables import TABLES

DATABASE: Final = PackDatabase(
    name="pipeline",
    title="Receipts, stages, agents, sessions and missed service levels",
    version=1,
    tables=TABLES,
    rows_of=rows_of,
    views=load_views(__package__ or ""),
)
