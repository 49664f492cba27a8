"""Whether the bundled example logs are what the generator writes, and what the packs can read."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

from evidentia.event.extract import Extractor
from evidentia.event.line import read_line
from evidentia.event.values import Policy, Verdict
from evidentia.packs.cowrie import PACK as COWRIE
from evidentia.packs.world import PACK as WORLD

EXAMPLES = Path(__file__).parents[2] / "examples"
LOGS = EXAMPLES / "logs"
COWRIE_LOGS = ("cowrie.json.2026-01-01", "cowrie.json.2026-01-02", "cowrie.json.2026-01-03.gz")
WORLD_LOGS = ("bot_audit", "bruce_activity", "event_log", "growth_events", "heartbeat")
DOCUMENTATION = [
    ip_network(text)
    for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The generator, imported as its folder's script."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield importlib.import_module("generate_logs")
    for name in [
        name for name in sys.modules if name.split(".")[0] in {"generate_logs", "log_shapes"}
    ]:
        del sys.modules[name]


def _content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _cowrie_lines() -> list[bytes]:
    return [line for name in COWRIE_LOGS for line in _content(LOGS / name).splitlines()]


def test_cowrie_logs_are_generated(generator: ModuleType, tmp_path: Path) -> None:
    """The documented command gives the bundled days, byte for byte."""
    out = str(tmp_path / "cowrie.json")

    generator.main(["cowrie", "--events", "923", "--days", "3", "--daily", "--out", out])

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        name.removesuffix(".gz") for name in COWRIE_LOGS
    ]
    for name in COWRIE_LOGS:
        assert (tmp_path / name.removesuffix(".gz")).read_bytes() == _content(LOGS / name)


def test_world_logs_are_generated(generator: ModuleType, tmp_path: Path) -> None:
    """The documented command gives the bundled files, byte for byte."""
    generator.main(["world", "--events", "300", "--out", str(tmp_path)])

    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_bytes() for path in (LOGS / "world").iterdir()}


def test_hostile_log_is_generated(generator: ModuleType, tmp_path: Path) -> None:
    """The documented command gives the bundled file, byte for byte."""
    generator.main(["hostile", "--out", str(tmp_path / "new" / "hostile.jsonl")])

    written = (tmp_path / "new" / "hostile.jsonl").read_bytes()
    assert written == (LOGS / "hostile.jsonl").read_bytes()


def test_example_logs_are_small() -> None:
    """A clone stays small: all example logs together take less than 400 kB."""
    sizes = [path.stat().st_size for path in LOGS.rglob("*") if path.is_file()]

    assert sum(sizes) < 400_000


def test_one_growing_file_holds_exactly_the_events(generator: ModuleType, tmp_path: Path) -> None:
    """Without --daily there is one file, with as many lines as asked for and in order of time."""
    out = tmp_path / "cowrie.json"

    generator.main(["cowrie", "--events", "500", "--days", "2", "--seed", "7", "--out", str(out)])

    stamps = [json.loads(line)["timestamp"] for line in out.read_text().splitlines()]
    assert len(stamps) == 500
    assert all(first <= second for first, second in pairwise(stamps))
    assert stamps[0] >= "2026-01-01"
    assert stamps[-1] < "2026-01-03"


def test_another_seed_gives_another_log(generator: ModuleType, tmp_path: Path) -> None:
    """The seed decides the bytes, and the same seed gives the same."""
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        out = str(tmp_path / name)
        generator.main(["cowrie", "--events", "50", "--seed", seed, "--out", out])

    first, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == again
    assert first != other


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_nonsense_counts_are_refused(
    generator: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], count: str
) -> None:
    """A count that is not above zero is a usage error and writes nothing."""
    with pytest.raises(SystemExit):
        generator.main(["cowrie", f"--events={count}", "--out", str(tmp_path / "out")])

    assert "--events" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_generator_uses_the_standard_library_alone() -> None:
    """Anybody with Python can write the logs: nothing but it is imported."""
    scripts = [EXAMPLES / "generate_logs.py", *(EXAMPLES / "log_shapes").glob("*.py")]
    lines = [line.split() for script in scripts for line in script.read_text().splitlines()]

    imported = {words[1].split(".")[0] for words in lines if words[:1] in (["import"], ["from"])}

    assert imported - {"log_shapes"} <= sys.stdlib_module_names


def test_cowrie_addresses_are_documentation_addresses() -> None:
    """No example points at a real machine."""
    events = [json.loads(line) for line in _cowrie_lines()]

    hosts = {event[key] for event in events for key in ("src_ip", "dst_ip") if key in event}
    hosts |= {event["url"].split("/")[2] for event in events if "url" in event}

    assert len(hosts) > 50
    assert all(any(ip_address(host) in network for network in DOCUMENTATION) for host in hosts)


def test_cowrie_lines_are_of_real_size_and_shape() -> None:
    """Lines are spaced as Cowrie's, about as long as real ones, and show the known drift."""
    lines = _cowrie_lines()
    events = [json.loads(line) for line in lines]

    assert all(line.startswith(b'{"eventid": "cowrie.') for line in lines)
    assert 280 < sum(map(len, lines)) / len(lines) < 360
    assert {type(event["duration"]) for event in events if "duration" in event} == {str, float}
    assert {len(event["session"]) for event in events} == {8, 12}
    assert any("duration_ms" in event for event in events)
    assert any(isinstance(event["message"], list) for event in events)


def test_one_cowrie_session_spans_two_days() -> None:
    """The bundled days hold a session that begins in one file and goes on in the next."""
    days = [
        {json.loads(line)["session"] for line in _content(LOGS / name).splitlines()}
        for name in COWRIE_LOGS
    ]

    assert days[0] & days[1] | days[1] & days[2] == {"8966fdf7f3a1"}


@pytest.mark.parametrize("name", COWRIE_LOGS)
def test_cowrie_examples_are_read_without_drift(name: str) -> None:
    """Every bundled line is an event of a known kind with a time, and nothing is flagged."""
    extractor = Extractor(COWRIE.fields)
    kind, ts = (extractor.column_names.index(column) for column in ("kind", "ts"))

    for line in _content(LOGS / name).splitlines():
        outcome = read_line(line, Policy())
        assert not isinstance(outcome, Verdict)
        values, flags = extractor.extract(*outcome)
        assert values[kind] in COWRIE.known_kinds
        assert values[ts] is not None
        assert not flags


@pytest.mark.parametrize("name", WORLD_LOGS)
def test_world_examples_are_read_without_drift(name: str) -> None:
    """IN-13: every bundled row has a known kind and a time, and nothing is flagged."""
    extractor = Extractor(WORLD.fields)
    kind, ts = (extractor.column_names.index(column) for column in ("kind", "ts"))
    lines = (LOGS / "world" / f"{name}.jsonl").read_bytes().splitlines()

    for line in lines:
        outcome = read_line(line, Policy())
        assert not isinstance(outcome, Verdict)
        values, flags = extractor.extract(*outcome)
        assert values[kind] in WORLD.known_kinds
        assert values[ts] is not None
        assert not flags
    assert len(lines) == 60


@pytest.mark.parametrize("name", ["bruce_activity", "growth_events", "heartbeat"])
def test_world_checksums_are_right(name: str) -> None:
    """The checksum is the last member and covers the bytes of the row before it."""
    for line in (LOGS / "world" / f"{name}.jsonl").read_bytes().splitlines():
        body, _, checksum = line.partition(b',"sha256":')
        assert json.loads(checksum.removesuffix(b"}")) == hashlib.sha256(body + b"}").hexdigest()


def test_build_log_writes_each_id_twice() -> None:
    """Each id comes pending first and with its outcome next, as the real writer does."""
    text = (LOGS / "world" / "event_log.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]

    assert set(Counter(row["id"] for row in rows).values()) == {2}
    assert {row["result"] for row in rows[::2]} == {"pending"}
    assert {row["result"] for row in rows[1::2]} == {"ok", "failed"}


def test_hostile_lines_are_judged_as_announced(generator: ModuleType) -> None:
    """IN-06: each line is an event, blank, or a dead letter for the reason it was made for."""
    hostile = importlib.import_module("log_shapes.hostile")
    assert generator.hostile is hostile

    for expected, line in hostile.LINES:
        if expected == hostile.BLANK:
            assert not line.strip()
            continue
        outcome = read_line(line, Policy())
        judged = outcome.reason.value if isinstance(outcome, Verdict) else hostile.EVENT
        assert judged == expected, line
