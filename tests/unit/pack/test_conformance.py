"""What the check of a pack finds, for our own packs and for third parties'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import cast

import pytest

from evidentia.errors import PackError
from evidentia.event.fieldmap import AllExcept, ColumnType, FieldMap, PromotedColumn, Source
from evidentia.event.values import JsonObject, JsonValue
from evidentia.pack.conformance import (
    RESERVED_COLUMNS,
    assert_pack_conforms,
    check_pack,
    compile_queries,
)
from evidentia.pack.contract import (
    DatabaseReport,
    EventSchema,
    NamedQuery,
    Pack,
    ParameterType,
    QueryParameter,
    ReportSection,
    ResultColumn,
    ResultType,
    Sample,
)


def _parameter(name: str, kind: ParameterType = ParameterType.TIME) -> QueryParameter:
    return QueryParameter(name=name, type=kind, default="-1h", description="When.")


def _column(name: str, *sources: Source) -> PromotedColumn:
    return PromotedColumn(name=name, type=ColumnType.TEXT, sources=sources)


QUERY = NamedQuery(
    name="doors",
    title="Doors",
    description="Doors in a period.",
    parameters=(_parameter("since"), _parameter("until")),
    columns=(ResultColumn(name="door", type=ResultType.TEXT, title="Door"),),
    sql="SELECT door FROM events WHERE ts >= :since AND ts < :until",
)
FIELDS = FieldMap(
    kind=("what", lambda event: event.get("sort")),
    actor=(("badge", "holder"),),
    payload=("detail",),
    promoted=(_column("door", "door"),),
)
PACK = Pack(
    name="acme",
    version=1,
    title="Acme badge reader",
    fields=FIELDS,
    schema=EventSchema(name="acme.event", version=1, document={"type": "object"}),
    queries=(QUERY,),
    report=(ReportSection(title="Doors", query="doors"),),
    samples=(
        Sample(
            line=b'{"what":"opened","door":"east","badge":{"holder":"ada"}}',
            columns={"kind": "opened", "door": "east", "actor": "ada", "event_id": None},
        ),
    ),
)


def _with_promoted(*columns: PromotedColumn) -> Pack:
    return replace(PACK, fields=replace(FIELDS, promoted=(*FIELDS.promoted, *columns)))


def test_a_good_pack_has_no_problems() -> None:
    """A pack that keeps the contract passes both forms of the check."""
    problems = check_pack(PACK)
    assert_pack_conforms(PACK)

    assert problems == ()


def test_the_smallest_pack_has_no_problems() -> None:
    """Schema, queries, report and samples are offers, not duties."""
    fields = FieldMap(kind=("kind",), payload=AllExcept(keys=frozenset({"kind"})))

    problems = check_pack(Pack(name="least", version=1, title="Least", fields=fields))

    assert problems == ()


@pytest.mark.parametrize(
    ("pack", "problem"),
    [
        (replace(PACK, name="Acme-Pack"), "pack 'Acme-Pack' is no lower-case identifier"),
        (replace(PACK, name="a" * 41), "is no lower-case identifier of at most 40 letters"),
        (replace(PACK, version=0), "version 0 is below 1"),
        (replace(PACK, title=" "), "the title is empty"),
        (_with_promoted(_column("Door", "door")), "promoted column 'Door' is no lower-case"),
        (_with_promoted(_column("door", "d")), "promoted column 'door' is declared 2 times"),
        (_with_promoted(_column("room")), "promoted column 'room' has no source"),
        (
            replace(PACK, schema=EventSchema(name="s", version=1, document={"type": "thing"})),
            "schema 's' is no JSON Schema (2020-12)",
        ),
        (
            replace(
                PACK,
                schema=EventSchema(
                    name="s", version=1, document={"$ref": "https://example.org/s.json"}
                ),
            ),
            "schema 's' is no JSON Schema (2020-12)",
        ),
        (replace(PACK, queries=(QUERY, QUERY)), "query 'doors' is declared 2 times"),
        (
            replace(PACK, queries=(replace(QUERY, name="A B"), QUERY)),
            "query 'A B' is no lower-case identifier",
        ),
        (replace(PACK, queries=(replace(QUERY, columns=()),)), "query 'doors' has no columns"),
        (
            replace(PACK, queries=(replace(QUERY, columns=QUERY.columns * 2),)),
            "query 'doors': column 'door' is declared 2 times",
        ),
        (
            replace(PACK, queries=(replace(QUERY, sql=QUERY.sql + " AND :more"),)),
            "query 'doors': parameter 'more' is used but not declared",
        ),
        (
            replace(PACK, queries=(replace(QUERY, sql=QUERY.sql + "; SELECT 1"),)),
            "query 'doors': there is more than one statement",
        ),
        (
            replace(PACK, report=(ReportSection(title="Gates", query="gates"),)),
            "report section 'Gates' names no query: 'gates'",
        ),
        (
            replace(PACK, queries=(replace(QUERY, parameters=(_parameter("since"),)),)),
            "report section 'Doors': query 'doors' has no time parameter 'until'",
        ),
        (
            replace(
                PACK,
                queries=(
                    replace(
                        QUERY,
                        parameters=(
                            _parameter("since", ParameterType.INTEGER),
                            _parameter("until"),
                        ),
                    ),
                ),
            ),
            "report section 'Doors': query 'doors' has no time parameter 'since'",
        ),
        (
            replace(PACK, database_queries=(QUERY, QUERY)),
            "database query 'doors' is declared 2 times",
        ),
        (
            replace(PACK, database_queries=(QUERY,)),
            "there are queries over a database of its own, and it has none",
        ),
        (
            replace(PACK, database_report=DatabaseReport(sections=(), counts="x", newest="x")),
            "database report names no query: 'x'",
        ),
        (
            replace(
                PACK,
                database_queries=(QUERY,),
                database_report=DatabaseReport(
                    sections=(ReportSection(title="D", query="doors", series=("door",)),),
                    counts="doors",
                    newest="doors",
                ),
            ),
            "report section 'D': query 'doors' has no column 'door' that is a number",
        ),
        (
            replace(PACK, samples=(Sample(line=b"[1]", columns={}),)),
            "sample 1 is no event: not_object",
        ),
        (
            replace(PACK, samples=(Sample(line=b'{"what":"x"}', columns={"kind": "y"}),)),
            "sample 1: column 'kind' is 'x', not 'y'",
        ),
        (
            replace(PACK, samples=(*PACK.samples, Sample(line=b"{}", columns={"colour": "red"}))),
            "sample 2: there is no column 'colour'",
        ),
    ],
)
def test_each_breach_is_found(pack: Pack, problem: str) -> None:
    """Every rule of the contract has a pack that breaks it, and a problem that names it."""
    problems = check_pack(pack)

    assert any(problem in text for text in problems), problems


@pytest.mark.parametrize("name", sorted(RESERVED_COLUMNS))
def test_columns_of_every_event_cannot_be_promoted(name: str) -> None:
    """A pack cannot replace a column that other packs and reports rely on."""
    problems = check_pack(replace(_with_promoted(_column(name, "x")), samples=()))

    assert problems == (f"promoted column {name!r} is a column that every event has",)


def _bad_in_one_case(event: JsonObject) -> JsonValue:
    return str(event["what"]).lower()


def _changing(event: JsonObject) -> JsonValue:
    event["seen"] = True
    return "x"


def _inexact() -> Callable[[JsonObject], JsonValue]:
    numbers = count()
    return lambda _event: next(numbers)


def _no_json(_event: JsonObject) -> JsonValue:
    return cast("JsonValue", {1, 2})


def _holder(event: JsonObject) -> JsonValue:
    return cast("JsonObject", event.get("badge", {})).get("holder")


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (_bad_in_one_case, "column 'role': its function raises KeyError for {}"),
        (_changing, "column 'role': its function changes the event {}"),
        (_inexact(), "column 'role': its function gives two answers for {}"),
        (_no_json, "column 'role': its function gives a set, which is no JSON, for {}"),
    ],
)
def test_functions_must_survive_any_event(
    function: Callable[[JsonObject], JsonValue], problem: str
) -> None:
    """A function that raises, writes, guesses or gives no JSON is found, with an event for it."""
    problems = check_pack(_with_promoted(_column("role", function)))

    assert problems == (problem,)


def test_functions_meet_bent_samples() -> None:
    """A function that only knows its own sample is found by that sample with a wrong type in it."""
    fields = replace(FIELDS, session_id=(_holder,))

    problems = check_pack(replace(PACK, fields=fields))

    assert len(problems) == 1
    assert problems[0].startswith("column 'session_id': its function raises AttributeError")


def test_all_problems_come_in_one_error() -> None:
    """A third party sees everything at once, under the pack's name."""
    pack = replace(PACK, version=0, title="")

    with pytest.raises(PackError) as caught:
        assert_pack_conforms(pack)

    assert caught.value.what == (
        "pack 'acme' breaks its contract: version 0 is below 1; the title is empty"
    )


def test_every_query_is_run_with_an_argument_of_each_type() -> None:
    """An engine is given each statement once, with a value for every parameter."""
    seen: list[tuple[str, object]] = []
    typed = replace(
        QUERY,
        parameters=(
            _parameter("a", ParameterType.TEXT),
            _parameter("b", ParameterType.INTEGER),
            _parameter("c", ParameterType.TIME),
        ),
        sql="SELECT :a, :b, :c",
    )

    problems = compile_queries(
        replace(PACK, queries=(typed,)), lambda sql, arguments: seen.append((sql, arguments))
    )

    assert problems == ()
    assert seen == [("SELECT :a, :b, :c", {"a": "", "b": 1, "c": 0})]


def test_what_an_engine_says_is_reported_for_each_query() -> None:
    """One query that does not compile does not hide the next."""

    def refuse(sql: str, _arguments: object) -> None:
        raise RuntimeError(f"near {sql.split()[1]}")

    queries = (QUERY, replace(QUERY, name="gates", sql="SELECT gate FROM events"))
    problems = compile_queries(replace(PACK, queries=queries), refuse)

    assert problems == ("query 'doors': near door", "query 'gates': near gate")
