"""``evidentia init``, ``packs`` and ``doctor``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from evidentia.cli.exits import EXIT_DONE, EXIT_FOUND
from evidentia.cli.output import Output
from evidentia.cli.plain import shown
from evidentia.cli.session import Session
from evidentia.errors import EvidentiaError, UsageError
from evidentia.pack.command import TableColumn

if TYPE_CHECKING:
    from evidentia.audit.doctor import Check

_DEFAULT_URL: Final = '"sqlite:///evidence/derived/evidentia.db"'
_TEMPLATE: Final = f"""\
# Configuration of evidentia. Relative paths are relative to this file.
# Every key is described in docs/reference/configuration.md.

[store]
url = {_DEFAULT_URL}

# One table per log: a path or glob, and the pack that reads it. Only these are ever opened.
# [[logs]]
# path = "/var/log/cowrie/cowrie.json*"
# pack = "cowrie"
# lenient = false    # true accepts repeated keys, lone surrogates and byte-order marks, flagged

# [limits]
# line_bytes_max = 16777216             # a longer line becomes a dead letter
# expansion_max = 100                   # a compressed log may expand to so many times its size
# decompressed_bytes_max = 10737418240

# [ingest]
# batch_events = 50000                  # a batch is committed when it holds so many events,
# batch_bytes = 16777216                # covers so many bytes,
# batch_seconds = 1.0                   # or is so old
"""


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("init", epilog="Example: evidentia init ~/honeypot")(init_command)
    app.command("packs", epilog="Example: evidentia packs")(packs_command)
    app.command("doctor", epilog="Example: evidentia doctor")(doctor_command)


def init_command(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where; made when it is not there.")
    ] = Path(),
) -> None:
    """Write evidentia.toml and an empty store. What exists already is left as it is."""
    from evidentia.app import CONFIG_NAME, load_config  # noqa: PLC0415 - start-up time

    session: Session = context.obj
    path = folder / CONFIG_NAME
    is_new = not path.exists()
    if session.store_address is not None and not is_new:
        raise UsageError(
            "there is a configuration already, and it names its store",
            where=str(path),
            fix="change [store] url in it, or leave out --db and --store",
        )
    if is_new:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(_template(session), "utf-8")
        except OSError as error:
            raise UsageError(
                f"the configuration cannot be written: {error.strerror}", where=str(path)
            ) from error
    store = load_config(path).store
    store.create()
    if session.output.is_json:
        session.output.emit({"config": str(path), "store": str(store.path), "is_new": is_new})
        return
    session.output.say(f"{'wrote' if is_new else 'kept'} {shown(path)}; store {shown(store.path)}")
    session.output.say("next: name your logs in it, then run 'evidentia ingest'")


def _template(session: Session) -> str:
    if session.store_address is None:
        return _TEMPLATE
    from evidentia.store.opening import store_at  # noqa: PLC0415 - start-up time

    place = store_at(session.store_address).path.absolute()
    # A JSON text is a TOML text as well.
    return _TEMPLATE.replace(_DEFAULT_URL, json.dumps(f"sqlite:///{place}", ensure_ascii=False))


def packs_command(context: typer.Context) -> None:
    """List the installed packs and what they add."""
    session: Session = context.obj
    packs = session.workspace().packs
    if session.output.is_json:
        session.output.emit(
            {
                "packs": [
                    {
                        "name": pack.name,
                        "version": pack.version,
                        "title": pack.title,
                        "columns": [part.name for part in pack.fields.promoted],
                        "queries": [query.name for query in pack.queries],
                        "known_kinds": len(pack.known_kinds),
                    }
                    for pack in packs.values()
                ]
            }
        )
        return
    session.output.table(
        (
            TableColumn(title="pack"),
            TableColumn(title="version", is_number=True),
            TableColumn(title="reads", is_cut=True),
            TableColumn(title="queries", is_number=True),
            TableColumn(title="columns", is_cut=True),
        ),
        [
            (
                pack.name,
                pack.version,
                pack.title,
                len(pack.queries),
                ", ".join(part.name for part in pack.fields.promoted),
            )
            for pack in packs.values()
        ],
    )


def doctor_command(context: typer.Context) -> int:
    """Check the set-up and say how to fix what is wrong. Writes nothing."""
    session: Session = context.obj
    checks = _examine(session)
    if session.output.is_json:
        session.output.emit(
            {
                "is_well": all(check.is_well for check in checks),
                "checks": [
                    {
                        "name": check.name,
                        "is_well": check.is_well,
                        "detail": check.detail,
                        "fix": check.fix,
                    }
                    for check in checks
                ],
            }
        )
    else:
        _show(checks, session.output)
    return EXIT_DONE if all(check.is_well for check in checks) else EXIT_FOUND


def _examine(session: Session) -> tuple[Check, ...]:
    from evidentia.audit.doctor import examine, failed  # noqa: PLC0415 - start-up time
    from evidentia.pack.registry import load_packs  # noqa: PLC0415 - start-up time

    try:
        config = session.config()
    except EvidentiaError as error:
        return (failed("configuration", error),)
    try:
        packs = load_packs()
    except EvidentiaError as error:
        return (failed("packs", error),)
    return examine(config.store, config.sources, packs)


def _show(checks: tuple[Check, ...], output: Output) -> None:
    for check in checks:
        output.say(f"{'ok   ' if check.is_well else 'WRONG'} {check.name}: {shown(check.detail)}")
        if check.fix:
            output.say(f"      fix: {shown(check.fix)}")
