"""``evidentia query``, ``events``, ``explain`` and ``report``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from evidentia.cli.completion import complete_queries
from evidentia.cli.decisions import decision_json, decision_text
from evidentia.cli.moments import AsOfOption, as_of_json, as_of_text, note_computed
from evidentia.cli.output import Json, Output
from evidentia.cli.plain import shown, shown_time
from evidentia.cli.session import Session
from evidentia.errors import UsageError
from evidentia.pack.command import TableColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from evidentia.audit.explain import Explanation
    from evidentia.pack.contract import NamedQuery
    from evidentia.report.queries import Answer
    from evidentia.store.values import EventFilter, SqlValue

_ID_MAX: Final = 2**63 - 1
_LIMIT_MAX: Final = 1_000_000_000


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("query", epilog="Example: evidentia query recent since=-24h limit=20")(
        query_command
    )
    app.command("events", epilog="Example: evidentia events --kind cowrie.login.success")(
        events_command
    )
    app.command("explain", epilog="Example: evidentia explain /var/log/cowrie/cowrie.json:17")(
        explain_command
    )


def query_command(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A named query.", autocompletion=complete_queries),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="PARAMETER=VALUE", help="Values for its parameters."),
    ] = None,
    is_list: Annotated[
        bool, typer.Option("--list", help="List the queries and their parameters.")
    ] = False,
    timeout_seconds: Annotated[
        float, typer.Option("--timeout", min=0.01, metavar="SECONDS", help="Give up after this.")
    ] = 60.0,
    as_of: AsOfOption = None,
) -> None:
    """Run one of the packs' named queries. There is no way to pass SQL."""
    from evidentia.app import utc_microseconds  # noqa: PLC0415 - start-up time
    from evidentia.report.as_of import read_as_of  # noqa: PLC0415 - start-up time
    from evidentia.report.queries import ask, bind, find_query  # noqa: PLC0415 - start-up time
    from evidentia.store.scope import Scope  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    workspace = session.workspace()
    if is_list or name is None:
        found = [(pack.name, each) for pack in workspace.packs.values() for each in pack.queries]
        list_queries(found, session.output)
        return
    query = find_query(name, workspace.packs)
    given = assignments(values or [])
    now = utc_microseconds()
    deadline = time.monotonic() + timeout_seconds
    with workspace.store.reader() as reader:
        moment = read_as_of(reader, as_of, now)
        # What is asked as of a batch is answered alike at any later time.
        bound = bind(query, given, now if moment.is_newest else moment.committed_us)
        is_over = lambda: time.monotonic() > deadline  # noqa: E731 - a clock and nothing else
        packs = list(workspace.packs.values())
        answer = ask(reader, query, bound, is_over, Scope(as_of=moment), packs)
    note_computed(dict(answer.computed), session.output)
    if session.output.is_json:
        session.output.emit({**answer_json(answer), "as_of": as_of_json(moment)})
    else:
        title = query.title if moment.is_newest else f"{query.title}, {as_of_text(moment)}"
        session.output.say(title)
        show_answer(answer, session.output)


def assignments(values: list[str]) -> dict[str, str]:
    """The values that are given to parameters, by their names.

    Raises:
        UsageError: One is not of the form PARAMETER=VALUE.
    """
    pairs = [value.partition("=") for value in values]
    wrong = [value for value, (_name, mark, _text) in zip(values, pairs, strict=True) if not mark]
    if wrong:
        raise UsageError(
            f"not of the form PARAMETER=VALUE: {', '.join(wrong)}",
            fix="for example since=-24h; see 'evidentia query --list'",
        )
    return {name: text for name, _mark, text in pairs}


def list_queries(found: Sequence[tuple[str, NamedQuery]], output: Output) -> None:
    """Named queries with their packs, for people or as one JSON object."""
    if output.is_json:
        output.emit(
            {
                "queries": [
                    {
                        "name": query.name,
                        "pack": pack,
                        "title": query.title,
                        "description": query.description,
                        "parameters": {
                            each.name: {
                                "type": each.type.value,
                                "default": each.default,
                                "description": each.description,
                            }
                            for each in query.parameters
                        },
                    }
                    for pack, query in found
                ]
            }
        )
        return
    output.table(
        (
            TableColumn(title="query"),
            TableColumn(title="pack"),
            TableColumn(title="parameters"),
            TableColumn(title="answers", is_cut=True),
        ),
        [
            (
                query.name,
                pack,
                " ".join(each.name for each in query.parameters),
                query.title,
            )
            for pack, query in found
        ],
    )


def show_answer(answer: Answer, output: Output) -> None:
    """A result as a table for people."""
    if not answer.rows:
        output.say("(no rows)")
        return
    columns = [
        TableColumn(title=column.title, is_number=column.type.value in ("integer", "real"))
        for column in answer.columns
    ]
    times = [column.type.value == "time" for column in answer.columns]
    output.records(
        columns, [[_shown(*pair) for pair in zip(row, times, strict=True)] for row in answer.rows]
    )


def _shown(value: SqlValue, is_time: bool) -> str:
    if value is None:
        return ""
    return f"{_time(value)[:19]}Z" if is_time else shown(value)


def _time(value: SqlValue) -> str:
    return shown_time(value) if isinstance(value, int) else ""


def answer_json(answer: Answer) -> Json:
    """A result as part of a JSON object; times as ISO 8601."""
    names = [column.name for column in answer.columns]
    times = {column.name for column in answer.columns if column.type.value == "time"}
    return {
        "query": answer.query.name,
        "title": answer.query.title,
        "parameters": dict(answer.values),
        "columns": [
            {"name": column.name, "type": column.type.value, "title": column.title}
            for column in answer.columns
        ],
        "rows": [
            {
                name: _time(value) or None if name in times else value
                for name, value in zip(names, row, strict=True)
            }
            for row in answer.rows
        ],
    }


def events_command(
    context: typer.Context,
    kind: Annotated[str | None, typer.Option(metavar="KIND", help="Only this kind.")] = None,
    session_id: Annotated[
        str | None, typer.Option("--session", metavar="ID", help="Only this session.")
    ] = None,
    actor: Annotated[str | None, typer.Option(metavar="ACTOR", help="Only this actor.")] = None,
    event_id: Annotated[
        str | None, typer.Option("--event-id", metavar="ID", help="Only the writer's id.")
    ] = None,
    log: Annotated[str | None, typer.Option(metavar="PATH", help="Only from this file.")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Not before, e.g. 2026-01-31 or -24h.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Before.")] = None,
    after_id: Annotated[
        int | None, typer.Option(max=_ID_MAX, metavar="ID", help="Only positions above this.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=_LIMIT_MAX, metavar="N", help="At most so many.")
    ] = 50,
    as_of: AsOfOption = None,
) -> None:
    """List events in the order of the evidence, filtered by column.

    Also lists a database of the stand-alone projector (--db evidence/derived/events.db), which is
    opened read-only.
    """
    from evidentia.app import utc_microseconds  # noqa: PLC0415 - start-up time
    from evidentia.report.queries import read_time  # noqa: PLC0415 - start-up time
    from evidentia.store.values import EventFilter  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    now = utc_microseconds()

    def filter_at(moment_us: int) -> EventFilter:
        return EventFilter(
            kind=kind,
            session_id=session_id,
            actor=actor,
            event_id=event_id,
            log_path=None if log is None else str(Path(log).resolve()),
            since_us=None if since is None else read_time(since, moment_us),
            until_us=None if until is None else read_time(until, moment_us),
            after_id=after_id,
            limit=limit,
        )

    found = _find_events(session, filter_at, as_of, now)
    if session.output.is_json:
        session.output.emit({"events": found})
        return
    session.output.table(
        (
            TableColumn(title="time"),
            TableColumn(title="kind"),
            TableColumn(title="actor"),
            TableColumn(title="log:line", is_optional=True),
            TableColumn(title="session", is_optional=True),
            TableColumn(title="payload", is_cut=True, is_optional=True),
        ),
        [
            (
                shown(event.get("ts_text") or event.get("ts"))[:19],
                event["kind"],
                event["actor"],
                _line_place(event),
                event.get("session_id"),
                shown(event["payload_json"], width=200),
            )
            for event in found
        ],
    )
    if len(found) == limit:
        session.output.say(
            f"the first {limit:,}; go on with --after-id {shown(found[-1]['id'])} or raise --limit"
        )


def _line_place(event: Mapping[str, SqlValue]) -> str:
    return f"{shown(event['log_path']).rpartition('/')[2]}:{shown(event['line_no'])}"


def _find_events(
    session: Session, filter_at: Callable[[int], EventFilter], as_of: str | None, now: int
) -> list[Mapping[str, SqlValue]]:
    from evidentia.report.as_of import read_as_of  # noqa: PLC0415 - start-up time
    from evidentia.store.projector import (  # noqa: PLC0415 - start-up time
        is_projector_database,
        list_projected_events,
    )
    from evidentia.store.scope import Scope  # noqa: PLC0415 - start-up time

    store = session.config().store
    if is_projector_database(store.path):
        if as_of is not None:
            raise UsageError(
                "the stand-alone projector's database has no batches",
                where="--as-of",
                fix="ask it without --as-of",
            )
        return list(list_projected_events(store.path, filter_at(now)))
    with store.reader() as reader:
        moment = read_as_of(reader, as_of, now)
        wanted = filter_at(now if moment.is_newest else moment.committed_us)
        return list(reader.list_events(wanted, Scope(as_of=moment)))


def explain_command(
    context: typer.Context,
    place: Annotated[str, typer.Argument(metavar="FILE:LINE", help="A line of a log.")],
) -> None:
    """Say what became of one line of a log, and why."""
    from evidentia.audit.explain import explain  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    path, mark, number = place.rpartition(":")
    if not mark or not number.isascii() or not number.isdigit():
        raise UsageError(
            f"{place!r} is not FILE:LINE", fix="for example /var/log/cowrie/cowrie.json:17"
        )
    with session.workspace().store.reader() as reader:
        found = explain(reader, Path(path), int(number))
    if session.output.is_json:
        session.output.emit(_explanation_json(found))
    else:
        _show_explanation(found, session.output)


def _show_explanation(found: Explanation, output: Output) -> None:
    output.say(f"{shown(found.path)}:{found.line_no} is {_FATES[found.fate.value]}")
    for name, value in _facts(found):
        output.say(f"  {name:<10} {shown(value, width=1000)}")


def _facts(found: Explanation) -> Iterator[tuple[str, object]]:
    yield "because", found.because
    if found.byte_offset is not None:
        yield "place", f"segment {found.segment_id}, byte {found.byte_offset:,}"
    if found.position is not None:
        yield "id", found.position
    if found.batch_id is not None:
        yield "batch", f"{found.batch_id}, committed {shown_time(found.committed_us)}"
    yield from (("flag", flag) for flag in found.flags)
    yield from (("schema", finding) for finding in found.findings)
    for name, value in found.columns:
        if value is not None:
            yield name, shown_time(value) if name == "ts" and isinstance(value, int) else value
    if found.raw is not None:
        yield "raw", found.raw
    for decision in found.decisions:
        yield "past", decision_text(decision)


_FATES = {
    "event": "an event",
    "dead_letter": "a dead letter",
    "blank": "blank",
    "held_back": "held back",
    "not_ingested": "not in the store",
}


def _explanation_json(found: Explanation) -> Json:
    return {
        "fate": found.fate.value,
        "path": found.path,
        "line_no": found.line_no,
        "because": found.because,
        "segment_id": found.segment_id,
        "byte_offset": found.byte_offset,
        "id": found.position,
        "batch_id": found.batch_id,
        "committed": shown_time(found.committed_us) or None,
        "flags": list(found.flags),
        "schema_findings": list(found.findings),
        "columns": dict(found.columns),
        "raw": found.raw,
        "decisions": [decision_json(decision) for decision in found.decisions],
    }
