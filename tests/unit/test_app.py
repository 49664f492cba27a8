"""Configuration in, a workspace out: what the file may say, and what the rooms are handed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.unit.ingest.kit import PACKS, Place, goods

import evidentia
from evidentia.app import Config, Workspace, load_config, open_workspace, utc_microseconds
from evidentia.audit.keys import SealReferences
from evidentia.errors import ConfigError, LogMissingError, StoreHeldError, UsageError
from evidentia.ingest.values import IngestOptions, Watch
from evidentia.log.values import Limits, LogSource
from evidentia.store.opening import DEFAULT_PATH, Store


def configured(folder: Path, text: str) -> Config:
    """The configuration that a text gives."""
    path = folder / "evidentia.toml"
    path.write_text(text, "utf-8")
    return load_config(path)


def test_without_a_file_the_defaults_hold() -> None:
    """A store in the usual place, no logs, the usual limits."""
    config = load_config(None)

    assert (config.path, config.store, config.sources) == (None, Store(path=DEFAULT_PATH), ())
    assert config.options == IngestOptions()


def test_an_empty_file_says_the_same(tmp_path: Path) -> None:
    """Every key has a default; the store's place is relative to the file."""
    config = configured(tmp_path, "")

    assert config.store.path == tmp_path / DEFAULT_PATH
    assert (config.sources, config.options) == ((), IngestOptions())


def test_every_key_is_read(tmp_path: Path) -> None:
    """Relative paths are relative to the file; absolute ones stay."""
    config = configured(
        tmp_path,
        """
        [store]
        url = "sqlite:///here/s.db"
        [[logs]]
        path = "logs/*.jsonl"
        pack = "cowrie"
        [[logs]]
        path = "/var/log/x.jsonl"
        pack = "world"
        lenient = true
        [limits]
        line_bytes_max = 5
        expansion_max = 6
        decompressed_bytes_max = 7
        [ingest]
        batch_events = 1
        batch_bytes = 2
        batch_seconds = 3
        """,
    )

    assert config.store.path == tmp_path / "here" / "s.db"
    assert config.sources == (
        LogSource(pattern=str(tmp_path / "logs" / "*.jsonl"), pack="cowrie"),
        LogSource(pattern="/var/log/x.jsonl", pack="world", is_lenient=True),
    )
    assert config.options == IngestOptions(
        batch_events=1,
        batch_bytes=2,
        batch_seconds=3.0,
        limits=Limits(line_bytes_max=5, expansion_max=6, decompressed_bytes_max=7),
    )


def test_how_seals_are_checked_stands_beside_the_sources(tmp_path: Path) -> None:
    """It changes no row, so it does not make another log of one that is in the store."""
    text = '[[logs]]\npath = "a.jsonl"\npack = "world"\n'
    more = 'sealed = true\nseal_keys = ["env:KEY"]\nallow_legacy_seals = true\n'

    plain, sealed = configured(tmp_path, text), configured(tmp_path, text + more)

    pattern = str(tmp_path / "a.jsonl")
    assert plain.sources == sealed.sources
    assert plain.seals[pattern] == SealReferences(folder=tmp_path)
    assert sealed.seals[pattern] == SealReferences(
        is_sealed=True, keys=("env:KEY",), is_legacy_allowed=True, folder=tmp_path
    )


def test_an_absolute_place_of_the_store_stays(tmp_path: Path) -> None:
    """Four slashes begin at the root."""
    config = configured(tmp_path, '[store]\nurl = "sqlite:////data/s.db"')

    assert config.store.path == Path("/data/s.db")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[store", "cannot be read"),
        ("[stor]", "unknown field `stor`"),
        ('[store]\nurl = "sqlite:///x"\nuser = "root"', "unknown field `user`"),
        ('[[logs]]\npath = "x"', "missing required field `pack`"),
        ("[limits]\nline_bytes_max = '5'", "Expected `int`"),
        ("[limits]\nline_bytes_max = 0", "limits.line_bytes_max must be positive, not 0"),
        ("[ingest]\nbatch_seconds = -1", "ingest.batch_seconds must be positive"),
    ],
)
def test_what_is_not_understood_is_a_config_error(tmp_path: Path, text: str, what: str) -> None:
    """A slip in the file is told with its key, never ignored."""
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, text)

    assert what in caught.value.what
    assert caught.value.where == str(tmp_path / "evidentia.toml")


def test_an_engine_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    """CL-08: an address may hold a password, so only its scheme is repeated."""
    with pytest.raises(UsageError) as caught:
        configured(tmp_path, '[store]\nurl = "postgresql://root:secret@host/db"')

    assert "secret" not in str(caught.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    """A path that was named must be there."""
    with pytest.raises(ConfigError, match="there is no configuration file here") as caught:
        load_config(tmp_path / "absent.toml")

    assert caught.value.fix == "write one with 'evidentia init'"


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\0"])
def test_a_file_that_is_no_text_is_a_config_error(tmp_path: Path, data: bytes) -> None:
    """Bytes that are not UTF-8, or not TOML, are no reason for a traceback."""
    path = tmp_path / "evidentia.toml"
    path.write_bytes(data)

    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(path)


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    """What the system says is passed on."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


def test_a_workspace_finds_the_installed_packs(tmp_path: Path) -> None:
    """Packs come in by their entry points."""
    workspace = open_workspace(configured(tmp_path, ""))

    assert {"cowrie", "world"} <= workspace.packs.keys()
    assert workspace.pack("cowrie").name == "cowrie"
    assert workspace.store.path == tmp_path / DEFAULT_PATH


def test_a_pack_that_is_not_installed_stops_a_run_before_it_begins(tmp_path: Path) -> None:
    """Nothing is made for a run that cannot be."""
    place = Place(folder=tmp_path)
    place.write("a.jsonl", goods(1))

    with pytest.raises(UsageError, match="there is no pack 'plan'") as caught:
        place.ingest("a.jsonl", pack="plan")

    assert caught.value.fix == "use one of: plain"
    assert not place.store.exists()


def test_a_run_reports_problems_and_reads_the_rest(tmp_path: Path) -> None:
    """CL-01: a missing log is named, the others are read."""
    place = Place(folder=tmp_path)
    place.write("a.jsonl", goods(2))

    report = place.ingest("absent.jsonl", "a.jsonl")

    assert [type(problem) for problem in report.problems] == [LogMissingError]
    assert report.events == 2


def test_only_one_process_writes_at_a_time(tmp_path: Path) -> None:
    """M33: everything that writes holds the lease, recovering included."""
    place = Place(folder=tmp_path)
    place.write("a.jsonl", goods(2))
    place.ingest("a.jsonl")
    place.damage("UPDATE event_rows SET actor = 'x'")

    with place.workspace.writer("ingest"):
        with pytest.raises(StoreHeldError):
            place.ingest("a.jsonl")
        with pytest.raises(StoreHeldError):
            place.workspace.recover()
        assert place.verify().finding_count == 2


def test_the_whole_way_through_the_public_interface(tmp_path: Path) -> None:
    """Load a configuration, ingest, verify, recover: with nothing but what the package lists."""
    (tmp_path / "a.jsonl").write_bytes(goods(5))
    (tmp_path / "evidentia.toml").write_text('[[logs]]\npath = "a.jsonl"\npack = "plain"\n')
    config = evidentia.load_config(tmp_path / "evidentia.toml")
    workspace: Workspace = evidentia.Workspace(config=config, packs=PACKS)

    report = workspace.ingest(config.sources, evidentia.Watch(clock=time.monotonic), config.options)
    verified = workspace.verify(evidentia.VerifyOptions(is_deep=True))
    recovered = workspace.recover()

    assert (report.events, verified.finding_count, recovered.batches) == (5, 0, 0)


def test_the_clock_tells_utc_microseconds() -> None:
    """Now is between then and later."""
    before = time.time_ns() // 1_000

    now = utc_microseconds()

    assert before <= now <= time.time_ns() // 1_000
    assert Watch(clock=time.monotonic).should_stop() is False
