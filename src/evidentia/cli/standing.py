"""``evidentia status``: where every log stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from evidentia.cli.decisions import decision_json, decision_text, gap_json, gap_text
from evidentia.cli.output import Json, Output
from evidentia.cli.plain import counted, shown, shown_time
from evidentia.cli.session import Session
from evidentia.pack.command import TableColumn

if TYPE_CHECKING:
    from evidentia.audit.status import SegmentStatus, StoreStatus
    from evidentia.store.lease import Holder

_DECISIONS_SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("status", epilog="Example: evidentia status --json")(status_command)


def status_command(context: typer.Context) -> None:
    """Show where every log stands: stored, held back, not read yet, dead letters, gaps."""
    from evidentia.audit.status import status  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    with session.workspace().store.reader() as reader:
        found = status(reader)
        path = str(reader.path)
    if session.output.is_json:
        session.output.emit({"store": path, **_as_json(found)})
    else:
        session.output.say(f"store {shown(path)}")
        _show(found, session.output)


def _show(found: StoreStatus, output: Output) -> None:
    output.table(
        (
            TableColumn(title="log", is_cut=True),
            TableColumn(title="pack"),
            TableColumn(title="state"),
            TableColumn(title="events", is_number=True),
            TableColumn(title="dead", is_number=True),
            TableColumn(title="not read", is_number=True),
            TableColumn(title="last commit", is_optional=True),
        ),
        [_row(each) for each in found.segments],
    )
    counts = found.counts
    output.say(
        f"{counted(counts.events, 'event')}, {counted(counts.batches, 'batch', 'batches')}, "
        f"{counted(counts.open_dead_letters, 'open dead letter')} of {counts.dead_letters:,}, "
        f"{counted(counts.gaps, 'gap')}"
    )
    for gap in found.gaps:
        output.say(gap_text(gap))
    for copy in found.copies:
        output.say(f"copy: {shown(copy.path)} holds nothing that segment {copy.segment_id} has not")
    _show_decisions(found, output)
    if found.holder is not None:
        output.say(_holder_text(found.holder))


def _show_decisions(found: StoreStatus, output: Output) -> None:
    """What was decided last, but for files that merely began a segment."""
    decisions = sorted(
        (each for segment in found.segments for each in segment.decisions if each.kind != "new"),
        key=lambda each: each.id,
    )
    for decision in decisions[-_DECISIONS_SHOWN:]:
        output.say(f"segment {decision.segment_id}: {decision_text(decision)}")
    if len(decisions) > _DECISIONS_SHOWN:
        more = counted(len(decisions) - _DECISIONS_SHOWN, "earlier decision")
        output.say(f"… and {more}: see 'evidentia status --json'")


def _holder_text(holder: Holder) -> str:
    from evidentia.app import utc_microseconds  # noqa: PLC0415 - start-up time

    owner = holder.owner
    seconds = max(0.0, (utc_microseconds() - holder.heartbeat_us) / 1e6)
    life = {True: "alive", False: "dead: the next run takes over", None: "on another host"}
    return (
        f"held by process {owner.pid} on {shown(owner.host)} "
        f"({shown(owner.command)}, user {shown(owner.actor)}), {life[holder.is_alive]}, "
        f"last heard of {seconds:,.0f} s ago"
    )


def _row(each: SegmentStatus) -> tuple[object, ...]:
    segment = each.segment
    return (
        segment.path.rpartition("/")[2],
        segment.pack,
        segment.state if each.size is not None else f"{segment.state}, file gone",
        each.events,
        each.dead_letters,
        each.lag_bytes,
        shown_time(each.last_commit_us)[:19],
    )


def _as_json(found: StoreStatus) -> Json:
    counts = found.counts
    return {
        "events": counts.events,
        "batches": counts.batches,
        "dead_letters": counts.dead_letters,
        "open_dead_letters": counts.open_dead_letters,
        "gaps": [gap_json(gap) for gap in found.gaps],
        "copies": [
            {"path": copy.path, "segment_id": copy.segment_id, "same_bytes": copy.same_bytes}
            for copy in found.copies
        ],
        "dead_letter_groups": [
            {"reason": reason, "state": state, "count": count}
            for reason, state, count in found.dead_letter_groups
        ],
        "held_by": None if found.holder is None else _holder_json(found.holder),
        "segments": [_segment_json(each) for each in found.segments],
    }


def _holder_json(holder: Holder) -> Json:
    return {
        "pid": holder.owner.pid,
        "host": holder.owner.host,
        "actor": holder.owner.actor,
        "command": holder.owner.command,
        "is_alive": holder.is_alive,
        "heartbeat": shown_time(holder.heartbeat_us),
    }


def _segment_json(each: SegmentStatus) -> Json:
    segment = each.segment
    return {
        "id": segment.id,
        "path": segment.path,
        "pack": segment.pack,
        "state": segment.state.value,
        "compression": segment.compression.value,
        "checkpoint": segment.checkpoint,
        "next_line": segment.next_line,
        "events": each.events,
        "dead_letters": each.dead_letters,
        "size": each.size,
        "lag_bytes": each.lag_bytes,
        "held_back_bytes": segment.tail_bytes,
        "last_commit": shown_time(each.last_commit_us) or None,
        "names": list(each.names),
        "decisions": [decision_json(decision) for decision in each.decisions],
    }
