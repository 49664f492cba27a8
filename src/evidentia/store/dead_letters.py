"""The dead-letter desk: attempts are counted, outcomes recorded, bytes never touched."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from evidentia.errors import StoreError, UsageError
from evidentia.store.batches import insert_events, insert_findings
from evidentia.store.schema import DEAD_LETTER_ROWS, EVENT_ROW_COLUMNS
from evidentia.store.values import SchemaFinding, SqlValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """What reading a dead letter's bytes again gave.

    Attributes:
        event: The event's tuple (``EVENT_ROW_COLUMNS`` then ``promoted``), or None when the line
            still is no event.
        reason: The verdict's reason, column and detail, when it still is no event.
        findings: What the pack's schema says of the event.
    """

    event: tuple[SqlValue, ...] | None
    promoted: tuple[str, ...] = ()
    reason: str = ""
    column_no: int = 0
    detail: str = ""
    findings: tuple[SchemaFinding, ...] = ()

    @property
    def outcome(self) -> str:
        """One word for the record: ``recovered``, or the reason that still holds."""
        return "recovered" if self.event else self.reason


def record_retry(connection: Connection, position: int, retry: Retry, now_us: int) -> None:
    """Count an attempt; where it gave an event, store it at the dead letter's own position.

    Raises:
        UsageError: There is no open dead letter at that position.
        StoreError: The event stands elsewhere.
    """
    batch_id = _open_letter(connection, position)
    if retry.event and retry.event[0] != position:
        raise StoreError(
            "an event that a retry gives stands at the dead letter's own position",
            where=f"position {position}",
            fix="this is a defect of the program: please report it",
        )
    changes: dict[str, object] = {"attempts": DEAD_LETTER_ROWS.c.attempts + 1}
    if retry.event:
        names = (*EVENT_ROW_COLUMNS, *retry.promoted)
        insert_events(connection, names, [retry.event], batch_id=batch_id)
        insert_findings(connection, retry.findings)
        changes |= {"state": "recovered", "resolved_us": now_us, "resolution": "read on retry"}
    else:
        changes |= {
            "reason": retry.reason,
            "column_no": retry.column_no,
            "detail": retry.detail,
        }
    connection.execute(
        update(DEAD_LETTER_ROWS).where(DEAD_LETTER_ROWS.c.id == position).values(changes)
    )


def resolve(connection: Connection, position: int, reason: str, actor: str, now_us: int) -> None:
    """Mark an open dead letter as dealt with.

    Raises:
        UsageError: There is no open dead letter at that position.
    """
    _open_letter(connection, position)
    connection.execute(
        update(DEAD_LETTER_ROWS)
        .where(DEAD_LETTER_ROWS.c.id == position)
        .values(state="resolved", resolution=reason, resolved_by=actor, resolved_us=now_us)
    )


def _open_letter(connection: Connection, position: int) -> int:
    query = select(DEAD_LETTER_ROWS.c.batch_id, DEAD_LETTER_ROWS.c.state).where(
        DEAD_LETTER_ROWS.c.id == position
    )
    row = connection.execute(query).first()
    if row is None:
        raise UsageError(
            f"there is no dead letter {position}", fix="list them: evidentia dead-letters list"
        )
    if row.state != "open":
        raise UsageError(f"dead letter {position} is {row.state} already")
    return int(row.batch_id)
