"""Whether the pages hang together: links, generated pages, names that must be mentioned."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from evidentia import Config, IngestOptions, LogSource, Store, Watch, open_workspace
from evidentia.event.timestamp import parse_time
from evidentia.pack.registry import load_packs
from evidentia.report.queries import bind, find_query

from .console import CHECKOUT
from .pages import anchors, links, pages

GENERATOR = CHECKOUT / "tools/generate_docs.py"
README_LINES_SEEN_FIRST = 22


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """tools/generate_docs.py, which is in no package."""
    specification = importlib.util.spec_from_file_location("generate_docs", GENERATOR)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def broken_links(name: str, text: str) -> Iterator[str]:
    """Every relative link of a page that leads nowhere."""
    for target in links(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        place = ((CHECKOUT / name).parent / path).resolve() if path else CHECKOUT / name
        if not place.exists():
            yield f"{name}: {target}"
        elif fragment and place.suffix == ".md" and fragment not in anchors(place.read_text()):
            yield f"{name}: {target} (no such heading)"


def test_every_relative_link_resolves() -> None:
    """A link leads to a file that is there, and to a heading that is in it."""
    found = [each for name, text in pages().items() for each in broken_links(name, text)]

    assert found == []


def test_a_broken_link_is_found() -> None:
    """The check sees missing files and missing headings, and leaves code alone."""
    text = "# A\n[x](gone.md) [y](#b) [w](https://example.org)\n```sh\n[v](no)\n```\n"

    assert list(broken_links("README.md", text)) == [
        "README.md: gone.md",
        "README.md: #b (no such heading)",
    ]
    assert anchors("## Why a *line* is\n## `evidentia report daily`\n") == {
        "why-a-line-is",
        "evidentia-report-daily",
    }


def test_every_page_is_linked() -> None:
    """A page that no other page leads to is not found by anybody."""
    targets = set()
    for name, text in pages().items():
        for target in links(text):
            place = ((CHECKOUT / name).parent / target.partition("#")[0]).resolve()
            if place.is_relative_to(CHECKOUT):
                targets.add(place.relative_to(CHECKOUT).as_posix())

    assert {name for name in pages() if name.startswith("docs/")} - targets == set()


def test_the_generated_pages_are_up_to_date(generator: ModuleType) -> None:
    """cli.md and QUERIES_SQLITE.md are what the code gives now."""
    found = [generator.difference(*each) for each in generator.outdated()]

    assert "".join(found) == ""


def test_the_generated_pages_do_not_depend_on_the_terminal(
    generator: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A narrow and a wide terminal give the same pages."""
    found = set()
    for columns in ("20", "300"):
        monkeypatch.setenv("COLUMNS", columns)
        found.add((generator.cli_page(), generator.queries_page()))

    assert len(found) == 1


def test_a_difference_fails_the_check(
    generator: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--check`` writes nothing, shows the difference and returns 1."""
    name = "docs/reference/cli.md"
    before = (CHECKOUT / name).read_text("utf-8")
    monkeypatch.setattr(generator, "PAGES", {name: lambda: f"{before}another line\n"})

    status = generator.main(["--check"])

    assert status == 1
    assert "+another line" in capsys.readouterr().out
    assert (CHECKOUT / name).read_text("utf-8") == before


def test_every_command_is_documented(generator: ModuleType) -> None:
    """Each command has a section in cli.md and one in json.md."""
    root = generator.typer.main.get_command(generator.APP)
    commands = {path for path, _ in generator.walked(root, "evidentia")} - {"evidentia"}
    pattern = re.compile(r"^## `(evidentia [^`]+)`$", re.MULTILINE)
    headings = set(pattern.findall(pages()["docs/reference/json.md"]))

    assert [
        each for each in commands if f"## `{each}`" not in pages()["docs/reference/cli.md"]
    ] == []
    assert {re.sub(r"(report) .*", r"\1", each) for each in commands} <= headings


def test_every_named_query_is_on_its_page() -> None:
    """QUERIES_SQLITE.md holds the whole statement of each .sql file, the five first."""
    page = pages()["docs/QUERIES_SQLITE.md"]
    files = sorted((CHECKOUT / "src/evidentia/packs").glob("*/queries/*.sql"))

    for path in files:
        lines = path.read_text("utf-8").splitlines()
        statement = "\n".join(line for line in lines if not re.match(r"-- \w+.*[:|]", line))
        assert statement.strip() in page, path.name
    names = re.findall(r"^### `(?:\w+\.)?(\w+)`$", page, re.MULTILINE)
    assert names[:5] == ["recent", "growth_story", "security", "hot_rooms", "budget_compliance"]
    assert sorted(names) == sorted(path.stem for path in files)


def test_every_query_of_the_pipelines_database_is_on_its_page() -> None:
    """QUERIES_PIPELINE.md holds the whole statement of each .sql file."""
    page = pages()["docs/QUERIES_PIPELINE.md"]
    folder = CHECKOUT / "src/evidentia/packs/pipeline/database_queries"
    files = sorted(folder.glob("*.sql"))

    for path in files:
        lines = path.read_text("utf-8").splitlines()
        statement = "\n".join(line for line in lines if not re.match(r"-- \w+.*[:|]", line))
        assert statement.strip() in page, path.name
    assert re.findall(r"^## `(\w+)`$", page, re.MULTILINE) == [path.stem for path in files]


def shell_commands(page: str) -> dict[str, str]:
    """How the page says that the sqlite3 shell runs each query, by its name."""
    found = {}
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        match = re.search(r"^sqlite3 (?:.*\\\n)*.*$", section, re.MULTILINE)
        if match:
            found[section.split("`")[1]] = match[0]
    return found


FOR_DISORDER = ("anomaly_silence", "anomaly_spikes", "field_drift", "unknown_kinds")
"""What finds nothing in a log that is in order."""


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="the sqlite3 shell is not installed")
@pytest.mark.parametrize("name", sorted(shell_commands(pages()["docs/QUERIES_SQLITE.md"])))
def test_the_sqlite3_shell_gives_the_same_rows(name: str, filled_store: Path) -> None:
    """The shell's command on the page answers as the named query does with the same values."""
    command = shell_commands(pages()["docs/QUERIES_SQLITE.md"])[name]
    query = find_query(name, load_packs())
    now = parse_time("2026-01-01T01:00:00Z").us or 0
    with Store(path=filled_store).reader() as reader:
        # As they stand in the store: the shell defangs nothing.
        rows = reader.run_query(query, bind(query, {}, now)).rows

    command = command.replace("evidence/derived/evidentia.db", str(filled_store), 1)
    command = command.replace("-box", "-bail -json", 1)
    done = subprocess.run(
        ["bash", "-c", command], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    printed = json.loads(done.stdout or "[]")
    assert [tuple(row.values()) for row in printed] == list(rows)
    assert rows or name.partition(".")[2] in FOR_DISORDER


@pytest.fixture(scope="module")
def filled_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the example logs of two packs and the samples of the others."""
    folder = tmp_path_factory.mktemp("store")
    path = folder / "s.db"
    examples = CHECKOUT / "examples/logs"
    patterns = {"cowrie": examples / "cowrie.json.*", "world": examples / "world/*.jsonl"}
    for pack in ("cortex", "pipeline", "repair"):
        patterns[pack] = folder / f"{pack}.jsonl"
        lines = (sample.line + b"\n" for sample in load_packs()[pack].samples)
        patterns[pack].write_bytes(b"".join(lines))
    for pack, pattern in patterns.items():
        source = LogSource(pattern=str(pattern), pack=pack)
        config = Config(store=Store(path=path))
        options = IngestOptions(jobs=0)
        open_workspace(config).ingest([source], Watch(clock=lambda: 0.0), options)
    return path


def test_the_first_screen_says_what_it_is_and_how_to_start() -> None:
    """The two commands that do all the set-up stand on the README's first screen, and exist."""
    first = "\n".join(pages()["README.md"].splitlines()[:README_LINES_SEEN_FIRST])

    assert "bash scripts/demo" in first
    assert "bash scripts/test" in first
    assert (CHECKOUT / "scripts/demo").is_file()
    assert (CHECKOUT / "scripts/test").is_file()


def test_every_dependency_has_its_reason() -> None:
    """ADR 0009 has a row for each package that pyproject.toml names."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["dependency-groups"]["test"],
        *project["dependency-groups"]["gates"],
    ]
    record = (CHECKOUT / "docs/adr/0009-dependencies.md").read_text("utf-8")
    names = [re.split(r"[<>=;\[ ]", str(each))[0] for each in wanted]

    assert [name for name in names if f"| `{name}` |" not in record] == []


def test_the_architecture_names_only_tests_that_exist() -> None:
    """Each invariant of ARCHITECTURE.md names the test that holds it, and that test is there."""
    page = pages()["ARCHITECTURE.md"]
    invariants = re.findall(
        r"^\d+\. .*(?:\n   .*)*", page.partition("## Invariants")[2], re.MULTILINE
    )

    assert len(invariants) >= 10
    for invariant in invariants:
        named = re.findall(r"`(tests/[\w/]+(?:\.py)?)`", invariant)
        assert named, invariant
        assert [each for each in named if not (CHECKOUT / each).exists()] == [], invariant


@pytest.mark.parametrize("name", sorted(pages()))
def test_no_page_claims_what_no_level_gives(name: str) -> None:
    """The words that no level of proof earns stand on no page; style pages may forbid them."""
    if name in {"STYLE.md", "CONTRIBUTING.md"}:
        return
    claims = re.compile(
        r"tamper[- ]?(proof|evident|resistant)|\bimmutab|unforgeable", re.IGNORECASE
    )

    assert claims.findall(pages()[name]) == []


@pytest.mark.parametrize("name", sorted(pages()))
def test_no_page_is_left_unfinished(name: str) -> None:
    """No page promises to be written later."""
    assert re.findall(r"\b(TODO|FIXME|TBD|XXX)\b", pages()[name]) == []


def test_machine_paths_stay_out_of_the_examples() -> None:
    """Refreshed examples name no folder of the machine they ran on."""
    pattern = re.compile(r"/(tmp|private|var/folders)/\S*checkout")

    assert [name for name, text in pages().items() if pattern.search(text)] == []
    assert Path(CHECKOUT).is_dir()
