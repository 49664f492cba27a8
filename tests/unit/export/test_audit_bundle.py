"""Audit bundles: what is in them, and that they are checked with the commands of their README."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from evidentia.errors import EvidentiaError, LedgerDamagedError, LedgerError, UsageError
from evidentia.event.envelope import Draft
from evidentia.export.audit_bundle import Bundle, BundleRequest, export_audit
from evidentia.ledger.layout import head_path, segment_files
from evidentia.ledger.opening import create_ledger, open_ledger
from evidentia.ledger.statements import Signing
from evidentia.ledger.values import LedgerOptions
from evidentia.ledger.verifying import VerifyRules, verify_ledger
from evidentia.proof.keys import Ed25519Signer, HmacSigner, Signer
from evidentia.proof.policy import Contribution, Outcome, compose
from evidentia.proof.proof_file import check_proof, parse_proof

ORIGIN: Final = "ledger.example/audit"
SEED: Final = bytes(range(32))
NOW: Final = 1_767_225_600_000_000
POLICY: Final = compose([Contribution(rule_id="tests.x", outcome=Outcome.ALLOW, reason="a test")])
NEEDS: Final = {"openssl": "openssl", "go": "go"}
GO_LIBRARY: Final = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/note")

Export = Callable[..., Bundle]


def signer_of(signing: Signing, seed: bytes = SEED) -> Signer | None:
    """The key of a ledger that signs like this."""
    if signing is Signing.NONE:
        return None
    return (HmacSigner if signing is Signing.HMAC else Ed25519Signer)(ORIGIN, seed)


def options_of(signing: Signing, seed: bytes = SEED) -> LedgerOptions:
    """How the ledgers here are written: small segments, and a clock that is no clock."""
    clock, draws = count(NOW, 1_000_000), count()
    return LedgerOptions(
        clock=lambda: next(clock),
        random=lambda size: hashlib.shake_256(b"%d" % next(draws)).digest(size),
        signer=signer_of(signing, seed),
        segment_bytes_max=8_000,
    )


def ledger_of(folder: Path, signing: Signing, events: int = 40) -> Path:
    """A ledger of payments by two people."""
    options = options_of(signing)
    create_ledger(folder, ORIGIN, signing, options)
    with open_ledger(folder, options) as ledger:
        for number in range(events):
            draft = Draft(
                event_type="example.paid.v1" if number % 4 else "example.billed.v1",
                payload={"amount": number, "note": 'née "X" ,"signature":{}'},
                source={"type": "user", "id": "ada" if number % 2 else "bob"},
                id=f"evt_{number:04d}",
            )
            ledger.append([draft], POLICY)
    return folder


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> dict[Signing, Path]:
    """A ledger of each sort; not to be changed."""
    folder = tmp_path_factory.mktemp("ledgers")
    return {signing: ledger_of(folder / signing.value, signing) for signing in Signing}


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """Exports a ledger as the command does, with the key as trusted."""

    def export_it(folder: Path, signing: Signing, name: str = "bundle", **wishes: Any) -> Bundle:
        signer = signer_of(signing)
        rules = VerifyRules(
            trusted=() if signer is None else (signer.verifier,), heads=wishes.get("heads", ())
        )
        request = BundleRequest(
            verdict=verify_ledger(folder, rules), exported_at=NOW, version="0.1.0", **wishes
        )
        return export_audit(request, tmp_path / name)

    return export_it


def manifest_of(bundle: Path) -> dict[str, Any]:
    """The manifest of a bundle in a folder."""
    found: dict[str, Any] = json.loads((bundle / "manifest.json").read_text("utf-8"))
    return found


def commands_of(bundle: Path) -> dict[str, str]:
    """The commands of each step of the README, as they stand there."""
    found: dict[str, str] = {}
    step = "TOP"
    for line in (bundle / "README.txt").read_text("utf-8").splitlines():
        if line.startswith("STEP "):
            step = line.partition(". ")[2]
        if line.startswith("    "):
            found[step] = found.get(step, "") + line.removeprefix("    ") + "\n"
    return found


def followed(bundle: Path, step: str) -> subprocess.CompletedProcess[str]:
    """What a step's commands print, in a shell that has done the first lines."""
    commands = commands_of(bundle)
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands["TOP"] + commands[step]],
        cwd=bundle,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


SUMS: Final = "The files are those that were exported."
SIGNATURE: Final = "The operator signed the tree head."
ROOT: Final = "The events are those that the head is over."
PLAIN_ROOT: Final = "The events give the root."
PROOF: Final = "A single event is under the head."


def need(step: str) -> None:
    """Skip where a step's program is not there."""
    if step == SIGNATURE and shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    if step in {ROOT, PLAIN_ROOT} and (shutil.which("go") is None or not GO_LIBRARY.is_dir()):
        pytest.skip("needs Debian's golang-go and golang-golang-x-mod-dev")


STEPS: Final = {
    Signing.NONE: (SUMS, PLAIN_ROOT),
    Signing.HMAC: (SUMS, PLAIN_ROOT, PROOF),
    Signing.HEADS: (SUMS, SIGNATURE, ROOT, PROOF),
    Signing.ROWS: (SUMS, SIGNATURE, ROOT, PROOF),
}
EVERY_STEP: Final = [(signing, step) for signing, steps in STEPS.items() for step in steps]


@pytest.mark.parametrize(("signing", "step"), EVERY_STEP)
def test_a_stranger_follows_the_readme(
    ledgers: dict[Signing, Path], export: Export, signing: Signing, step: str
) -> None:
    """The commands, taken from the README as they stand, find everything as it should be."""
    need(step)
    bundle = export(ledgers[signing], signing).path

    done = followed(bundle, step)

    assert set(commands_of(bundle)) == {"TOP", *STEPS[signing]}
    assert done.returncode == 0, done.stderr
    promised = re.findall(r'prints.*?"(.*?)"', steps_text(bundle)[step], re.DOTALL)
    assert all(each in done.stdout + done.stderr for each in promised), done.stdout
    if step == SUMS:
        assert done.stdout == ""


def steps_text(bundle: Path) -> dict[str, str]:
    """Each step of the README by its title."""
    text = (bundle / "README.txt").read_text("utf-8")
    parts = re.split(r"^STEP \d+\. (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(("signing", "step"), EVERY_STEP)
def test_a_flipped_byte_makes_the_readme_fail(
    ledgers: dict[Signing, Path], export: Export, signing: Signing, step: str
) -> None:
    """The control: what each step looks at is changed by a byte, and the step says so."""
    need(step)
    bundle = export(ledgers[signing], signing).path
    before = followed(bundle, step)
    flip(bundle, step)

    after = followed(bundle, step)

    if step == PLAIN_ROOT:
        # There is nothing that it could fail by: it prints another root.
        assert (after.returncode, before.returncode) == (0, 0)
        assert after.stdout != before.stdout
    else:
        assert (before.returncode, after.returncode != 0) == (0, True)


def flip(bundle: Path, step: str) -> None:
    """Change a byte of what a step looks at."""
    path = bundle / "events" / "00000000000000000000.jsonl"
    place = 300
    if step == SIGNATURE:
        path, place = bundle / "heads/current", len(ORIGIN) + 1
    if step == PROOF:
        path = bundle / "proofs/40.proof"
        place = path.read_bytes().index(b"index ") + 12
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("signing", Signing)
def test_the_events_are_the_ledgers_own_bytes(
    ledgers: dict[Signing, Path], export: Export, signing: Signing
) -> None:
    """Every segment under its own name, byte for byte."""
    bundle = export(ledgers[signing], signing).path

    copied = {path.name: path.read_bytes() for path in (bundle / "events").iterdir()}

    assert copied == {
        file.path.name: file.path.read_bytes() for file in segment_files(ledgers[signing])
    }
    assert len(copied) > 2


@pytest.mark.parametrize("signing", Signing)
def test_the_manifest_counts_what_is_there(
    ledgers: dict[Signing, Path], export: Export, signing: Signing
) -> None:
    """Counts, people, times, digests and the claim, as they follow from the events."""
    done = export(ledgers[signing], signing)
    found = manifest_of(done.path)
    lines = [
        json.loads(line)
        for path in sorted((done.path / "events").iterdir())
        for line in path.read_bytes().splitlines()
    ]

    assert (found["format_version"], found["origin"]) == ("1.0", ORIGIN)
    assert found["exported_at"] == "2026-01-01T00:00:00.000000Z"
    assert found["event_count"] == done.events == len(lines) == 41
    assert found["metadata"]["event_types"] == Counter(line["event_type"] for line in lines)
    assert found["metadata"]["operators"] == {"runtime": 1, "user:ada": 20, "user:bob": 20}
    assert found["metadata"]["recorded_at"] == {
        "first": lines[0]["recorded_at"],
        "last": lines[-1]["recorded_at"],
    }
    assert found["digests"]["chain_head"] == lines[-1]["event_hash"]
    assert found["digests"]["size"] == 41
    level = {Signing.NONE: 2, Signing.HMAC: 4}.get(signing, 5)
    assert found["claim"]["level"] == level
    assert found["claim"]["not_excluded"]
    assert bool(found["missing"]) == (signing in {Signing.NONE, Signing.HMAC})
    assert len(found["proofs"]) == (0 if signing is Signing.NONE else 41)


@pytest.mark.parametrize("signing", Signing)
def test_every_file_is_listed_with_its_digest(
    ledgers: dict[Signing, Path], export: Export, signing: Signing
) -> None:
    """SHA256SUMS lists all files but itself; the manifest all but these two."""
    bundle = export(ledgers[signing], signing).path
    present = {
        path.relative_to(bundle).as_posix(): path.read_bytes()
        for path in bundle.rglob("*")
        if path.is_file()
    }

    sums = dict(line.split("  ")[::-1] for line in (bundle / "SHA256SUMS").read_text().splitlines())
    listed = {
        each["path"]: (each["bytes"], each["sha256"]) for each in manifest_of(bundle)["files"]
    }

    digests = {name: hashlib.sha256(data).hexdigest() for name, data in present.items()}
    assert sums == {name: digests[name] for name in present.keys() - {"SHA256SUMS"}}
    assert listed == {
        name: (len(present[name]), digests[name])
        for name in present.keys() - {"SHA256SUMS", "manifest.json"}
    }


def test_no_secret_is_handed_on(ledgers: dict[Signing, Path], export: Export) -> None:
    """Neither the HMAC secret nor a private key is in any file, in any form."""
    import base64  # noqa: PLC0415 - here only

    forms = [SEED, SEED.hex().encode(), base64.b64encode(SEED), b"PRIVATE+KEY", b"HMAC+KEY"]
    forms += [base64.b64encode(b"\x01" + SEED)[:40]]
    for signing, folder in ledgers.items():
        bundle = export(folder, signing, signing.value).path
        for path in bundle.rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                assert not [form for form in forms if form in data], path


def test_an_unsigned_ledger_says_what_is_missing(
    ledgers: dict[Signing, Path], export: Export
) -> None:
    """README and manifest say that nobody vouches for it, and claim level 2 only."""
    done = export(ledgers[Signing.NONE], Signing.NONE)

    text = (done.path / "README.txt").read_text("utf-8")

    assert "this ledger signs nothing, so nobody vouches for its events" in text
    assert "level:      2 (hash chain)" in text
    assert not (done.path / "heads").exists()
    assert done.missing == tuple(manifest_of(done.path)["missing"])


def test_equal_input_gives_equal_bytes(
    ledgers: dict[Signing, Path], export: Export, tmp_path: Path
) -> None:
    """Twice the same archive; and it holds what the folder holds."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        export(ledgers[Signing.HEADS], Signing.HEADS, f"{name}/audit.tar.gz")
        os.utime(tmp_path / name / "audit.tar.gz", (0, 0))
    folder = export(ledgers[Signing.HEADS], Signing.HEADS, "folder").path

    first, second = ((tmp_path / name / "audit.tar.gz").read_bytes() for name in ("a", "b"))

    assert first == second
    with tarfile.open(tmp_path / "a/audit.tar.gz") as archive:
        archive.extractall(tmp_path / "out", filter="data")
    unpacked = tmp_path / "out" / "audit"
    assert contents(unpacked) == contents(folder)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["audit.tar.gz"]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["bundle", "bundle.tar.gz"])
def test_nothing_is_overwritten(
    ledgers: dict[Signing, Path], export: Export, tmp_path: Path, name: str
) -> None:
    """A folder or file that is there stays as it is."""
    (tmp_path / name).write_text("mine")

    with pytest.raises(UsageError, match="not overwritten"):
        export(ledgers[Signing.NONE], Signing.NONE, name)

    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("name", ["bundle", "bundle.tar.gz"])
def test_a_failure_leaves_nothing(
    ledgers: dict[Signing, Path], export: Export, tmp_path: Path, name: str
) -> None:
    """Half a bundle is taken away again."""
    with pytest.raises(UsageError, match="no event evt_none"):
        export(ledgers[Signing.HEADS], Signing.HEADS, name, event_ids=("evt_none",))
    with pytest.raises(EvidentiaError, match="cannot be written"):
        export(ledgers[Signing.HEADS], Signing.HEADS, f"gone/{name}")

    assert list(tmp_path.iterdir()) == []


def test_a_damaged_ledger_is_not_handed_on(export: Export, tmp_path: Path) -> None:
    """A bundle never says more than the ledger holds."""
    folder = ledger_of(tmp_path / "ledger", Signing.HEADS, 5)
    file = segment_files(folder)[0].path
    file.write_bytes(file.read_bytes().replace(b'"amount":3', b'"amount":4'))

    with pytest.raises(LedgerDamagedError, match="does not hold"):
        export(folder, Signing.HEADS)

    assert not (tmp_path / "bundle").exists()


def test_a_ledger_that_changes_meanwhile_is_not_handed_on(tmp_path: Path) -> None:
    """What is copied is what was verified: the root is computed again from the copied bytes."""
    folder = ledger_of(tmp_path / "ledger", Signing.NONE, 5)
    verdict = verify_ledger(folder, VerifyRules())
    request = BundleRequest(verdict=verdict, exported_at=NOW, version="0")
    file = segment_files(folder)[0].path
    file.write_bytes(file.read_bytes().replace(b'"amount":3', b'"amount":4'))

    with pytest.raises(LedgerDamagedError, match="changed while it was exported"):
        export_audit(request, tmp_path / "bundle")

    assert not (tmp_path / "bundle").exists()


def test_events_that_come_meanwhile_are_left_out(tmp_path: Path) -> None:
    """A bundle of a ledger that grows holds the events that were verified, with their head."""
    folder = ledger_of(tmp_path / "ledger", Signing.HEADS, 5)
    request = BundleRequest(
        verdict=verify_ledger(folder, VerifyRules()), exported_at=NOW, version="0"
    )
    note = head_path(folder).read_bytes()
    with open_ledger(folder, options_of(Signing.HEADS)) as ledger:
        ledger.append([Draft(event_type="example.late.v1", payload=None)], POLICY)
        ledger.abandon()

    done = export_audit(request, tmp_path / "bundle")

    assert done.events == 6
    assert (tmp_path / "bundle/heads/current").read_bytes() == note
    with open_ledger(folder, options_of(Signing.HEADS)):
        """Closing signs a head over more than was verified."""
    with pytest.raises(LedgerError, match="appended to while it was exported"):
        export_audit(request, tmp_path / "second")


def test_a_part_is_tied_to_the_head_by_proofs(ledgers: dict[Signing, Path], export: Export) -> None:
    """Each event of a part has its proof; what cannot be checked is said."""
    done = export(ledgers[Signing.HEADS], Signing.HEADS, first=17, last=19)
    found = manifest_of(done.path)
    lines = b"".join(path.read_bytes() for path in sorted((done.path / "events").iterdir()))
    key = Ed25519Signer(ORIGIN, SEED).verifier

    proofs = [parse_proof((done.path / each["path"]).read_bytes()) for each in found["proofs"]]

    assert [proof.index for proof in proofs] == [17, 18, 19]
    for proof, line in zip(proofs, lines.splitlines(), strict=True):
        assert check_proof(proof, line, [key]).size == 41
    assert done.missing == ("the events before 17 and after 19",)
    assert set(commands_of(done.path)) == {"TOP", SUMS, SIGNATURE, PROOF}
    assert followed(done.path, PROOF).returncode == 0


def test_named_events_are_proved_and_no_others(
    ledgers: dict[Signing, Path], export: Export
) -> None:
    """``--event`` chooses; a part without the proofs of all says so."""
    wanted = ("evt_0016", "evt_0018")

    done = export(ledgers[Signing.HEADS], Signing.HEADS, first=17, last=19, event_ids=wanted)

    assert [each["id"] for each in manifest_of(done.path)["proofs"]] == ["evt_0016", "evt_0018"]
    assert done.missing[-1].startswith("proofs of 1 of the 3 events")
    with pytest.raises(UsageError, match="is number 20, which is not exported"):
        export(ledgers[Signing.HEADS], Signing.HEADS, "b", last=19, event_ids=("evt_0019",))
    with pytest.raises(UsageError, match="no signed head"):
        export(ledgers[Signing.NONE], Signing.NONE, "c", event_ids=wanted)


@pytest.mark.parametrize(("first", "last"), [(-1, None), (0, 41), (5, 4), (41, None)])
def test_a_range_that_is_not_there_is_refused(
    ledgers: dict[Signing, Path], export: Export, first: int, last: int | None
) -> None:
    """The refusal says which events there are."""
    with pytest.raises(UsageError, match="has those from 0 to 40"):
        export(ledgers[Signing.NONE], Signing.NONE, first=first, last=last)


def test_a_rotated_key_and_older_heads_go_along(export: Export, tmp_path: Path) -> None:
    """Both keys with the events that they sign for; the head is checked with the later one."""
    folder = ledger_of(tmp_path / "ledger", Signing.HEADS, 5)
    older = head_path(folder).read_bytes()
    with open_ledger(folder, options_of(Signing.HEADS)) as ledger:
        ledger.rotate_key(Ed25519Signer(ORIGIN, bytes(32)), POLICY)
    need(SIGNATURE)

    done = export(folder, Signing.HEADS, heads=(("mail", older),))

    found = manifest_of(done.path)
    assert [(key["first_sequence"], key["last_sequence"]) for key in found["keys"]] == [
        (0, 6),
        (7, None),
    ]
    assert [(head["path"], head["size"]) for head in found["heads"]] == [
        ("heads/current", 7),
        ("heads/1-of-6", 6),
    ]
    assert "cat keys/2.txt" in commands_of(done.path)[SIGNATURE]
    assert followed(done.path, SIGNATURE).returncode == 0
    assert found["claim"]["level"] == 5
