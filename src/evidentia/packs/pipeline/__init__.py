"""The ``pipeline`` pack: execution receipts of a code generator, chained and signed."""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Pack, ReportSection, SectionStyle
from evidentia.pack.queries import load_queries
from evidentia.packs.pipeline.acceptance_seal import ACCEPTANCE
from evidentia.packs.pipeline.commands import COMMANDS
from evidentia.packs.pipeline.database import DATABASE
from evidentia.packs.pipeline.database_report import DATABASE_QUERIES, DATABASE_REPORT
from evidentia.packs.pipeline.fields import FIELDS
from evidentia.packs.pipeline.receipt_seal import RECEIPT
from evidentia.packs.pipeline.samples import SAMPLES

PACK: Final = Pack(
    name="pipeline",
    version=1,
    title="Pipeline receipts",
    fields=FIELDS,
    queries=load_queries(__name__),
    report=(ReportSection(title="Activities", query="activities", style=SectionStyle.BARS),),
    samples=SAMPLES,
    seals=(RECEIPT, ACCEPTANCE),
    commands=COMMANDS,
    database=DATABASE,
    database_queries=DATABASE_QUERIES,
    database_report=DATABASE_REPORT,
)
