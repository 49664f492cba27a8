"""``evidentia status``: where every log stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from evidentia.cli.output import Column, Json, Output
from evidentia.cli.plain import counted, shown, shown_time
from evidentia.cli.session import Session

if TYPE_CHECKING:
    from evidentia.audit.status import SegmentStatus, StoreStatus


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
            Column(title="log", is_cut=True),
            Column(title="pack"),
            Column(title="state"),
            Column(title="events", is_number=True),
            Column(title="dead", is_number=True),
            Column(title="not read", is_number=True),
            Column(title="last commit", is_optional=True),
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
        output.say(f"gap: {shown(gap.path)}, byte {gap.byte_offset:,}: {shown(gap.detail)}")
    if found.holder is not None:
        holder = found.holder
        output.say(
            f"held by process {holder.pid} on {shown(holder.host)} "
            f"({shown(holder.command)}, user {shown(holder.actor)})"
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
        "gaps": [
            {
                "path": gap.path,
                "byte_offset": gap.byte_offset,
                "kind": gap.kind,
                "detail": gap.detail,
                "found": shown_time(gap.found_us),
            }
            for gap in found.gaps
        ],
        "dead_letter_groups": [
            {"reason": reason, "state": state, "count": count}
            for reason, state, count in found.dead_letter_groups
        ],
        "held_by": None
        if found.holder is None
        else {"pid": found.holder.pid, "host": found.holder.host, "actor": found.holder.actor},
        "segments": [_segment_json(each) for each in found.segments],
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
    }
