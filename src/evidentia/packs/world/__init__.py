"""The ``world`` pack: evidence of a governed game world (growth, heartbeats, builds, bots)."""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Pack, ReportSection, SectionStyle
from evidentia.pack.queries import load_queries
from evidentia.pack.schema import load_schema
from evidentia.packs.world.fields import FIELDS, KNOWN_KINDS
from evidentia.packs.world.samples import SAMPLES
from evidentia.packs.world.seal import SHA256

PACK: Final = Pack(
    name="world",
    version=1,
    title="Game world evidence",
    fields=FIELDS,
    schema=load_schema(__name__, name="world.event", version=1),
    known_kinds=KNOWN_KINDS,
    queries=load_queries(__name__),
    report=(
        ReportSection(title="Events by kind", query="report_kinds", style=SectionStyle.BARS),
        ReportSection(title="Denials", query="report_denials"),
        ReportSection(title="Growth by window", query="report_growth"),
        ReportSection(title="Busiest rooms", query="report_rooms", style=SectionStyle.BARS),
        ReportSection(title="Busiest actors", query="report_actors", style=SectionStyle.BARS),
    ),
    samples=SAMPLES,
    seals=(SHA256,),
)
