"""The ``cowrie`` pack: SSH and Telnet honeypot sessions, as Cowrie's JSON log writes them."""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Pack, ReportSection, SectionStyle
from evidentia.pack.queries import load_queries
from evidentia.pack.schema import load_schema
from evidentia.packs.cowrie.fields import FIELDS
from evidentia.packs.cowrie.kinds import KNOWN_KINDS
from evidentia.packs.cowrie.samples import SAMPLES
from evidentia.packs.cowrie.summaries import SUMMARIES
from evidentia.packs.cowrie.upstream import DOCUMENT

PACK: Final = Pack(
    name="cowrie",
    version=3,
    title="Cowrie honeypot sessions",
    fields=FIELDS,
    schema=load_schema(__name__, name="cowrie.event", version=1),
    known_kinds=KNOWN_KINDS,
    queries=load_queries(__name__),
    report=(
        ReportSection(title="At a glance", query="period_totals", style=SectionStyle.NUMBERS),
        ReportSection(
            title="Events over the period",
            query="period_activity",
            style=SectionStyle.TIMELINE,
            series=("connection_count", "login_count", "command_count", "other_count"),
        ),
        ReportSection(
            title="Logins over the period",
            query="period_logins",
            style=SectionStyle.TIMELINE,
            series=("failure_count", "success_count"),
        ),
        ReportSection(
            title="Top commands",
            query="period_commands",
            style=SectionStyle.BARS,
            note="As typed, but for runs of blanks, and for addresses, which are defanged.",
        ),
        ReportSection(
            title="Top credentials",
            query="period_credentials",
            style=SectionStyle.BARS,
            label_columns=2,
            note="User name and password; a login by public key has no password.",
        ),
        ReportSection(title="Top sources", query="period_sources", style=SectionStyle.BARS),
        ReportSection(
            title="Session depth",
            query="period_depth",
            style=SectionStyle.HISTOGRAM,
            note="How many of the sessions that began in the period had how many commands.",
        ),
        ReportSection(
            title="Downloads",
            query="period_downloads",
            note="What was fetched, what could not be fetched, and what was sent.",
            label_columns=3,
        ),
    ),
    document=DOCUMENT,
    summaries=SUMMARIES,
    samples=SAMPLES,
)
