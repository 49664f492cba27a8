"""The ``cortex`` pack: mirrored ledgers of agents, as Cortex, corcept and evidentia write them."""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Pack, ReportSection, SectionStyle
from evidentia.pack.queries import load_queries
from evidentia.pack.schema import load_schema
from evidentia.packs.cortex.corcept_seal import CORCEPT
from evidentia.packs.cortex.event_seal import CORTEX_V1
from evidentia.packs.cortex.fields import FIELDS
from evidentia.packs.cortex.samples import SAMPLES

PACK: Final = Pack(
    name="cortex",
    version=1,
    title="Mirrored agent ledgers",
    fields=FIELDS,
    schema=load_schema(__name__, name="cortex.event", version=1),
    queries=load_queries(__name__),
    report=(
        ReportSection(title="Events by kind", query="agent_kinds", style=SectionStyle.BARS),
        ReportSection(title="Busiest actors", query="agent_actors", style=SectionStyle.BARS),
        ReportSection(title="Sessions", query="agent_sessions"),
    ),
    samples=SAMPLES,
    seals=(CORTEX_V1, CORCEPT),
)
