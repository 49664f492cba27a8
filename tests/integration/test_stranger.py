"""A stranger's program, in another language and with none of our code, checks a ledger."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest

from evidentia.proof.head import TreeHead, sign_head
from evidentia.proof.keys import Ed25519Signer
from evidentia.proof.tree import leaf_hash, root_of

SOURCE: Final = Path(str(files("evidentia.export") / "stranger/verifier.go"))
"""The one that goes along with every audit bundle."""
GOPATH: Final = Path("/usr/share/gocode")
"""Where Debian's packages of Go libraries are."""
NOTE_PACKAGE: Final = GOPATH / "src/golang.org/x/mod/sumdb/note"
SIGNER: Final = Ed25519Signer("ledger.example/stranger", bytes(range(32)))
EVENTS: Final = [
    f'{{"data":{{"note":"née {number}"}},"seq":{number}}}'.encode() for number in range(300)
]


def compilers() -> list[str]:
    """The go in PATH and the distribution's, each once; one that is not there, if there is none."""
    found = (shutil.which("go"), shutil.which("go", path="/usr/bin"))
    return list(dict.fromkeys(each for each in found if each)) or ["go"]


@pytest.fixture(scope="module", params=compilers())
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The verifier, built without network from what the distribution packages."""
    if shutil.which(request.param) is None:
        pytest.skip("needs go in PATH: Debian's golang-go")
    if not NOTE_PACKAGE.is_dir():
        pytest.skip(f"needs {NOTE_PACKAGE}: Debian's golang-golang-x-mod-dev")
    target = tmp_path_factory.mktemp("stranger") / "verifier"
    wanted = {"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": "", "GOTOOLCHAIN": "local"}
    subprocess.run(
        [request.param, "build", "-o", target, SOURCE],
        env=os.environ | wanted,
        cwd=target.parent,
        check=True,
    )
    return target


@dataclass
class Kit:
    """What a stranger is handed: head and ledger in two files."""

    program: Path
    folder: Path
    key: str = SIGNER.verifier.format()

    def write(self, events: list[bytes], head: bytes) -> None:
        """Lay the files down, the first hundred events in the first one."""
        (self.folder / "1.jsonl").write_bytes(b"".join(each + b"\n" for each in events[:100]))
        (self.folder / "2.jsonl").write_bytes(b"".join(each + b"\n" for each in events[100:]))
        (self.folder / "head").write_bytes(head)

    def check(self, *names: str) -> tuple[int, list[str]]:
        """The stranger's exit status and lines."""
        done = subprocess.run(
            [self.program, self.key, "head", *(names or ("1.jsonl", "2.jsonl"))],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.splitlines()


@pytest.fixture
def kit(program: Path, tmp_path: Path) -> Kit:
    """A ledger of 300 events with its signed tree head."""
    kit = Kit(program, tmp_path)
    kit.write(EVENTS, head_of(EVENTS))
    return kit


def head_of(events: list[bytes]) -> bytes:
    """The signed tree head over these events."""
    root = root_of(map(leaf_hash, events))
    return sign_head(TreeHead(origin=SIGNER.name, size=len(events), root=root), [SIGNER])


TRUE: Final = (0, ["signature: valid", "events: 300", "root match: true"])
FALSE: Final = (1, ["signature: valid", "events: 300", "root match: false"])


def test_a_stranger_finds_the_ledger_as_it_was_signed(kit: Kit) -> None:
    """Signature and root are right by the code of others."""
    assert kit.check() == TRUE


def test_one_letter_is_noticed(kit: Kit) -> None:
    """A changed letter anywhere gives another root."""
    for place in (0, 150, 299):
        changed = [*EVENTS]
        changed[place] = changed[place].replace(b"data", b"date")
        kit.write(changed, head_of(EVENTS))

        assert kit.check() == FALSE


def test_events_after_the_head_do_not_matter(kit: Kit) -> None:
    """A ledger that grew, or has a torn last line, still begins as it was signed."""
    kit.write([*EVENTS, b'{"seq":300}'], head_of(EVENTS))
    with (kit.folder / "2.jsonl").open("ab") as file:
        file.write(b'{"seq":3')

    assert kit.check() == TRUE


def test_a_cut_tail_and_files_out_of_order_are_noticed(kit: Kit) -> None:
    """The head says how many events there are, and in which order."""
    assert kit.check("2.jsonl", "1.jsonl") == FALSE
    status, lines = kit.check("1.jsonl")
    assert (status, lines[:1]) == (1, ["signature: valid"])
    assert "fewer events" in lines[1]


def test_a_strangers_key_verifies_nothing(kit: Kit) -> None:
    """Without the right key there is no word on the root."""
    kit.key = Ed25519Signer(SIGNER.name, bytes(32)).verifier.format()

    status, lines = kit.check()

    assert status == 1
    assert "signature: valid" not in lines


def test_an_empty_ledger_is_checked(kit: Kit) -> None:
    """Size 0 has a root, too."""
    kit.write([], head_of([]))

    assert kit.check() == (0, ["signature: valid", "events: 0", "root match: true"])
