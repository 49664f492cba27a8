"""``evidentia PACK query`` and ``PACK report``: questions to a pack's own database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from evidentia.cli.moments import as_of_json, as_of_text
from evidentia.cli.queries import answer_json, assignments, list_queries, show_answer
from evidentia.cli.report_making import Made
from evidentia.cli.report_options import (
    ForceOption,
    FormatOption,
    OutputOption,
    SectionOption,
    TopOption,
)
from evidentia.cli.reports import Target, check_target, write
from evidentia.cli.session import Session

if TYPE_CHECKING:
    from evidentia.pack.contract import Pack
    from evidentia.report.database import DatabaseReader, State

DATABASE: Final = typer.Option(
    "--database",
    metavar="PATH",
    help="The pack's own database (default: that of its settings, "
    "else evidence/derived/<pack>.db).",
)
DatabaseOption = Annotated[Path | None, DATABASE]
"""The option of everything that asks a pack's own database."""


def register(app: typer.Typer, pack: Pack) -> None:
    """Add the commands that ask a pack's database to its group."""
    first = pack.database_queries[0].name
    app.command("query", epilog=f"Example: evidentia {pack.name} query {first}")(_query(pack))
    if pack.database_report is not None:
        app.command("report", epilog=f"Example: evidentia {pack.name} report 2026-01-31")(
            _report(pack)
        )


def _query(pack: Pack) -> Callable[..., None]:
    def query_command(
        context: typer.Context,
        name: Annotated[str | None, typer.Argument(metavar="NAME", help="A named query.")] = None,
        values: Annotated[
            list[str] | None,
            typer.Argument(metavar="PARAMETER=VALUE", help="Values for its parameters."),
        ] = None,
        is_list: Annotated[
            bool, typer.Option("--list", help="List the queries and their parameters.")
        ] = False,
        timeout_seconds: Annotated[
            float,
            typer.Option("--timeout", min=0.01, metavar="SECONDS", help="Give up after this."),
        ] = 60.0,
        database: DatabaseOption = None,
    ) -> None:
        """Run one of the named queries over the pack's own database."""
        from evidentia.app import utc_microseconds  # noqa: PLC0415 - start-up time
        from evidentia.report.queries import ask, bind, choose  # noqa: PLC0415 - start-up time

        session: Session = context.obj
        queries = {query.name: query for query in pack.database_queries}
        if is_list or name is None:
            list_queries([(pack.name, query) for query in queries.values()], session.output)
            return
        query = choose(name, queries, f"evidentia {pack.name} query --list")
        bound = bind(query, assignments(values or []), utc_microseconds())
        deadline = time.monotonic() + timeout_seconds
        is_over = lambda: time.monotonic() > deadline  # noqa: E731 - a clock and nothing else
        with _opened(session, pack, database) as (reader, state):
            answer = ask(reader, query, bound, is_over)
        if session.output.is_json:
            session.output.emit({**answer_json(answer), "as_of": as_of_json(state.as_of)})
        else:
            session.output.say(f"{query.title}, {as_of_text(state.as_of)}")
            show_answer(answer, session.output)

    return query_command


def _report(pack: Pack) -> Callable[..., None]:
    def report_command(
        context: typer.Context,
        when: Annotated[
            str | None,
            typer.Argument(
                metavar="DATE",
                help="A day, an ISO week or a month. (default: the day of the newest record)",
            ),
        ] = None,
        form: FormatOption = None,
        output: OutputOption = None,
        is_forced: ForceOption = False,
        top_n: TopOption = None,
        section: SectionOption = None,
        database: DatabaseOption = None,
    ) -> None:
        """Report on a day, a week or a month of the pack's own database."""
        from evidentia.report.database import (  # noqa: PLC0415 - start-up time
            make_database_report,
            period_of,
            read_database_span,
        )

        session: Session = context.obj
        target = Target(format=form, section=section, path=output, is_forced=is_forced)
        check_target(target, session.output)
        period = period_of(when)
        with _opened(session, pack, database) as (reader, state):
            span = read_database_span(reader, pack, period, when)
            report = make_database_report(reader, pack, period, span, top_n, state)
        write(Made(reports=[report]), target, session.output)

    return report_command


@contextmanager
def _opened(
    session: Session, pack: Pack, path: Path | None
) -> Iterator[tuple[DatabaseReader, State]]:
    """A snapshot of the pack's database, and how far it has come."""
    from evidentia.app.recording import database_path, desk_of  # noqa: PLC0415 - start-up time
    from evidentia.report.database import DatabaseReader, State  # noqa: PLC0415 - start-up time

    workspace = session.workspace()
    place = database_path(workspace, pack) if path is None else path
    with desk_of(workspace, pack, place, asked_by="a question").store.reading() as snapshot:
        state = State(
            size=snapshot.checkpoint().size,
            changed_us=snapshot.changed_us(),
            refused=sum(snapshot.refused_counts().values()),
        )
        yield DatabaseReader(database=snapshot), state
