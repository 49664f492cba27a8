"""The ``cowrie`` pack: SSH and Telnet honeypot sessions, as Cowrie's JSON log writes them."""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Pack, ReportSection, SectionStyle
from evidentia.pack.queries import load_queries
from evidentia.pack.schema import load_schema
from evidentia.packs.cowrie.fields import FIELDS
from evidentia.packs.cowrie.kinds import KNOWN_KINDS
from evidentia.packs.cowrie.samples import SAMPLES

PACK: Final = Pack(
    name="cowrie",
    version=1,
    title="Cowrie honeypot sessions",
    fields=FIELDS,
    schema=load_schema(__name__, name="cowrie.event", version=1),
    known_kinds=KNOWN_KINDS,
    queries=load_queries(__name__),
    report=(
        ReportSection(title="Logins over the period", query="logins", style=SectionStyle.BARS),
        ReportSection(title="Top commands", query="top_commands", style=SectionStyle.BARS),
        ReportSection(title="Top credentials", query="top_credentials"),
        ReportSection(title="Top sources", query="top_sources", style=SectionStyle.BARS),
        ReportSection(title="Downloads", query="downloads"),
    ),
    samples=SAMPLES,
)
