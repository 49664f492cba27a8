"""What may be opened as a store, and what is refused without being touched."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from evidentia.errors import (
    StoreDamagedError,
    StoreError,
    StoreForeignError,
    StoreHeldError,
    StoreMissingError,
    StoreVersionError,
    UsageError,
)
from evidentia.store import migrate, sqlite
from evidentia.store.opening import DEFAULT_PATH, Store, store_at

from .kit import fill, writing


def _database(path: Path, application_id: int = 0) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {application_id}")
        connection.execute("CREATE TABLE theirs (x)")


def _projector(path: Path) -> None:
    _database(path, sqlite.PROJECTOR_APPLICATION_ID)


def _text(path: Path) -> None:
    path.write_text('{"an":"event log"}\n' * 100)


def _stub(path: Path) -> None:
    path.write_bytes(b"SQLite")


FOREIGN: dict[str, tuple[Callable[[Path], None], str]] = {
    "the projector's": (_projector, "stand-alone projector"),
    "another program's": (_database, "another program"),
    "a text file": (_text, "not an SQLite database"),
    "a stub": (_stub, "not an SQLite database"),
}


@pytest.mark.parametrize("name", sorted(FOREIGN))
def test_a_foreign_file_is_refused_and_left_alone(store: Store, name: str) -> None:
    """The header tells whose a file is; nothing is written to one that is not ours."""
    make, words = FOREIGN[name]
    make(store.path)
    before = store.path.read_bytes()

    with pytest.raises(StoreForeignError, match=words), writing(store):
        pytest.fail("the file was entered")
    with pytest.raises(StoreForeignError, match=words):
        store.create()
    with pytest.raises(StoreForeignError, match=words), store.reader():
        pytest.fail("the file was entered")

    assert store.path.read_bytes() == before
    assert list(store.path.parent.iterdir()) == [store.path]


def test_a_broken_header_is_refused(store: Store) -> None:
    """A file whose first bytes are right but that is no database after all is not used."""
    header = bytearray(b"SQLite format 3\0".ljust(4096, b"\xff"))
    header[68:72] = sqlite.APPLICATION_ID.to_bytes(4, "big")
    store.path.write_bytes(header)

    with pytest.raises(StoreForeignError, match="not an SQLite database"), writing(store):
        pytest.fail("the file was entered")
    with pytest.raises(StoreForeignError, match="not an SQLite database"), store.reader():
        pytest.fail("the file was entered")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """A folder is not a store."""
    store = Store(path=tmp_path)

    with pytest.raises(StoreError, match="this is a folder"), writing(store):
        pytest.fail("the folder was entered")
    with pytest.raises(StoreError, match="this is a folder"), store.reader():
        pytest.fail("the folder was entered")


def test_a_pipe_is_refused_without_waiting_for_it(store: Store) -> None:
    """Reading a pipe would wait for a writer for ever."""
    os.mkfifo(store.path)

    with pytest.raises(StoreError, match="not a regular file"), store.reader():
        pytest.fail("the pipe was entered")


def test_an_absent_store_is_missing_to_readers(store: Store) -> None:
    """Reading makes nothing: neither the file nor its folder."""
    absent = Store(path=store.path.parent / "folder" / "x.db")

    with pytest.raises(StoreMissingError, match="no store here yet"), absent.reader():
        pytest.fail("the store was entered")

    assert not absent.exists()
    assert list(store.path.parent.iterdir()) == []


def _database_of_ours(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {sqlite.APPLICATION_ID}")


@pytest.mark.parametrize("prepare", [Path.touch, _database_of_ours])
def test_an_empty_file_becomes_a_store(store: Store, prepare: Callable[[Path], None]) -> None:
    """What a killed first run leaves, a file without a table, is a store yet to be made."""
    prepare(store.path)
    with pytest.raises(StoreMissingError), store.reader():
        pytest.fail("the store was entered")

    with writing(store) as writer:
        fill(writer)

    with store.reader() as reader:
        assert reader.counts().events == 3


def test_creating_twice_is_harmless(store: Store) -> None:
    """The second time finds everything there."""
    store.create()
    before = store.path.read_bytes()

    store.create()

    assert store.exists()
    assert store.path.read_bytes() == before


def test_a_file_is_ours_from_its_first_second(store: Store) -> None:
    """The mark is in the file, not in the WAL, while the first writer still writes."""
    with writing(store):
        assert sqlite.application_id_of(store.path) == sqlite.APPLICATION_ID
        with store.reader() as reader:
            assert reader.counts().batches == 0


@pytest.mark.parametrize(
    "name",
    [
        "a b.db",
        "q?mode=memory.db",
        "h#x.db",
        "100%41.db",
        "käse\U0001f980.db",
        'it\'s "quoted".db',
        "new\nline.db",
        os.fsdecode(b"not-utf8-\xff.db"),
        "&vfs=x.db",
    ],
)
def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    """What means something in a URI, to a shell or to nobody is just a letter of the name."""
    store = Store(path=tmp_path / name)

    with writing(store) as writer:
        fill(writer)
    with store.reader() as reader:
        events = reader.counts().events

    assert events == 3
    assert {path.name for path in tmp_path.iterdir()} <= {name, f"{name}-wal", f"{name}-shm"}


def test_a_path_may_begin_with_two_slashes_or_be_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is taken for a host's name."""
    monkeypatch.chdir(tmp_path)
    Store(path=Path("folder/a.db")).create()

    with Store(path=Path(f"//{tmp_path}/folder/a.db".replace("///", "//"))).reader() as reader:
        assert reader.counts().batches == 0


def test_a_name_with_a_nul_is_refused(tmp_path: Path) -> None:
    """SQLite would open the file named by what stands before the NUL."""
    (tmp_path / "a").touch()

    with (
        pytest.raises(StoreError, match="cannot hold a NUL"),
        Store(path=tmp_path / "a\0b").reader(),
    ):
        pytest.fail("another file was entered")


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """The file system's own words become ours."""
    store = Store(path=tmp_path / ("x" * 300))

    with pytest.raises(StoreError, match="cannot be opened: File name too long"), writing(store):
        pytest.fail("the store was entered")

    assert not store.exists()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").touch()
    store = Store(path=tmp_path / "file" / "x" / "a.db")

    with pytest.raises(StoreError, match="folder cannot be made: Not a directory"):
        store.create()


def _set_revision(store: Store, revision: str) -> None:
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def test_a_newer_store_is_refused(store: Store) -> None:
    """A form that this program does not know is neither read nor written."""
    store.create()
    _set_revision(store, "0999")

    with pytest.raises(StoreVersionError, match="form 0999") as caught, writing(store):
        pytest.fail("the store was entered")
    with pytest.raises(StoreVersionError), store.reader():
        pytest.fail("the store was entered")

    assert caught.value.fix is not None


def test_a_form_that_never_was_is_damage(store: Store) -> None:
    """A revision below ours that no migration knows is not a reason for a migrator's own error."""
    store.create()
    _set_revision(store, "0000")

    with pytest.raises(StoreDamagedError, match="form is unknown"), writing(store):
        pytest.fail("the store was entered")


def test_an_older_store_is_not_read_before_it_is_migrated(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading an older form says how to bring it up to date; writing does so."""
    store.create()
    monkeypatch.setattr(migrate, "HEAD_REVISION", "9999")

    with pytest.raises(StoreError, match="older form") as caught, store.reader():
        pytest.fail("the store was entered")

    assert caught.value.fix is not None
    store.create()


def test_a_store_is_not_migrated_while_it_is_held(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A running older program does not find its tables changed beneath it."""
    with writing(store):
        monkeypatch.setattr(migrate, "HEAD_REVISION", "9999")

        with pytest.raises(StoreHeldError, match="the store is held by process"):
            store.create()


def test_writers_that_make_a_store_at_the_same_time_take_turns(store: Store) -> None:
    """Several first runs at once make one store; each gets in or is told who holds it."""
    code = (
        "import sys; from pathlib import Path\n"
        "from evidentia.errors import StoreHeldError\n"
        "from evidentia.store.opening import Store\n"
        "try:\n"
        "    with Store(path=Path(sys.argv[1])).writer((), command='x', clock=lambda: 1,"
        " version='0') as writer:\n"
        "        writer.kind_ids(['k'])\n"
        "except StoreHeldError:\n"
        "    sys.exit(4)\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(store.path)]) for _ in range(4)]

    statuses = [child.wait(60) for child in children]

    assert set(statuses) <= {0, 4}
    assert 0 in statuses
    with store.reader() as reader:
        assert reader.integrity_problems() == ()


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("x/y.db", "x/y.db"),
        ("sqlite:///x/y.db", "x/y.db"),
        ("sqlite:////x/y.db", "/x/y.db"),
        ("/x/y.db", "/x/y.db"),
    ],
)
def test_an_address_is_a_path_or_a_url(address: str, path: str) -> None:
    """Three slashes begin a relative path, four an absolute one."""
    store = store_at(address)

    assert store.path == Path(path)
    assert store.url == f"sqlite:///{path}"


@pytest.mark.parametrize("address", ["postgresql://me:secret@host/db", "sqlite://", "sqlite:///"])
def test_another_address_is_refused_without_repeating_a_password(address: str) -> None:
    """The message names the engine that was asked for, not who asked with which password."""
    with pytest.raises(UsageError, match="not supported") as caught:
        store_at(address)

    assert "secret" not in str(caught.value)


def test_the_default_place_is_not_the_projectors() -> None:
    """The two programs keep their files apart by name."""
    assert str(DEFAULT_PATH) == "evidence/derived/evidentia.db"
