"""From a payload to an event of the pipeline's ledger, and from such an event to rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from evidentia.errors import RejectionError
from evidentia.event.envelope import Draft
from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.tables import Cell, LedgerEvent, Refusal, TableRow
from evidentia.packs.pipeline.kinds import (
    BY_EVENT_TYPE,
    MEMORY,
    METRIC,
    PREFIX,
    RECEIPT,
    SLO,
    RecordKind,
)
from evidentia.packs.pipeline.mapped_values import MAPPED_VALUES
from evidentia.packs.pipeline.members import (
    Member,
    MemberType,
    json_text,
    problems_of,
    time_text,
    timestamp_text,
)
from evidentia.packs.pipeline.tables import AGENT_MEMORY_HISTORY
from evidentia.packs.pipeline.vocabulary import Rule, Vocabulary

UNKNOWN_TYPE: Final = "unknown_type"
MALFORMED: Final = "malformed"
UNMAPPED_VALUE: Final = "unmapped_value"


def draft_of(kind: RecordKind, payload: JsonValue, *, event_id: str | None = None) -> Draft:
    """The event of a record, which keeps its words as they are.

    A word that no rule maps is no reason to refuse it here: the ledger keeps it, and the database
    says why no row came of it.

    Raises:
        RejectionError: The payload has no such members. All its problems are in the one error.
    """
    problems = problems_of(payload, kind.members)
    if problems or not isinstance(payload, dict):
        raise RejectionError(
            "; ".join(problems),
            where=f"{kind.name} record",
            fix=f"see 'evidentia pipeline record {kind.name} --help' for its members",
        )
    stated = payload.get("timestamp")
    return Draft(
        event_type=kind.event_type,
        # A member without a value says the same as one that is not there.
        payload={name: value for name, value in payload.items() if value is not None},
        id=event_id,
        observed_at=stated if isinstance(stated, str) else None,
    )


def rows_of(event: LedgerEvent) -> tuple[TableRow, ...] | Refusal:
    """The rows that an event of the ledger becomes, or why it becomes none.

    An event of another program, or of the ledger itself, becomes no rows. Whether a key is taken or
    refers to nothing is for the database to say.
    """
    if not event.event_type.startswith(PREFIX):
        return ()
    kind = BY_EVENT_TYPE.get(event.event_type)
    if kind is None:
        return Refusal(reason=UNKNOWN_TYPE, detail=f"there is no record {event.event_type!r}")
    payload = event.payload
    problems = problems_of(payload, kind.members)
    if problems or not isinstance(payload, dict):
        return Refusal(reason=MALFORMED, detail="; ".join(problems))
    unknown = "; ".join(_word_problems(payload, kind.members))
    if unknown:
        return Refusal(reason=UNMAPPED_VALUE, detail=unknown)
    return tuple(_rows(payload, kind))


def _rows(payload: JsonObject, kind: RecordKind) -> Iterator[TableRow]:
    values = _columns(payload, kind)
    yield TableRow(table=kind.table, values=values)
    if kind is MEMORY:
        yield TableRow(table=AGENT_MEMORY_HISTORY.name, values=values)
    key = str(values[kind.key])
    yield from _mapped_values(payload, kind, key)
    for name, part_kind in _PARTS.items() if kind is RECEIPT else ():
        for part in _part_objects(payload, name):
            whole = {
                "timestamp": payload["timestamp"],
                **{name: value for name, value in part.items() if value is not None},
                kind.key: key,
            }
            yield TableRow(table=part_kind.table, values=_columns(whole, part_kind))
            yield from _mapped_values(part, part_kind, key)


_PARTS: Final = {"stages": METRIC, "slo_violations": SLO}


def _part_objects(payload: JsonObject, name: str) -> Iterator[JsonObject]:
    parts = payload.get(name)
    if isinstance(parts, list):
        yield from (part for part in parts if isinstance(part, dict))


def _columns(payload: JsonObject, kind: RecordKind) -> dict[str, Cell]:
    """A checked payload by column."""
    values = {
        member.name: _cell(member, payload.get(member.name))
        for member in kind.members
        if member.has_column and not (kind.is_partial and payload.get(member.name) is None)
    }
    if kind is RECEIPT and values["receipt_json"] is None:
        values["receipt_json"] = json_text(payload)
    return values


def _word_problems(
    payload: JsonObject, members: tuple[Member, ...], place: str = ""
) -> Iterator[str]:
    for member, words, stated in _words(payload, members):
        if words.find(stated) is None:
            yield f"{place}{member.name} {stated!r} is none of {words}, and no rule maps it"
    for member in members:
        for number, part in enumerate(_part_objects(payload, member.name) if member.parts else ()):
            yield from _word_problems(part, member.parts, f"{place}{member.name}[{number}].")


def _words(
    payload: JsonObject, members: tuple[Member, ...]
) -> Iterator[tuple[Member, Vocabulary, str]]:
    """The members with a vocabulary, each with the word that is stated for it."""
    for member in members:
        stated = payload.get(member.name)
        if member.vocabulary is not None and isinstance(stated, str):
            yield member, member.vocabulary, stated


def _cell(member: Member, value: JsonValue) -> Cell:
    """A checked member as its column holds it."""
    if value is None:
        return member.default
    if isinstance(value, str):
        return _text_cell(member, value)
    if isinstance(value, dict | list):
        return json_text(value)
    # The column is REAL, and an integer there would be another value to a digest.
    return float(value) if member.type is MemberType.NUMBER else value


def _text_cell(member: Member, value: str) -> str:
    if member.type is MemberType.TIME:
        return time_text(value)
    if member.type is MemberType.TIMESTAMP:
        return timestamp_text(value)
    word = None if member.vocabulary is None else member.vocabulary.find(value)
    return value if word is None else word.value


def _mapped_values(payload: JsonObject, kind: RecordKind, key: str) -> Iterator[TableRow]:
    for member, words, stated in _words(payload, kind.members):
        word = words.find(stated)
        if word is not None and word.rule is not Rule.AS_STATED and member.has_column:
            yield TableRow(
                table=MAPPED_VALUES.name,
                values={
                    "table_name": kind.table,
                    "row_key": key,
                    "column_name": member.name,
                    "stated_value": stated,
                    "stored_value": word.value,
                    "rule": word.rule.value,
                },
            )
