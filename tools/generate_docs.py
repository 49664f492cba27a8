#!/usr/bin/env python3
"""Write the pages that follow from the code: the command line and the named queries.

    python tools/generate_docs.py            writes what is out of date
    python tools/generate_docs.py --check    writes nothing; exit 1 and a diff where a page is old

``docs/reference/cli.md`` comes from the commands themselves, ``docs/QUERIES_SQLITE.md`` from the
packs' .sql files and from ``tools/query_sqlite.py``, ``docs/QUERIES_PIPELINE.md`` from the .sql
files over the pipeline's own database, ``docs/reference/pipeline-database.md`` from what the pack
declares of that database. None depends on the terminal.
"""

from __future__ import annotations

import argparse
import difflib
import importlib.util
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Final, Protocol, cast

import typer

from evidentia.cli.application import APP
from evidentia.cli.pack_commands import has_commands, pack_group
from evidentia.pack.contract import NamedQuery, Pack, ParameterType, QueryParameter
from evidentia.pack.registry import load_packs

CHECKOUT: Final = Path(__file__).resolve().parents[1]
WORLD_FIRST: Final = ("recent", "growth_story", "security", "hot_rooms", "budget_compliance")
"""The five questions that the stand-alone projector's database answers, too."""
BUILT_IN: Final = ("world", "cowrie", "cortex", "pipeline", "repair")
"""Other packs that happen to be installed are no part of these pages."""
_NOTICE: Final = "<!-- Written by tools/generate_docs.py: change the source, then run it again. -->"
_COMPLETION: Final = ("install_completion", "show_completion")
"""Options that Typer adds; their wording is not ours."""


class Parameter(Protocol):
    """What is read of an option or argument; Typer brings its own copy of click."""

    name: str
    param_type_name: str
    opts: list[str]
    metavar: str | None
    help: str | None
    default: object
    required: bool
    nargs: int
    multiple: bool
    hidden: bool


class Command(Protocol):
    """What is read of a command, or of a group of them."""

    help: str | None
    epilog: str | None
    hidden: bool
    params: Sequence[Parameter]


# ---- The command line --------------------------------------------------------------------------
def cli_page() -> str:
    """docs/reference/cli.md."""
    root = cast("Command", typer.main.get_command(APP))
    commands = dict(walked(root, "evidentia")) | dict(pack_commands())
    parts = [
        "# Command line",
        _NOTICE,
        prose(root.help),
        "```text\nevidentia [OPTIONS] COMMAND [ARGUMENTS]\n```",
        *(f"- [`{path}`](#{anchor(path)})" for path in commands if path != "evidentia"),
        "## Shared options",
        table(options_of(root), "option"),
        prose(root.epilog),
    ]
    for path, command in commands.items():
        if path != "evidentia":
            parts += section(path, command)
    return "\n\n".join(parts).replace(")\n\n- [", ")\n- [") + "\n"


def walked(command: Command, path: str) -> Iterator[tuple[str, Command]]:
    """Every command that can be run, in the order of the help."""
    members: Mapping[str, Command] = getattr(command, "commands", {})
    if not members or path == "evidentia":
        yield path, command
    for name, member in members.items():
        if not member.hidden:
            yield from walked(member, f"{path} {name}")


def pack_commands() -> Iterator[tuple[str, Command]]:
    """Every command of the built-in packs; the root knows them by name only."""
    packs = load_packs()
    for name in BUILT_IN:
        if name in packs and has_commands(packs[name]):
            group = cast("Command", pack_group(packs[name]))
            yield from walked(group, f"evidentia {name}")


def section(path: str, command: Command) -> list[str]:
    """The parts of one command's section."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = options_of(command)
    usage = " ".join([path, *(["[OPTIONS]"] if options else []), *map(placeholder, arguments)])
    parts = [f"## `{path}`", f"```text\n{usage}\n```", prose(command.help)]
    if arguments:
        parts.append(table(arguments, "argument"))
    if options:
        parts.append(table(options, "option"))
    example = (command.epilog or "").removeprefix("Example: ")
    return [*parts, f"Example:\n\n```sh\n{example}\n```"] if example else parts


def options_of(command: Command) -> list[Parameter]:
    """A command's own options."""
    return [
        each
        for each in command.params
        if each.param_type_name == "option" and not each.hidden and each.name not in _COMPLETION
    ]


def placeholder(argument: Parameter) -> str:
    """An argument as it stands in the usage line: in brackets where it may be left out."""
    name = f"{argument.metavar}{'...' if argument.nargs < 0 else ''}"
    return name if argument.required else f"[{name}]"


def table(parameters: Sequence[Parameter], title: str) -> str:
    """Options or arguments, one a row."""
    rows = [f"| {title} | what |", "|---|---|"]
    return "\n".join([*rows, *(f"| {spelling(each)} | {meaning(each)} |" for each in parameters)])


def spelling(parameter: Parameter) -> str:
    """How a parameter is written."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar}`"
    value = f" {parameter.metavar}" if parameter.metavar else ""
    return ", ".join(f"`{option}{value}`" for option in parameter.opts)


def meaning(parameter: Parameter) -> str:
    """What a parameter is for, with its default where the help does not say it."""
    words = (parameter.help or "").replace("|", "\\|")
    is_plain = isinstance(parameter.default, str | int | float) and not isinstance(
        parameter.default, bool
    )
    if is_plain and parameter.default != "":
        words += f" [default: {parameter.default}]"
    if parameter.required and parameter.param_type_name == "option":
        words += " [required]"
    return words


def prose(text: str | None) -> str:
    """Paragraphs whose lines are as long as they like to be."""
    blocks = (text or "").strip().split("\n\n")
    return "\n\n".join(" ".join(block.split()) for block in blocks)


def anchor(path: str) -> str:
    """The fragment under which a heading of this text is found."""
    return path.replace(" ", "-")


# ---- The named queries -------------------------------------------------------------------------
def queries_page() -> str:
    """docs/QUERIES_SQLITE.md."""
    packs = load_packs()
    names = Counter(query.name for name in BUILT_IN for query in packs[name].queries)
    parts = ["# Named queries", _NOTICE, INTRODUCTION]
    for name in BUILT_IN:
        parts += [f"## Pack `{name}`: {packs[name].title}"]
        for query in ordered(packs[name]):
            spelled = query.name if names[query.name] == 1 else f"{name}.{query.name}"
            parts += query_section(name, query, spelled)
    return "\n\n".join([*parts, *projector_parts()]) + "\n"


INTRODUCTION: Final = """\
These are all the queries there are. A caller names one and gives values; there is no way to pass
SQL, on the command line or anywhere else.

```sh
evidentia query --list
evidentia query recent since=-24h limit=20
evidentia query cowrie.sessions --json
```

The same files run in the sqlite3 shell, which is a good way to see that the answer does not depend
on this program. `-readonly` is enough; nothing here writes. Times are INTEGER UTC microseconds:
`strftime('%s', '2026-01-01') * 1000000` is one, and `datetime(ts / 1000000, 'unixepoch')` shows
one. A time relative to now, such as `-24h`, is understood by `evidentia query` only.

`--as-of BATCH|TIME` asks a query as the store was after a batch; a time relative to now is then
relative to that batch's commit. What could be run or opened (a command, the address of a file) is
printed defanged; the shell prints it as it stands in the store.

A name that several packs use has the pack in front. Four such queries look for disorder:
`anomaly_spikes`, `anomaly_silence`, `field_drift` and `unknown_kinds`.

A parameter without a value has the default below. In the shell every parameter needs a value.

The queries read the view `events`: see
[store.md](reference/store.md). The columns of every installed pack exist in every store, so any
query runs anywhere.

The last part of this page is about the other database, the one that
`tools/project_events_to_sqlite.py` writes."""


def ordered(pack: Pack) -> list[NamedQuery]:
    """A pack's queries, those that everybody asks first."""
    first = {name: place for place, name in enumerate(WORLD_FIRST)}
    return sorted(pack.queries, key=lambda query: (first.get(query.name, len(first)), query.name))


def query_section(pack: str, query: NamedQuery, spelled: str) -> list[str]:
    """The parts of one query's section."""
    parts = [f"### `{spelled}`", f"{query.title}. {query.description}"]
    if query.parameters:
        rows = ["| parameter | type | default | what |", "|---|---|---|---|"]
        parts.append("\n".join([*rows, *map(parameter_row, query.parameters)]))
    path = sql_path(pack, query.name)
    return [
        *parts,
        f"```sh\nevidentia query {spelled}\n{shell_command(path, query)}\n```",
        f"[`{path}`](../{path}):",
        f"```sql\n{sql_below_header((CHECKOUT / path).read_text('utf-8'))}\n```",
    ]


def parameter_row(parameter: QueryParameter) -> str:
    """One row of a query's table of parameters."""
    cells = (
        f"`{parameter.name}`",
        parameter.type.value,
        f"`{parameter.default}`",
        parameter.description,
    )
    return f"| {' | '.join(cells)} |"


def sql_path(pack: str, name: str) -> str:
    """Where a query's file stands in a checkout."""
    return f"src/evidentia/packs/{pack}/queries/{name}.sql"


def sql_below_header(text: str) -> str:
    """A query's file without the declarations at its top."""
    lines = text.splitlines()
    while lines and lines[0].startswith("--"):
        lines.pop(0)
    return "\n".join(lines).rstrip()


def shell_command(path: str, query: NamedQuery) -> str:
    """How the sqlite3 shell runs a query's file with its defaults."""
    lines = ["sqlite3 -readonly -box evidence/derived/evidentia.db"]
    lines += [
        f'    -cmd ".parameter set :{each.name} {shell_value(each)}"' for each in query.parameters
    ]
    return " \\\n".join([*lines, f'    ".read {path}"'])


def shell_value(parameter: QueryParameter) -> str:
    """A parameter's default as the shell takes it; a relative time as one that is written out."""
    if parameter.type is not ParameterType.TIME:
        return parameter.default or "''"
    day = "2026-01-01" if parameter.default.startswith("-") else parameter.default.rstrip("Z")
    return f"\\\"strftime('%s', '{day.replace('T', ' ')}') * 1000000\\\""


# ---- The pipeline's own database ---------------------------------------------------------------
PIPELINE: Final = """\
These are the queries over the database of its own that the pack `pipeline` fills from its ledger:
see [Record pipeline receipts](how-to/record-pipeline-receipts.md). Other questions are answered by
the store: [Named queries](QUERIES_SQLITE.md).

```sh
evidentia pipeline query --list
evidentia pipeline query recent_failures limit=20
evidentia pipeline query slo_violations since=-7d --json
```

In these tables a time is text. A parameter or column of type `time` is read and shown as
everywhere; in the sqlite3 shell, give it as `2026-01-29T00:00:00.000000Z`, with all six digits, for
texts are compared. Every query uses an index, which a test holds it to."""


def pipeline_page() -> str:
    """docs/QUERIES_PIPELINE.md."""
    parts = ["# Queries over the pipeline's database", _NOTICE, PIPELINE]
    for query in load_packs()["pipeline"].database_queries:
        path = f"src/evidentia/packs/pipeline/database_queries/{query.name}.sql"
        parts += [f"## `{query.name}`", f"{query.title}. {query.description}"]
        if query.parameters:
            rows = ["| parameter | type | default | what |", "|---|---|---|---|"]
            parts.append("\n".join([*rows, *map(parameter_row, query.parameters)]))
        sql = sql_below_header((CHECKOUT / path).read_text("utf-8"))
        parts += [f"[`{path}`](../{path}):", f"```sql\n{sql}\n```"]
    return "\n\n".join(parts) + "\n"


# ---- The stand-alone projector's database ------------------------------------------------------
PROJECTOR: Final = """\
## The stand-alone projector's database

`tools/project_events_to_sqlite.py` and `tools/query_sqlite.py` need Python and nothing else; they
may be copied into another project. Their database (`evidence/derived/events.db`) is not a store of
evidentia: each program refuses to write to the other's file. `evidentia events --db FILE` lists
both.

```sh
python tools/project_events_to_sqlite.py --log evidence/event_log.jsonl
python tools/query_sqlite.py recent --since 2026-01-01T00:00:00Z
python tools/query_sqlite.py recent --since-id 4711
python tools/query_sqlite.py budget_compliance --json
```

`--since` takes an ISO 8601 time with a zone, `--limit` a number of rows, `--json` prints one JSON
object. In the SQL, `:since` is UTC microseconds or NULL, `:row_count` the limit; there, too, times
in `ts_us` are UTC microseconds, and `ts` is the time as the log has it."""


def projector_parts() -> list[str]:
    """The parts about the projector's database."""
    module = loaded(CHECKOUT / "tools/query_sqlite.py")
    parts = [PROJECTOR]
    for name in WORLD_FIRST:
        query = module.QUERIES[name]
        sql = textwrap.dedent(query.sql).strip()
        parts += [
            f"### `query_sqlite.py {name}`",
            f"{query.title}. At most {query.limit:,} rows, unless `--limit` says otherwise.",
            f"```sql\n{sql}\n```",
        ]
    return parts


def loaded(path: Path) -> ModuleType:
    """A module from a file that is in no package."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if specification is None or specification.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(specification)
    # Its dataclasses look themselves up there.
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    return module


def database_page() -> str:
    """docs/reference/pipeline-database.md."""
    return str(loaded(CHECKOUT / "tools/database_page.py").database_page())


# ---- Writing and comparing ---------------------------------------------------------------------
PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "docs/reference/cli.md": cli_page,
    "docs/QUERIES_SQLITE.md": queries_page,
    "docs/QUERIES_PIPELINE.md": pipeline_page,
    "docs/reference/pipeline-database.md": database_page,
}


def outdated() -> Iterator[tuple[Path, str, str]]:
    """Each page that is not what it should be: its place, its text, and what should be there."""
    for name, write in PAGES.items():
        path = CHECKOUT / name
        present = path.read_text("utf-8") if path.is_file() else ""
        wanted = write()
        if present != wanted:
            yield path, present, wanted


def difference(path: Path, present: str, wanted: str) -> str:
    """What would change in a page."""
    name = path.relative_to(CHECKOUT).as_posix()
    lines = difflib.unified_diff(
        present.splitlines(keepends=True),
        wanted.splitlines(keepends=True),
        f"{name} (in the checkout)",
        f"{name} (from the code)",
    )
    return "".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Write or compare the pages and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 with a diff")
    is_check = bool(parser.parse_args(argv).check)
    found = list(outdated())
    for path, present, wanted in found:
        if is_check:
            sys.stdout.write(difference(path, present, wanted))
        else:
            path.write_text(wanted, "utf-8")
            print(f"wrote {path.relative_to(CHECKOUT).as_posix()}")
    if is_check and found:
        print("out of date: run tools/generate_docs.py")
    return int(is_check and bool(found))


if __name__ == "__main__":
    sys.exit(main())
