"""The ``world`` pack: evidence of a governed game world (growth, heartbeats, builds, bots)."""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Pack, ReportSection, SectionStyle
from evidentia.pack.queries import load_queries
from evidentia.pack.schema import load_schema
from evidentia.packs.world.fields import FIELDS, KNOWN_KINDS
from evidentia.packs.world.offers import OFFERS
from evidentia.packs.world.samples import SAMPLES
from evidentia.packs.world.seal import SHA256
from evidentia.packs.world.summaries import SUMMARIES

PACK: Final = Pack(
    name="world",
    version=3,
    title="Game world evidence",
    fields=FIELDS,
    schema=load_schema(__name__, name="world.event", version=1),
    known_kinds=KNOWN_KINDS,
    queries=load_queries(__name__),
    report=(
        ReportSection(title="At a glance", query="report_totals", style=SectionStyle.NUMBERS),
        ReportSection(
            title="Events over the period",
            query="report_activity",
            style=SectionStyle.TIMELINE,
            series=("growth_count", "denial_count", "other_count"),
        ),
        ReportSection(title="What changed", query="report_kinds", style=SectionStyle.BARS),
        ReportSection(
            title="Denials",
            query="report_denials",
            style=SectionStyle.BARS,
            label_columns=3,
            note="Who was denied what, and in which words.",
        ),
        ReportSection(
            title="Budget use",
            query="report_growth",
            style=SectionStyle.BARS,
            series=("applies_succeeded", "applies_failed"),
            note="Offers and applies of each window of the growth budget.",
        ),
        ReportSection(title="Hot rooms", query="report_rooms", style=SectionStyle.BARS),
        ReportSection(title="Growth story", query="report_story", label_columns=2),
        ReportSection(title="Busiest actors", query="report_actors", style=SectionStyle.BARS),
    ),
    summaries=SUMMARIES,
    states=(OFFERS,),
    samples=SAMPLES,
    seals=(SHA256,),
)
