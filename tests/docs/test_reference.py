"""Whether the reference pages name what is there: JSON keys, columns, flags, reasons, settings."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.unit.packs.sealers import ReceiptLog

import evidentia.app.configuration
from evidentia.audit.values import FindingKind
from evidentia.event.values import Flag, Reason
from evidentia.ledger.chain import FailureKind
from evidentia.proof.claims import Level, claim_for
from evidentia.store.opening import Store

from .console import CHECKOUT
from .pages import codes, marked_tables, pages

LOGS: Final = CHECKOUT / "examples/logs"
LETTER: Final = "1099511628011"
DATA_KEYS: Final = {
    "query": {"parameters": "<name>", "rows[]": "<name>"},
    "query --list": {"queries[].parameters": "<name>"},
    "events": {"events[]": "<column>"},
    "explain": {"columns": "<name>", "decisions[].evidence": "<name>"},
    "status": {"gaps[].evidence": "<name>", "segments[].decisions[].evidence": "<name>"},
    "verify": {"known_gaps[].evidence": "<name>", "seals[].reasons": "<name>"},
    "report": {
        "sections[].parameters": "<name>",
        "sections[].rows[]": "<name>",
        "known_gaps[].evidence": "<name>",
    },
    "report diff": {"changes[].before": "<name>", "changes[].after": "<name>"},
    "projection check": {
        f"projections[].drifts[].{part}": "<name>" for part in ("key", "was", "should_be")
    },
    "dead-letters retry": {"outcomes": "<id>"},
}
"""Where the keys of an object are data; all such keys count as one."""


class Folder:
    """A scratch folder with a store, in which commands are run with --json."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = path / "s.db"

    def run(self, *arguments: str, stdin: str = "") -> dict[str, Any]:
        """The object that a command prints, whatever its exit status."""
        done = subprocess.run(
            [sys.executable, "-m", "evidentia", "--json", "--db", str(self.store), *arguments],
            cwd=self.path,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def execute(self, statement: str, *values: str | int) -> None:
        """Change the store behind evidentia's back."""
        with sqlite3.connect(self.store) as connection:
            connection.execute(statement, values)
        connection.close()


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """What each command prints with --json, in situations that bring out every key."""
    folder = Folder(tmp_path_factory.mktemp("json"))
    log = folder.path / "live.jsonl"
    log.write_bytes((LOGS / "hostile.jsonl").read_bytes() + b'{"half')
    csv = folder.path / "table.jsonl"
    csv.write_text("a,b,c\n1,2,3\n4,5,6\n7,8,9\n")
    ingest = ("ingest", "--pack", "world", "--log")
    found = {
        "init": [folder.run("init", "set-up")],
        "packs": [folder.run("packs")],
        "ingest": [folder.run(*ingest, str(log), "--log", str(csv), "--log", "gone.jsonl")],
        "doctor": [folder.run("doctor")],
        "dead-letters resolve": [folder.run("dead-letters", "resolve", LETTER, "--reason", "x")],
        "dead-letters show": [folder.run("dead-letters", "show", LETTER)],
        "dead-letters retry": [folder.run("dead-letters", "retry", "--all")],
        "query": [folder.run("query", "hot_rooms"), folder.run("query", "report_kinds")],
        "query --list": [folder.run("query", "--list")],
        "events": [folder.run("events")],
        "explain": [folder.run("explain", f"{log}:1"), folder.run("explain", f"{log}:2")],
        "report": [folder.run("report", "weekly", "2026-W01")],
        "report --output": [folder.run("report", "weekly", "2026-W01", "--output", "r.json")],
        "export raw": [folder.run("export", "raw", "1", "--output", "copy")],
        "error": [folder.run("query", "nonsense")],
        "follow": [folder.run("follow", "--for", "0", "--pack", "world", "--log", str(log))],
    }
    found["dead-letters list"] = [folder.run("dead-letters", "list")]
    # A line that was held back and then replaced leaves a gap.
    log.write_bytes((LOGS / "world/growth_events.jsonl").read_bytes())
    copy = folder.path / "copy.jsonl"
    copy.write_bytes(log.read_bytes())
    found["ingest"].append(folder.run(*ingest, str(log), "--log", str(copy)))
    # A gap of a file that is there.
    archive = folder.path / "broken.jsonl.gz"
    packed = gzip.compress((LOGS / "world/event_log.jsonl").read_bytes())
    archive.write_bytes(packed[:-8] + b"8 bytes!")
    found["ingest"].append(folder.run(*ingest, str(archive)))
    found["report"].append(folder.run("report", "weekly", "2026-W01"))
    found |= ledger_outputs(folder) | later_outputs(folder)
    # A seal that holds and is noteworthy all the same.
    receipts = folder.path / "receipts.jsonl"
    v2 = {"schema": "ggen-receipt/v2", "v2": {}, "is_folded": False}
    receipts.write_bytes(ReceiptLog().line({}, **v2) + b"\n")  # type: ignore[arg-type]
    found["ingest"].append(folder.run("ingest", "--pack", "pipeline", "--log", str(receipts)))
    hold(folder)
    found["status"] = [folder.run("status")]
    folder.execute("DELETE FROM lease")
    damage(folder)
    log.write_bytes(log.read_bytes().replace(b"growth", b"grovth"))
    found["verify"] = [folder.run("verify", "--deep"), mirrored_output(folder)]
    found["recover"] = [folder.run("recover"), replayed_output(folder)]
    return found


def diff_output(folder: Folder) -> dict[str, Any]:
    """What changed in a report between the first batch and the third."""
    return folder.run("report", "diff", "1", "3", "--period", "weekly", "--date", "2026-W01")


def later_outputs(folder: Folder) -> dict[str, list[dict[str, Any]]]:
    """What the commands on summaries print, and the difference of two reports."""
    return projection_outputs(folder) | {"report diff": [diff_output(folder)]}


def ledger_outputs(folder: Folder) -> dict[str, list[dict[str, Any]]]:
    """What the commands on ledgers print, one that does not hold among them."""
    ledger, secret, proof = "a-ledger", "file:a.key", "event.proof"
    found = {
        "ledger keygen": [folder.run("ledger", "keygen", "example.org/a", "-o", "a.key")],
        "ledger init": [
            folder.run("ledger", "init", ledger, "--origin", "example.org/a", "--key", secret)
        ],
        "ledger append": [
            folder.run("ledger", "append", ledger, "--key", secret, "--type", "a.v1", "--id", "x"),
            folder.run("ledger", "append", ledger, "--key", secret, stdin="{}\n"),
        ],
        "ledger head": [folder.run("ledger", "head", ledger, "--key", secret)],
        "ledger prove": [folder.run("ledger", "prove", ledger, "x", "-o", proof)],
        "ledger verify-proof": [
            folder.run("ledger", "verify-proof", proof, "--key", secret),
            folder.run("ledger", "verify-proof", "a.key", "--key", secret),
        ],
    }
    head = "kept.head"
    folder.run("ledger", "head", ledger, "--key", secret, "-o", head)
    folder.run("ledger", "append", ledger, "--key", secret, "--type", "a.v1")
    found["export audit"] = [folder.run("export", "audit", ledger, "-o", "bundle.tar.gz")]
    found["ledger prove-extension"] = [
        folder.run("ledger", "prove-extension", ledger, head, "-o", "grown")
    ]
    found["ledger verify-proof"].append(
        folder.run("ledger", "verify-proof", "grown", "--key", secret, "--head", head)
    )
    found["ledger rotate-key"] = [
        folder.run("ledger", "keygen", "example.org/a", "-o", "b.key")
        and folder.run("ledger", "rotate-key", ledger, "--key", secret, "--new-key", "file:b.key")
    ]
    found["ledger verify"] = [folder.run("ledger", "verify", ledger)]
    segment = folder.path / ledger / f"{0:020d}.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b"a.v1", b"b.v1"))
    found["ledger verify"].append(folder.run("ledger", "verify", ledger))
    return found


def projection_outputs(folder: Folder) -> dict[str, list[dict[str, Any]]]:
    """What the commands on summaries print, a drifted row among it."""
    folder.execute("UPDATE growth_days_v1 SET applies_failed = 99")
    return {
        "projection list": [folder.run("projection", "list")],
        "projection check": [folder.run("projection", "check")],
        "projection rebuild": [folder.run("projection", "rebuild", "growth_days")],
    }


def mirrored_output(folder: Folder) -> dict[str, Any]:
    """What verify prints of a mirrored ledger in which a line was changed."""
    key = folder.run("ledger", "keygen", "example.org/m", "-o", "m.key")["path"]
    (folder.path / "ledgers.toml").write_text(
        f'[[ledgers]]\nname = "m"\npath = "m"\nkey = "file:{key}"\n'
    )
    ledger = ("--config", "ledgers.toml", "ledger")
    folder.run(*ledger, "init", "m", "--origin", "example.org/m")
    folder.run(*ledger, "append", "m", "--type", "a.v1")
    segment = folder.path / "m" / f"{0:020d}.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b"a.v1", b"b.v1"))
    return folder.run("--config", "ledgers.toml", "verify")


def replayed_output(folder: Folder) -> dict[str, Any]:
    """What recover prints of a ledger that the store has read whole."""
    segment = folder.path / "m" / f"{0:020d}.jsonl"
    segment.write_bytes(segment.read_bytes().replace(b"b.v1", b"a.v1"))
    return folder.run("--config", "ledgers.toml", "recover")


def hold(folder: Folder) -> None:
    """Let another process seem to hold the store."""
    folder.execute(
        "INSERT INTO lease VALUES ('ingest', 'token', 'ingest', 'ada', ?, ?, '', 0, 0)",
        socket.gethostname(),
        os.getpid(),
    )


def damage(folder: Folder) -> None:
    """Remove an event from the segment that has no log any more."""
    folder.execute("DROP TRIGGER event_rows_no_delete")
    folder.execute("DELETE FROM event_rows WHERE id = (SELECT MIN(id) FROM event_rows)")


def key_paths(value: object, data_keys: dict[str, str], path: str = "") -> Iterator[str]:
    """Every key in a value, as ``a.b`` and, within a list, ``a[].b``."""
    if isinstance(value, list):
        for item in value:
            yield from key_paths(item, data_keys, f"{path}[]")
    if isinstance(value, dict):
        for key, item in value.items():
            name = data_keys.get(path, str(key))
            inner = f"{path}.{name}" if path else name
            yield inner
            yield from key_paths(item, data_keys, inner)


DOCUMENTED: Final = marked_tables(pages()["docs/reference/json.md"], "keys")


@pytest.mark.parametrize("command", sorted(DOCUMENTED))
def test_json_keys_are_those_of_the_page(
    command: str, outputs: dict[str, list[dict[str, Any]]]
) -> None:
    """Each key on the page is printed, and each key that is printed is on the page."""
    documented = {codes(row[0])[0] for row in DOCUMENTED[command]}

    printed = {
        key for output in outputs[command] for key in key_paths(output, DATA_KEYS.get(command, {}))
    }

    assert printed == documented


def test_every_command_was_asked_for_its_keys(outputs: dict[str, list[dict[str, Any]]]) -> None:
    """No command is left out of the comparison."""
    assert set(outputs) == set(DOCUMENTED)


@pytest.mark.parametrize(
    "relation", sorted(marked_tables(pages()["docs/reference/store.md"], "columns"))
)
def test_columns_are_those_of_the_page(relation: str, tmp_path: Path) -> None:
    """The page names the columns of each stable relation, in order."""
    table = marked_tables(pages()["docs/reference/store.md"], "columns")[relation]
    documented = [name for row in table for name in codes(row[0])]
    Store(path=tmp_path / "s.db").create()

    with sqlite3.connect(tmp_path / "s.db") as connection:
        present = [row[1] for row in connection.execute(f"PRAGMA table_info({relation})")]
    connection.close()

    assert documented == present


def test_flags_are_those_of_the_page() -> None:
    """The page names every flag with its bit."""
    table = marked_tables(pages()["docs/reference/store.md"], "flags")[""]

    documented = {codes(row[1])[0]: int(row[0]) for row in table}

    assert documented == {str(flag.name).lower(): flag.value for flag in Flag}


def test_reasons_are_those_of_the_page() -> None:
    """The page names every reason for a dead letter."""
    table = marked_tables(pages()["docs/reference/store.md"], "reasons")[""]

    assert [codes(row[0])[0] for row in table] == [reason.value for reason in Reason]


def test_findings_are_those_of_the_page() -> None:
    """The page names every kind of finding."""
    page = pages()["docs/explanation/what-verify-proves.md"].partition("## Findings")[2]

    documented = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)

    assert set(documented) == {kind.value for kind in FindingKind}


def test_failures_of_ledgers_are_those_of_the_page() -> None:
    """The page names everything that may be wrong with a ledger."""
    page = pages()["docs/reference/ledger.md"].partition("## What may be wrong")[2]

    documented = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)

    assert set(documented) == {kind.value for kind in FailureKind}


@pytest.mark.parametrize("level", Level)
def test_the_levels_are_told_in_the_words_of_the_code(level: Level) -> None:
    """The page gives each level that verify prints its one sentence and what it cannot exclude."""
    claim = claim_for(level)
    page = pages()["docs/explanation/what-verify-proves.md"]
    rows = [
        line for line in page.splitlines() if line.startswith(f"| {level.value} {claim.name} |")
    ]

    assert len(rows) == 1
    assert rows[0].endswith(f'| "{claim.sentence}" | {claim.cannot_exclude} |')


def settings_of(table: type[msgspec.Struct]) -> dict[str, object]:
    """The keys of a table with their defaults; ``required`` where there is none."""
    defaults = {
        field.encode_name: "required" if field.required else field.default
        for field in msgspec.structs.fields(table)
    }
    # TOML has no tuples.
    return {
        name: list(default) if isinstance(default, tuple) else default
        for name, default in defaults.items()
    }


@pytest.mark.parametrize(
    ("heading", "table"),
    [
        ("## `[store]`", evidentia.app.configuration._StoreTable),
        ("## `[[logs]]`", evidentia.app.configuration._LogTable),
        ("## `[[ledgers]]`", evidentia.app.configuration._LedgerTable),
        ("## `[limits]`", evidentia.app.configuration._LimitsTable),
        ("## `[ingest]`", evidentia.app.configuration._IngestTable),
    ],
)
def test_configuration_keys_are_those_of_the_page(
    heading: str, table: type[msgspec.Struct]
) -> None:
    """The page names each key of a table with its default."""
    page = pages()["docs/reference/configuration.md"]
    section = page.partition(f"{heading}\n")[2].partition("\n## ")[0]

    rows = re.findall(r"^\| `(\w+)` \| (?:`(.+?)`|(required)) \|", section, re.MULTILINE)

    documented = {
        name: required or tomllib.loads(f"x = {default}")["x"] for name, default, required in rows
    }
    assert documented == settings_of(table)


def test_the_example_configuration_is_the_default() -> None:
    """The file at the top of the page is understood, and changes nothing but the logs."""
    page = pages()["docs/reference/configuration.md"]
    text = page.partition("```toml\n")[2].partition("```")[0]

    file = msgspec.convert(tomllib.loads(text), evidentia.app.configuration._File)

    default = evidentia.app.configuration._File()
    assert (file.store, file.limits, file.ingest) == (default.store, default.limits, default.ingest)
    assert len(file.logs) == 1
