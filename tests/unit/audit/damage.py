"""Ways to damage a store, and what must be found."""

from __future__ import annotations

from dataclasses import dataclass

from evidentia.audit.values import FindingKind

_EVENT = "(SELECT id FROM event_rows ORDER BY id LIMIT 1 OFFSET 5)"
_LETTER = "(SELECT id FROM dead_letter_rows ORDER BY id LIMIT 1 OFFSET 2)"
_LONG = "(SELECT id FROM dead_letter_rows WHERE raw IS NULL)"
_FILLER = "(SELECT id FROM fillers WHERE kind = 'blank' LIMIT 1)"
_COPIED = (
    "line_no, kind_id, raw, sha256, flags, event_id, ts, ts_text, actor, session_id, payload_json"
)
_MIDDLE = "(SELECT id FROM batches ORDER BY id LIMIT 1 OFFSET 2)"
_LAST = "(SELECT max(id) FROM batches)"
_LETTER_COLUMNS = "batch_id, line_no, reason, column_no, detail, raw, length, has_newline, sha256"
_ADD_EVENT = (
    f"INSERT INTO event_rows (id, batch_id, {_COPIED}) "  # noqa: S608 - constants
    f"SELECT id + 1, batch_id, {_COPIED} FROM event_rows WHERE id = {_EVENT}"
)
_ADD_STRAY_EVENT = (
    f"INSERT INTO event_rows (id, batch_id, {_COPIED}) "  # noqa: S608 - constants
    f"SELECT id + (1 << 41), 77, {_COPIED} FROM event_rows WHERE id = {_EVENT}"
)
_ADD_LETTER = (
    f"INSERT INTO dead_letter_rows (id, {_LETTER_COLUMNS}) "  # noqa: S608 - constants
    f"SELECT id + 1, {_LETTER_COLUMNS} FROM dead_letter_rows WHERE id = {_LETTER}"
)
_TAKE_BACK = (
    f"UPDATE segments SET checkpoint = (SELECT byte_start FROM batches WHERE id = {_LAST}),"  # noqa: S608 - constants
    f" next_line = (SELECT first_line FROM batches WHERE id = {_LAST})"
)


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Statements that somebody runs behind the program's back.

    Attributes:
        kinds: The findings that ``verify --deep`` must have among its own.
        is_shallow: ``verify`` without ``--deep`` finds something as well.
    """

    name: str
    statements: tuple[str, ...]
    kinds: tuple[FindingKind, ...]
    is_shallow: bool = False


def _update(table: str, change: str, row: str) -> tuple[str, ...]:
    return (f"UPDATE {table} SET {change} WHERE id = {row}",)  # noqa: S608 - constants


def _event(name: str, change: str, kind: FindingKind = FindingKind.COLUMN) -> Damage:
    return Damage(name=name, statements=_update("event_rows", change, _EVENT), kinds=(kind,))


def _letter(name: str, change: str, row: str = _LETTER) -> Damage:
    return Damage(
        name=name,
        statements=_update("dead_letter_rows", change, row),
        kinds=(FindingKind.MISMATCHED,),
    )


def _gone(name: str, table: str, row: str, kind: FindingKind) -> Damage:
    return Damage(
        name=name,
        statements=(f"DELETE FROM {table} WHERE id = {row}",),  # noqa: S608 - constants
        kinds=(kind, FindingKind.COUNT),
        is_shallow=True,
    )


REPAIRABLE: tuple[Damage, ...] = (
    _event("an edited raw", "raw = CAST(raw || x'20' AS BLOB)", FindingKind.MISMATCHED),
    _event("an edited hash", "sha256 = zeroblob(32)", FindingKind.MISMATCHED),
    _event("an edited actor", "actor = 'somebody else'"),
    _event("an edited time", "ts = ts + 1"),
    _event("an edited time text", "ts_text = 'then'"),
    _event("an edited payload", "payload_json = '{}'"),
    _event("an edited event id", "event_id = NULL"),
    _event("an edited session", "session_id = 'x'"),
    _event("an edited promoted column", "level = 99"),
    _event("a filled column of another pack", "shade = 'dark'"),
    _event("an edited line number", "line_no = 999"),
    _event("edited flags", "flags = 1024"),
    Damage(
        name="an edited kind",
        statements=(
            "INSERT INTO kinds (name) VALUES ('harmless')",
            *_update("event_rows", "kind_id = (SELECT max(id) FROM kinds)", _EVENT),
        ),
        kinds=(FindingKind.COLUMN,),
    ),
    _gone("a deleted event", "event_rows", _EVENT, FindingKind.MISSING_IN_STORE),
    Damage(
        name="an added event",
        statements=(_ADD_EVENT,),
        kinds=(FindingKind.MISSING_IN_LOG, FindingKind.COUNT),
        is_shallow=True,
    ),
    _letter("a dead letter's edited raw", "raw = CAST(raw || x'20' AS BLOB)"),
    _letter("a dead letter without its raw", "raw = NULL"),
    _letter("a dead letter's edited hash", "sha256 = zeroblob(32)"),
    _letter("a dead letter's edited line number", "line_no = 999"),
    _letter("a dead letter's edited length", "length = length + 1"),
    _letter("a dead letter's edited newline", "has_newline = 0"),
    _letter("a long line's edited hash", "sha256 = zeroblob(32)", _LONG),
    _letter("a long line's edited length", "length = 7", _LONG),
    _gone("a deleted dead letter", "dead_letter_rows", _LETTER, FindingKind.MISSING_IN_STORE),
    _gone("a deleted long line", "dead_letter_rows", _LONG, FindingKind.MISSING_IN_STORE),
    Damage(
        name="an added dead letter",
        statements=(_ADD_LETTER,),
        kinds=(FindingKind.MISSING_IN_LOG, FindingKind.COUNT),
        is_shallow=True,
    ),
    _gone("a deleted filler", "fillers", _FILLER, FindingKind.MISMATCHED),
    Damage(
        name="an edited filler",
        statements=_update("fillers", "raw = CAST(x'09' || substr(raw, 2) AS BLOB)", _FILLER),
        kinds=(FindingKind.MISMATCHED,),
    ),
    Damage(
        name="a deleted schema finding",
        statements=("DELETE FROM schema_findings",),
        kinds=(FindingKind.COLUMN,),
    ),
    Damage(
        name="an edited schema finding",
        statements=("UPDATE schema_findings SET message = 'all is well'",),
        kinds=(FindingKind.COLUMN,),
    ),
    Damage(
        name="an added schema finding",
        statements=(f"INSERT INTO schema_findings VALUES ({_EVENT}, 'plain.event/1', 'no')",),  # noqa: S608 - constants
        kinds=(FindingKind.COLUMN,),
    ),
)
"""What a replay of the log mends."""

LASTING: tuple[Damage, ...] = (
    Damage(
        name="a batch with another digest",
        statements=_update("batches", "digest = zeroblob(32)", _MIDDLE),
        kinds=(FindingKind.CHAIN, FindingKind.LOG_CHANGED),
        is_shallow=True,
    ),
    Damage(
        name="a batch with another time",
        statements=_update("batches", "committed_us = committed_us - 1", _MIDDLE),
        kinds=(FindingKind.CHAIN,),
        is_shallow=True,
    ),
    Damage(
        name="a batch with another range",
        statements=_update("batches", "byte_end = byte_end + 1", _MIDDLE),
        kinds=(FindingKind.CHAIN, FindingKind.TILING),
        is_shallow=True,
    ),
    Damage(
        name="a removed batch",
        statements=(f"DELETE FROM batches WHERE id = {_MIDDLE}",),  # noqa: S608 - constants
        kinds=(FindingKind.CHAIN, FindingKind.TILING, FindingKind.COUNT),
        is_shallow=True,
    ),
    Damage(
        name="a removed last batch",
        statements=(f"DELETE FROM batches WHERE id = {_LAST}",),  # noqa: S608 - constants
        kinds=(FindingKind.TILING, FindingKind.COUNT),
        is_shallow=True,
    ),
    Damage(
        name="a removed last batch with the checkpoint taken back",
        statements=(
            _TAKE_BACK,
            f"DELETE FROM batches WHERE id = {_LAST}",  # noqa: S608 - constants
        ),
        kinds=(FindingKind.COUNT,),
        is_shallow=True,
    ),
    Damage(
        name="a checkpoint that is ahead",
        statements=("UPDATE segments SET checkpoint = checkpoint + 1",),
        kinds=(FindingKind.TILING,),
        is_shallow=True,
    ),
    Damage(
        name="a removed segment",
        statements=("DELETE FROM segments",),
        kinds=(FindingKind.TILING,),
        is_shallow=True,
    ),
    Damage(
        name="an event in no batch",
        statements=(_ADD_STRAY_EVENT,),
        kinds=(FindingKind.COUNT,),
        is_shallow=True,
    ),
)
"""What a replay cannot mend, because the store's own records are damaged."""
