"""Decisions and gaps, in words and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evidentia.cli.output import Json
from evidentia.cli.plain import shown, shown_time

if TYPE_CHECKING:
    from evidentia.store.sightings import StoredDecision
    from evidentia.store.values import StoredGap

_WORDS = {
    "new": "begins this segment",
    "continued": "goes on with this segment",
    "stale_copy": "holds nothing that is not stored",
    "diverged": "was a copy, holds other lines now, and begins this segment",
    "replaced": "holds other bytes now",
    "gone": "is not there any more",
    "finished": "was read to its end",
}


def decision_text(decision: StoredDecision) -> str:
    """A decision as one line: when, which file, what and why."""
    evidence = json.loads(decision.evidence)
    facts = ", ".join(f"{name} {shown(value)}" for name, value in sorted(evidence.items()))
    name = shown(decision.path).rpartition("/")[2]
    return f"{shown_time(decision.at_us)[:19]}  {name} {_WORDS[decision.kind.value]} ({facts})"


def decision_json(decision: StoredDecision) -> Json:
    """A decision as part of a JSON object."""
    return {
        "at": shown_time(decision.at_us),
        "path": decision.path,
        "segment_id": decision.segment_id,
        "decision": decision.kind.value,
        "evidence": json.loads(decision.evidence),
    }


def gap_text(gap: StoredGap) -> str:
    """A gap as one line: kind, place and what may be missing."""
    return f"gap {gap.kind}: {shown(gap.path)}, byte {gap.byte_offset:,}: {shown(gap.detail)}"


def gap_json(gap: StoredGap) -> Json:
    """A gap as part of a JSON object."""
    return {
        "path": gap.path,
        "segment_id": gap.segment_id,
        "byte_offset": gap.byte_offset,
        "kind": gap.kind,
        "detail": gap.detail,
        "evidence": json.loads(gap.evidence),
        "found": shown_time(gap.found_us),
    }
