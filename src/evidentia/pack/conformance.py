"""Whether a pack keeps its contract. Ships to third parties: ``assert_pack_conforms(PACK)``.

Nothing here needs a test framework or a database; a store hands its engine to
``compile_queries`` as a function.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from evidentia.errors import PackError
from evidentia.event.extract import Extractor
from evidentia.event.line import read_line
from evidentia.event.values import Flag, JsonObject, Policy, Verdict
from evidentia.pack.command import command_problems
from evidentia.pack.contract import (
    EventSchema,
    NamedQuery,
    Pack,
    ParameterType,
    ReportSection,
    ResultType,
    Sample,
)
from evidentia.pack.hostility import callable_problems
from evidentia.pack.rollup_problems import rollup_problems
from evidentia.pack.seal_conformance import seal_problems
from evidentia.pack.state import state_problems
from evidentia.pack.state_conformance import reducer_problems
from evidentia.pack.statement import parameter_problems, read_statement
from evidentia.pack.summary import summary_problems
from evidentia.pack.table_problems import database_problems

RESERVED_COLUMNS: Final = frozenset(
    (
        *("id", "batch_id", "log_path", "pack", "line_no", "byte_offset"),
        *("event_id", "ts", "ts_text", "kind", "actor", "session_id"),
        *("payload_json", "raw_json", "sha256", "flags"),
        # Columns that the store keeps behind the public relation.
        *("kind_id", "raw"),
    )
)
"""What ``events`` always has; a pack cannot promote a column of that name."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_NAME_CHARACTERS_MAX: Final = 40
"""PostgreSQL cuts names at 63 bytes; an index needs room for its prefix."""

Arguments = Mapping[str, str | int]
_ARGUMENTS: Final[dict[ParameterType, str | int]] = {
    ParameterType.TEXT: "",
    ParameterType.INTEGER: 1,
    ParameterType.TIME: 0,
}


def check_pack(pack: Pack) -> tuple[str, ...]:
    """Every way in which a pack breaks its contract; empty when it keeps it.

    Whether the queries compile is not among them: see ``compile_queries``.
    """
    return (
        *_pack_problems(pack),
        *_promoted_problems(pack),
        *_schema_problems(pack.schema),
        *_query_problems(pack),
        *_report_problems(pack),
        *_projection_problems(pack),
        *_reading_problems(pack),
        *seal_problems(pack),
        *_doubled("command", _command_names(pack)),
        *command_problems(pack.name, pack.commands),
        *_ledger_problems(pack),
        *(() if pack.database is None else database_problems(pack.database)),
    )


def assert_pack_conforms(pack: Pack) -> None:
    """Return when the pack keeps its contract; for a third party's own tests.

    Raises:
        PackError: It does not; all problems are in the message.
    """
    problems = check_pack(pack)
    if problems:
        raise PackError(
            f"pack {pack.name!r} breaks its contract: {'; '.join(problems)}",
            fix="mend each point and run the check again",
        )


def compile_queries(pack: Pack, run: Callable[[str, Arguments], object]) -> tuple[str, ...]:
    """What an engine said against the pack's queries; empty when all of them run.

    Args:
        pack: The pack.
        run: Runs one statement with its arguments and raises whatever the engine raises.
    """
    problems = []
    for query in pack.queries:
        arguments = {item.name: _ARGUMENTS[item.type] for item in query.parameters}
        try:
            run(query.sql, arguments)
        except Exception as error:  # noqa: BLE001 - each engine has errors of its own
            problems.append(f"query {query.name!r}: {error}")
    return tuple(problems)


def _is_name(name: str) -> bool:
    return len(name) <= _NAME_CHARACTERS_MAX and _NAME.fullmatch(name) is not None


def _pack_problems(pack: Pack) -> Iterator[str]:
    if not _is_name(pack.name):
        yield _bad_name("pack", pack.name)
    if pack.version < 1:
        yield f"version {pack.version} is below 1"
    if not pack.title.strip():
        yield "the title is empty"


def _bad_name(what: str, name: str) -> str:
    return f"{what} {name!r} is no lower-case identifier of at most {_NAME_CHARACTERS_MAX} letters"


def _doubled(what: str, names: list[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{what} {name!r} is declared {count} times"


def _promoted_problems(pack: Pack) -> Iterator[str]:
    names = [column.name for column in pack.fields.promoted]
    yield from _doubled("promoted column", names)
    for column in pack.fields.promoted:
        if not _is_name(column.name):
            yield _bad_name("promoted column", column.name)
        if column.name in RESERVED_COLUMNS:
            yield f"promoted column {column.name!r} is a column that every event has"
        if not column.sources:
            yield f"promoted column {column.name!r} has no source"


def _schema_problems(schema: EventSchema | None) -> Iterator[str]:
    if schema is None:
        return
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - only a check needs it

    try:
        Draft202012Validator(dict(schema.document), retriever=_refuse_to_fetch)
    except ValueError as error:
        yield f"schema {schema.name!r} is no JSON Schema (2020-12): {str(error).splitlines()[0]}"


def _refuse_to_fetch(uri: str) -> JsonObject:
    raise ValueError(f"{uri} lies outside the schema, and a pack fetches nothing")


def _query_problems(pack: Pack) -> Iterator[str]:
    for what, queries in (("query", pack.queries), ("database query", pack.database_queries)):
        yield from _doubled(what, [query.name for query in queries])
        for query in queries:
            if not _is_name(query.name):
                yield _bad_name(what, query.name)
            if not query.columns:
                yield f"{what} {query.name!r} has no columns"
            yield from _statement_problems(query)
    if pack.database_queries and pack.database is None:
        yield "there are queries over a database of its own, and it has none"


def _statement_problems(query: NamedQuery) -> Iterator[str]:
    parameters = [parameter.name for parameter in query.parameters]
    yield from _doubled(f"query {query.name!r}: parameter", parameters)
    yield from _doubled(f"query {query.name!r}: column", [item.name for item in query.columns])
    statement = read_statement(query.sql)
    declared = dict.fromkeys(parameters, 1)
    for problem in (*statement.problems, *parameter_problems(statement, declared)):
        yield f"query {query.name!r}: {problem.text}"


def _report_problems(pack: Pack) -> Iterator[str]:
    documented = () if pack.document is None else pack.document.queries
    asked = [("report document", name) for name in documented]
    yield from _asked_problems(pack.report, asked, pack.queries)
    report = pack.database_report
    if report is not None:
        asked = [("database report", report.counts)]
        yield from _asked_problems(report.sections, asked, pack.database_queries)
        if report.newest not in {query.name for query in pack.database_queries}:
            yield f"database report names no query: {report.newest!r}"


def _asked_problems(
    sections: Sequence[ReportSection],
    asked: Sequence[tuple[str, str]],
    known: Sequence[NamedQuery],
) -> Iterator[str]:
    """What is wrong with the sections of a report, and with what else it asks of a period."""
    queries = {query.name: query for query in known}
    named = [(f"report section {each.title!r}", each.query) for each in sections]
    for what, name in (*named, *asked):
        query = queries.get(name)
        if query is None:
            yield f"{what} names no query: {name!r}"
        else:
            yield from _period_problems(what, query)
    for section in sections:
        if section.query in queries:
            yield from _drawing_problems(section, queries[section.query])


def _period_problems(what: str, query: NamedQuery) -> Iterator[str]:
    types = {parameter.name: parameter.type for parameter in query.parameters}
    for name in ("since", "until"):
        if types.get(name) is not ParameterType.TIME:
            yield f"{what}: query {query.name!r} has no time parameter {name!r}"


def _drawing_problems(section: ReportSection, query: NamedQuery) -> Iterator[str]:
    where = f"report section {section.title!r}"
    types = {column.name: column.type for column in query.columns}
    for name in section.series:
        if types.get(name) not in (ResultType.INTEGER, ResultType.REAL):
            yield f"{where}: query {query.name!r} has no column {name!r} that is a number"
    if not 1 <= section.label_columns <= len(query.columns):
        yield f"{where}: query {query.name!r} does not have {section.label_columns} label columns"


def _projection_problems(pack: Pack) -> Iterator[str]:
    rollups = [rollup for each in pack.summaries for rollup in each.rollups]
    yield from _doubled("projection", [each.name for each in (*pack.projections, *rollups)])
    for each in pack.summaries:
        scores = (score.name for score in each.scores)
        yield from _name_problems("summary", (each.name, *each.columns, *scores))
        for problem in summary_problems(each, pack.fields):
            yield f"summary {each.name!r}: {problem}"
        for rollup in each.rollups:
            yield from _name_problems("rollup", (rollup.name, *rollup.columns))
            for problem in rollup_problems(each, rollup):
                yield f"rollup {rollup.name!r}: {problem}"
    for state in pack.states:
        yield from _name_problems("state", (state.name, *state.column_names))
        for problem in state_problems(state, pack.fields):
            yield f"state {state.name!r}: {problem}"


def _name_problems(what: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if not _is_name(name):
            yield _bad_name(f"{what} or column", name)


def _command_names(pack: Pack) -> list[str]:
    browse = [] if pack.browser is None else ["browse"]
    return [*browse, *(command.name for command in pack.commands)]


_LEDGER_EVENT: Final = b'{"domain_tags":[],"event_type":"a.v1","id":"evt_1","payload":{}}'
"""What of an event of a ledger a store must be able to read, or a mirror does not find it."""


def _ledger_problems(pack: Pack) -> Iterator[str]:
    outcome = read_line(_LEDGER_EVENT, Policy())
    if not any(command.appends for command in pack.commands) or isinstance(outcome, Verdict):
        return
    extractor = Extractor(pack.fields)
    values, _ = extractor.extract(*outcome)
    given = dict(zip(extractor.column_names, values, strict=True))
    if (given["event_id"], given["kind"]) != ("evt_1", "a.v1"):
        yield (
            "its commands append to a ledger, but its field map does not read a ledger's event: "
            "event_id from 'id' and kind from 'event_type'"
        )


def _reading_problems(pack: Pack) -> Iterator[str]:
    read: list[tuple[int, Sample, JsonObject, Flag]] = []
    for number, sample in enumerate(pack.samples, start=1):
        outcome = read_line(sample.line, Policy())
        if isinstance(outcome, Verdict):
            yield f"sample {number} is no event: {outcome.reason}: {outcome.detail}"
        else:
            read.append((number, sample, *outcome))
    events = [event for _, _, event, _ in read]
    unsafe = tuple(callable_problems(pack.fields, events))
    yield from unsafe
    if unsafe:
        return  # Extraction would raise what was just reported.
    yield from reducer_problems(pack, events)
    extractor = Extractor(pack.fields)
    for number, sample, event, flags in read:
        values, _ = extractor.extract(event, flags)
        given = dict(zip(extractor.column_names, values, strict=True))
        yield from _sample_problems(number, sample, given)


def _sample_problems(number: int, sample: Sample, given: Mapping[str, object]) -> Iterator[str]:
    for name, wanted in sample.columns.items():
        if name not in given:
            yield f"sample {number}: there is no column {name!r}"
        elif given[name] != wanted:
            yield f"sample {number}: column {name!r} is {given[name]!r}, not {wanted!r}"
