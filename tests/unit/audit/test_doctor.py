"""The doctor looks at everything, changes nothing, and says how to fix what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.unit.ingest.kit import PLAIN, Place, good, goods

from evidentia.audit.doctor import Check, examine, failed
from evidentia.errors import EvidentiaError
from evidentia.log.values import LogSource
from evidentia.store.opening import Store

from .conftest import LOG


class Usage(NamedTuple):
    """What ``shutil.disk_usage`` answers."""

    total: int
    used: int
    free: int


def checks(place: Place, *sources: LogSource) -> dict[str, Check]:
    """What was looked at, by name."""
    return {check.name: check for check in examine(place.store, sources, place.packs)}


def wrong(found: dict[str, Check]) -> Sequence[str]:
    """The names of what is not well."""
    return [name for name, check in found.items() if not check.is_well]


def test_a_store_that_is_well_is_well(filled: Place) -> None:
    """Nothing to complain of: every check says what it saw."""
    source = LogSource(pattern=str(filled.folder / LOG), pack="plain")

    found = checks(filled, source)

    assert wrong(found) == []
    assert found["pack plain"].detail == "version 1, a pack for tests"
    assert found[f"log {source.pattern}"].detail.endswith("bytes on disk")
    assert "40 events in 5 batches" in found["store"].detail
    assert "journal_mode wal" in found["settings"].detail
    assert found["dead letters"].detail == "11 open of 11"
    assert found["gaps"].detail == "0 known"


def test_a_missing_store_is_no_fault(place: Place) -> None:
    """The first ingest makes it; the doctor does not."""
    found = checks(place)

    assert wrong(found) == []
    assert "none yet" in found["store"].detail
    assert "none configured" in found["logs"].detail
    assert not place.store.exists()


def test_a_log_that_is_missing_or_of_no_pack_is_named(place: Place) -> None:
    """CL-01: each entry of the allow-list is looked at."""
    missing = LogSource(pattern=str(place.folder / "missing.jsonl"), pack="plain")
    strange = LogSource(pattern="/logs/x", pack="absent")

    found = checks(place, missing, strange)

    assert wrong(found) == [f"log {missing.pattern}", "log /logs/x"]
    assert found["log /logs/x"].fix == "install it, or name one of: other, plain"


def test_a_pack_that_breaks_its_contract_is_named(place: Place) -> None:
    """The conformance check runs over every pack."""
    broken = replace(PLAIN, name="Broken!", fields=PLAIN.fields)
    there = replace(place, packs={"Broken!": broken})

    found = checks(there)

    assert wrong(found) == ["pack Broken!"]
    assert found["pack Broken!"].fix == "report this to the pack's author"


def test_a_full_disk_is_foreseen(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Little space is a finding before it is a failure."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(10, 9, 1))

    found = checks(place)

    assert wrong(found) == ["space"]
    assert found["space"].detail == "1 bytes free where the store lives"


def test_space_is_looked_for_in_the_nearest_folder_that_exists(place: Place) -> None:
    """A store may be in a folder that is not there yet."""
    there = replace(place, name="not/yet/there/s.db")

    assert wrong(checks(there)) == []


def test_a_store_of_somebody_else_is_named(place: Place) -> None:
    """A file that is no store is an answer, not a crash."""
    place.write("s.db", b"this is no database at all")

    found = checks(place)

    assert wrong(found) == ["store"]
    assert "not an SQLite database" in found["store"].detail


def test_a_missing_trigger_is_named(filled: Place) -> None:
    """SC-13: what another program dropped shows."""
    filled.rows("DROP TRIGGER event_rows_no_update")

    found = checks(filled)

    assert wrong(found) == ["settings"]
    assert "event_rows_no_update is missing" in found["settings"].detail


def test_a_journal_that_is_no_wal_is_named(place: Place) -> None:
    """SC-13: effective settings, not those that were asked for."""
    place.write(LOG, goods(2))
    place.ingest(LOG)
    place.rows("PRAGMA journal_mode = DELETE")

    found = checks(place)

    assert wrong(found) == ["settings"]
    assert "journal mode is delete" in found["settings"].detail


def test_known_gaps_are_a_finding(place: Place) -> None:
    """VR-07: a suspected loss is not shrugged off."""
    place.write(LOG, goods(2) + b'{"torn')
    place.ingest(LOG)
    place.write(LOG, goods(1, 9))
    place.ingest(LOG)

    assert wrong(checks(place)) == ["gaps"]


def test_who_holds_the_store_is_told(filled: Place) -> None:
    """A run in progress is information, not a fault."""
    with filled.workspace.writer("ingest"):
        found = checks(filled)

    assert wrong(found) == []
    assert "(ingest)" in found["lease"].detail


@pytest.mark.parametrize("version", [2, None])
def test_another_version_of_a_pack_is_named(filled: Place, version: int | None) -> None:
    """Rows of an older pack, and rows whose pack is gone, are told with their fix."""
    packs = {} if version is None else {"plain": replace(PLAIN, version=version)}

    found = checks(replace(filled, packs={"other": filled.packs["other"], **packs}))

    assert wrong(found) == ["pack plain"]
    assert "the store was filled with version 1" in found["pack plain"].detail
    assert found["pack plain"].fix


def test_kinds_that_the_pack_does_not_know_are_listed(place: Place) -> None:
    """IN-16: stored, counted, listed; many of them are cut short."""
    place.write(LOG, b"".join(good(n, kind=f"kind {n:02d}") for n in range(12)) + good(1))
    place.ingest(LOG)

    found = checks(place)

    assert wrong(found) == []
    assert found["kinds of plain"].detail.endswith("and 2 more")
    assert "kind 00 (1)" in found["kinds of plain"].detail


def test_an_error_becomes_a_check_with_its_place() -> None:
    """What, where and fix of an error all reach the reader."""
    check = failed("x", EvidentiaError("it broke", where="/here", fix="mend it"))

    assert check == Check(name="x", is_well=False, detail="it broke (/here)", fix="mend it")


def test_the_doctor_writes_nothing(filled: Place) -> None:
    """CL-03: looking changes no byte."""
    before = filled.dump(), Path(filled.store.path).read_bytes()

    examine(Store(path=filled.store.path), (), filled.packs)

    assert (filled.dump(), Path(filled.store.path).read_bytes()) == before
