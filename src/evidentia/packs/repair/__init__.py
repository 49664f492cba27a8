"""The ``repair`` pack: conversations whose messages lost their parents, and what mends them.

The names below are the public functions and values for those who write programs:

- events: ``RepairEvent``, ``generate_event_id``, ``create_repair_event``, ``create_revert_event``,
  ``draft_of``, ``read_repair_event``, ``standing_of``, ``update_event`` and ``delete_event``, which
  refuse;
- replay: ``replay_repair_events``, ``events_until``, ``Replay``, ``calculate_session_digest``,
  ``validate_event_immutability``, ``preview_event``, ``dependents_of``;
- exports: ``export_event_log``, ``export_document``, ``verify_export``;
- conversations: ``read_conversations``, ``with_parents``, ``suggest_parents``, ``Suggester``,
  ``validate_repair``, ``render_lines``.
"""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Pack, ReportSection, SectionStyle
from evidentia.pack.queries import load_queries
from evidentia.pack.schema import load_schema
from evidentia.packs.repair.browsing import BROWSER
from evidentia.packs.repair.commands import COMMANDS
from evidentia.packs.repair.export import export_document as export_document
from evidentia.packs.repair.export import export_event_log as export_event_log
from evidentia.packs.repair.export import verify_export as verify_export
from evidentia.packs.repair.fields import FIELDS, KNOWN_KINDS
from evidentia.packs.repair.reading import read_conversations as read_conversations
from evidentia.packs.repair.reading import with_parents as with_parents
from evidentia.packs.repair.render import render_lines as render_lines
from evidentia.packs.repair.repair_event import ImmutableEventError as ImmutableEventError
from evidentia.packs.repair.repair_event import RepairEvent as RepairEvent
from evidentia.packs.repair.repair_event import create_revert_event as create_revert_event
from evidentia.packs.repair.repair_event import delete_event as delete_event
from evidentia.packs.repair.repair_event import draft_of as draft_of
from evidentia.packs.repair.repair_event import generate_event_id as generate_event_id
from evidentia.packs.repair.repair_event import update_event as update_event
from evidentia.packs.repair.replay import Replay as Replay
from evidentia.packs.repair.replay import calculate_session_digest as calculate_session_digest
from evidentia.packs.repair.replay import events_until as events_until
from evidentia.packs.repair.replay import replay_repair_events as replay_repair_events
from evidentia.packs.repair.replay import (
    validate_event_immutability as validate_event_immutability,
)
from evidentia.packs.repair.reverting import Preview as Preview
from evidentia.packs.repair.reverting import dependents_of as dependents_of
from evidentia.packs.repair.reverting import preview_event as preview_event
from evidentia.packs.repair.rows import read_repair_event as read_repair_event
from evidentia.packs.repair.rows import standing_of as standing_of
from evidentia.packs.repair.samples import SAMPLES
from evidentia.packs.repair.scoring import Candidate as Candidate
from evidentia.packs.repair.session_state import SESSIONS_MATERIALIZED
from evidentia.packs.repair.suggest import Suggester as Suggester
from evidentia.packs.repair.suggest import suggest_parents as suggest_parents
from evidentia.packs.repair.validation import Decision as Decision
from evidentia.packs.repair.validation import create_repair_event as create_repair_event
from evidentia.packs.repair.validation import validate_repair as validate_repair
from evidentia.packs.repair.values import ReplayResult as ReplayResult
from evidentia.packs.repair.values import ValidationResult as ValidationResult

PACK: Final = Pack(
    name="repair",
    version=1,
    title="Conversation repair",
    fields=FIELDS,
    schema=load_schema(__name__, name="repair.row", version=1),
    known_kinds=KNOWN_KINDS,
    queries=load_queries(__name__),
    report=(
        ReportSection(title="Rows by kind", query="conversation_kinds", style=SectionStyle.BARS),
        ReportSection(title="Conversations", query="conversation_sessions"),
        ReportSection(
            title="Repairs by operator", query="repair_operators", style=SectionStyle.BARS
        ),
        ReportSection(
            title="Digests of repair events",
            query="repair_digests",
            style=SectionStyle.BARS,
            note="Events without a known time are in every period.",
        ),
    ),
    states=(SESSIONS_MATERIALIZED,),
    samples=SAMPLES,
    commands=COMMANDS,
    browser=BROWSER,
)
