"""A PostgreSQL server of a test's own: made in a folder, reached by a socket in it, and ended."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

START_SECONDS: Final = 60.0
_FOLDERS: Final = "/usr/lib/postgresql"


def program(name: str) -> str | None:
    """The path of one of the server's programs; Debian keeps them out of the way."""
    versions = sorted(Path(_FOLDERS).glob(f"*/bin/{name}"), reverse=True)
    return str(versions[0]) if versions else shutil.which(name)


def _account() -> str | None:
    """The account that the server runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return None


@contextmanager
def server() -> Iterator[Path]:
    """A running server; gives the folder of its socket, which is in nobody else's reach."""
    folder = Path(mkdtemp(prefix="evidentia-pg-"))
    account = _account()
    try:
        if account is not None:
            shutil.chown(folder, account)
        _make_cluster(folder, account)
        with _running(folder, account):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_cluster(folder: Path, account: str | None) -> None:
    made = subprocess.run(
        [
            *(str(program("initdb")), "-D", str(folder / "data"), "-U", "evidentia"),
            *("-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"),
        ],
        user=account,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr


@contextmanager
def _running(folder: Path, account: str | None) -> Iterator[None]:
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                *(str(program("postgres")), "-D", str(folder / "data"), "-k", str(folder)),
                *("-c", "listen_addresses=", "-c", "fsync=off"),
            ],
            user=account,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            _wait(folder, process)
            yield
        finally:
            # A fast shutdown: whoever is still connected is cut off.
            process.send_signal(signal.SIGINT)
            process.wait(START_SECONDS)


def _wait(folder: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    ready = [str(program("pg_isready")), "-h", str(folder), "-q"]
    while subprocess.run(ready, check=False).returncode != 0:
        assert process.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < until, (folder / "log").read_text()
        time.sleep(0.1)
