"""The pipeline's commands on its own database: record, query and report, as typed."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from tests.unit.packs.sealers import ReceiptLog

from evidentia.app.recording import open_recorder
from evidentia.event.values import JsonObject

from .conftest import Command

RECEIPT: JsonObject = {
    "execution_id": "exec-1",
    "agent_id": "agent-1",
    "operation": "test",
    "status": "failed",
    "timestamp": "2026-01-29T10:00:00Z",
    "duration_ms": 16_000,
    "build": "first",
}
HERE = ("--database", "p.db")
STAGES = ("μ₁_normalize", "μ₂_extract", "μ₃_emit", "μ₄_canonicalize", "μ₅_receipt")


def _document(number: int, operation: str = "generation") -> JsonObject:
    return {
        "receipt": {
            "execution_id": f"exec-{number}",
            "agent_id": f"agent-{number}",
            "operation": operation,
            "status": "passed",
            "timestamp": "2026-01-29T17:25:46Z",
            "hashes": {"manifest": f"m{number}", "ontology": f"o{number}"},
            "files_generated": 47,
            "files_modified": 12,
            "pipeline_stages": {
                name: {"status": "completed", "duration_ms": 400} for name in STAGES
            },
            "total_duration_ms": 2000,
            "determinism_guarantee": True,
        }
    }


@pytest.fixture
def database(folder: Path) -> Path:
    """An empty database with its ledger."""
    open_recorder("pipeline", "p.db")
    return folder / "p.db"


@pytest.mark.usefixtures("database")
def test_documents_are_recorded_and_seen(folder: Path, command: Command) -> None:
    """Pretty-printed documents of the generator: recorded once, mapped values told."""
    for number, operation in enumerate(("generation", "test", "error-recovery")):
        document = json.dumps(_document(number, operation), indent=2, ensure_ascii=False)
        (folder / f"{number}.json").write_text(document, "utf-8")
    files = ("0.json", "1.json", "2.json")

    first = command("pipeline", "record", "receipt", *files, *HERE)
    again = command("pipeline", "record", "receipt", *files, *HERE)
    mapped = command("pipeline", "query", "mapped_values", *HERE, "--json")

    assert (first.status, first.out, first.err) == (0, "receipt: 3 recorded\n", "")
    assert again.out == "receipt: 0 recorded, 3 known already\n"
    assert [[*row.values()] for row in mapped.object["rows"]] == [
        ["pipeline_metrics", "status", "completed", "passed", "synonym", 15],
        ["receipts", "operation", "error-recovery", "generation", "synonym", 1],
        ["receipts", "operation", "test", "validation", "synonym", 1],
    ]
    assert mapped.object["as_of"]["ledger_size"] == 4


@pytest.mark.usefixtures("database")
def test_lines_are_recorded_each_for_itself(folder: Path, command: Command) -> None:
    """What is wrong is named by its line and holds up none of the others; exit status 1."""
    (folder / "r.jsonl").write_text(
        "\n".join(
            (
                json.dumps(RECEIPT),
                "",
                "{broken",
                json.dumps({**RECEIPT, "duration_ms": "1"}),
                json.dumps(RECEIPT),
                json.dumps({**RECEIPT, "execution_id": "exec-2", "operation": "deploy"}),
            )
        )
    )

    result = command("pipeline", "record", "receipt", "r.jsonl", *HERE)

    assert (result.status, result.out) == (1, "receipt: 3 recorded, 2 without rows, 2 refused\n")
    told = result.err.splitlines()
    assert told[0].startswith("r.jsonl, line 3: no JSON object: syntax at byte 2")
    assert told[1] == ("r.jsonl, line 4: duration_ms is '1', not a whole number from 0 to 2^53 - 1")
    assert told[2].startswith("r.jsonl, line 5: event 2 is in the ledger, but has no rows: there")
    assert "operation 'deploy' is none of validation, generation" in told[3]
    refused = command("pipeline", "query", "refused_records", *HERE, "--json").object
    assert [row["reason"] for row in refused["rows"]] == ["duplicate", "unmapped_value"]


@pytest.mark.usefixtures("database")
def test_standard_input_is_recorded(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file; --json says what became of each."""
    memory = b'{"agent_id": "a", "memory_json": {"state": "on"}}'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(memory)))

    result = command("pipeline", "record", "memory", *HERE, "--json").object

    ((recorded),) = result["recorded"]
    assert (recorded["place"], recorded["sequence"], recorded["refusal"]) == ("-", 1, None)
    assert result["refused"] == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "there is no record"),
        ("[1]", "not_object"),
        ('{\n "a": 1,\n}', "syntax at byte"),
        ('{"a": 1, "a": 2}', "duplicate_key"),
    ],
)
@pytest.mark.usefixtures("database")
def test_what_is_no_record_is_refused(folder: Path, command: Command, data: str, said: str) -> None:
    """The file is named with what is wrong in it, and nothing is written."""
    (folder / "x.json").write_text(data)

    result = command("pipeline", "record", "receipt", "x.json", *HERE)

    assert (result.status, result.out) == (1, "receipt: 0 recorded, 1 refused\n")
    assert said in result.err


def test_without_a_database_nothing_is_recorded(folder: Path, command: Command) -> None:
    """It is made by its own command, and not by a mistyped path."""
    (folder / "r.json").write_text(json.dumps(RECEIPT))

    result = command("pipeline", "record", "receipt", "r.json", *HERE)

    assert result.status == 3
    assert "there is no such database" in result.err
    assert [*folder.iterdir()] == [folder / "r.json"]


@pytest.mark.usefixtures("database")
def test_the_report_comes_in_every_form(folder: Path, command: Command) -> None:
    """Text for people, our object, cells, a page with charts; a day, a week, a month."""
    (folder / "r.json").write_text(json.dumps(RECEIPT))
    command("pipeline", "record", "receipt", "r.json", *HERE)

    text = command("pipeline", "report", "2026-01-29", *HERE)
    newest = command("pipeline", "report", *HERE, "--json").object
    week = command("pipeline", "report", "2026-W05", *HERE, "--json").object
    month = command("pipeline", "report", "2026-01", *HERE, "--json").object
    sheet = command("pipeline", "report", *HERE, "--format", "csv", "--section", "Agents")
    page = command("pipeline", "report", *HERE, "--format", "html", "-o", "r.html")

    assert text.out.startswith("Pipeline receipts: daily report, 2026-01-29\n")
    assert "1 record, as of the ledger's first 2 events, applied 20" in text.out
    assert text.out.endswith(
        "behind this report: 1 record of the period; 0 refused records of whatever time\n"
    )
    assert (newest["date"], week["date"], month["date"]) == ("2026-01-29", "2026-W05", "2026-01")
    levels = next(s for s in month["sections"] if s["section"] == "Missed service levels")
    assert [[*row.values()] for row in levels["rows"]] == [
        ["first_build_seconds", 15.0, 16.0, 16.0, 0, 1]
    ]
    assert sheet.out.splitlines()[1].startswith("agent-1,1,0,1,0,16000.0,16000,16000,0,2026-01-29T")
    assert page.status == 0
    assert "<svg" in (folder / "r.html").read_text("utf-8")


@pytest.mark.usefixtures("database")
def test_wrong_usage_is_told(command: Command) -> None:
    """A mistyped query, parameter or date; status 2."""
    for words, said in (
        (("query", "recent_failure"), "did you mean recent_failures"),
        (("query", "stages", "id=1"), "'id' is not one of execution_id"),
        (("query", "stages", "x"), "not of the form PARAMETER=VALUE"),
        (("report", "soon"), "'soon' is not a day, week or month"),
        (("report", "--section", "Agents"), "--section goes with --format csv"),
        (("report",), "no day to report on"),
        (("record", "receits"), "receits"),
    ):
        result = command("pipeline", *words, *HERE)
        assert (result.status, result.out) == (2, ""), words
        assert said in result.err


def test_the_queries_are_listed(command: Command) -> None:
    """Also where there is no database yet."""
    listed = command("pipeline", "query", "--list", "--json").object["queries"]

    assert {"recent_failures", "stage_bottlenecks", "slo_violations", "collisions"} <= {
        each["name"] for each in listed
    }


def test_the_settings_name_the_database(folder: Path, command: Command) -> None:
    """A path of the configuration is relative to it; what is no path is refused."""
    (folder / "sub").mkdir()
    config = folder / "sub" / "evidentia.toml"
    config.write_text('[pack.pipeline]\ndatabase = "own.db"\n')
    open_recorder("pipeline", folder / "sub" / "own.db")

    found = command("--config", config, "pipeline", "query", "mapped_values")
    config.write_text("[pack.pipeline]\ndatabase = 1\n")
    wrong = command("--config", config, "pipeline", "query", "mapped_values")

    assert (found.status, wrong.status) == (0, 2)
    assert "database is 1 and no path" in wrong.err


def test_the_real_receipts_are_recorded(
    shared_data: Path, database: Path, command: Command
) -> None:
    """SC-04, SC-09: seven receipts with 35 stages, by the command, end to end."""
    files = sorted((shared_data / "pipeline" / "tier2-receipts").glob("*.json"))

    result = command("pipeline", "record", "receipt", *files, "--database", database)

    assert (result.status, result.out) == (0, "receipt: 7 recorded\n")
    report = command("pipeline", "report", "2026-01-29", *HERE, "--json").object
    (totals,) = report["sections"][0]["rows"]
    assert [*totals.values()] == [7, 7, 0, 0, 7, 329, 84, 2000.0, 2000]


def test_a_log_is_held_against_its_head(folder: Path, command: Command) -> None:
    """IT-17: status 1 for a log without the head's receipt; without a head that is said."""
    writer = ReceiptLog()
    lines = [writer.line({"n": number}) for number in range(4)]
    (folder / "head.json").write_text(json.dumps(json.loads(lines[3])["record"], indent=2))
    for name, kept in (("whole", lines), ("cut", lines[:3])):
        (folder / f"{name}.jsonl").write_bytes(b"".join(line + b"\n" for line in kept))
    (folder / "old.json").write_bytes(lines[1])

    whole = command("pipeline", "head", "whole.jsonl", "head.json")
    cut = command("pipeline", "head", "cut.jsonl", "head.json")
    stale = command("pipeline", "head", "whole.jsonl", "old.json")
    none = command("pipeline", "head", "whole.jsonl", "--json")

    assert [each.status for each in (whole, cut, stale, none)] == [0, 1, 1, 0]
    assert whole.out.endswith("the head is the log's last receipt\n")
    assert cut.out == (
        "3 receipts, 0 with a broken seal\nthe log was cut off: no receipt in it is the head's\n"
    )
    assert stale.out.endswith("head: receipt 2 of 4\n")
    assert none.object["verdict"] == "no_outside_head"
