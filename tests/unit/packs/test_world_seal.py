"""The checksum and HMAC that the game writes into its rows, recomputed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.packs.sealers import compact, edited, world_row

from evidentia.pack.seal import SealKeys, SealReason, SealVerdict
from evidentia.packs.world.seal import SHA256, WorldChecker
from evidentia.proof.claims import Level

ROW: dict[str, object] = {"ts": "2026-01-01T00:00:00+00:00", "action": "say", "n": 1.5, "é": ["ü"]}
SECRET = b"a secret"
KEYED = SealKeys(secrets=(b"another", SECRET))


def test_a_checksum_that_holds_is_level_one() -> None:
    """IT-01: a row that is sealed on its own earns a checksum, never a chain."""
    reading = WorldChecker(SealKeys()).check(world_row(ROW))

    assert (reading.verdict, reading.level) == (SealVerdict.VALID, Level.CHECKSUM)


@pytest.mark.parametrize("ending", [b"", b"\r", b" "])
def test_the_sealed_bytes_are_those_of_the_line(ending: bytes) -> None:
    """White space behind the row is not sealed; every byte inside it is."""
    line = world_row(ROW)
    checker = WorldChecker(SealKeys())

    found = [checker.check(line[:at] + b"~" + line[at + 1 :]).verdict for at in range(len(line))]

    assert checker.check(line + ending).verdict is SealVerdict.VALID
    assert SealVerdict.VALID not in found


def test_an_edited_row_shows_both_hashes() -> None:
    """What the rules give stands beside what the row states."""
    line = world_row(ROW)

    reading = WorldChecker(SealKeys()).check(edited(line, b'"say"', b'"cry"'))

    assert (reading.verdict, reading.reason) == (SealVerdict.INVALID, SealReason.HASH_MISMATCH)
    assert reading.observed.encode() in line
    assert reading.expected != reading.observed
    assert reading.level is None


def test_members_in_another_place_are_written_again() -> None:
    """Where the seal does not end the line, the row is hashed in its order with ASCII escapes."""
    sealed = json.loads(world_row(ROW, SECRET))
    moved = compact({"hmac": sealed["hmac"], "sha256": sealed["sha256"], **ROW})

    assert WorldChecker(KEYED).check(moved).verdict is SealVerdict.VALID
    assert WorldChecker(KEYED).check(edited(moved, b"1.5", b"1.6")).reason is (
        SealReason.HASH_MISMATCH
    )


@pytest.mark.parametrize(
    ("keys", "secret", "verdict", "reason"),
    [
        (SealKeys(), SECRET, SealVerdict.NO_KEY, None),
        (KEYED, SECRET, SealVerdict.VALID, None),
        (KEYED, b"forged", SealVerdict.INVALID, SealReason.BAD_HMAC),
        (KEYED, None, SealVerdict.VALID, None),
        (
            SealKeys(secrets=(SECRET,), is_signature_required=True),
            *(None, SealVerdict.INVALID, SealReason.MISSING_HMAC),
        ),
    ],
)
def test_an_hmac_needs_its_key(
    keys: SealKeys, secret: bytes | None, verdict: SealVerdict, reason: SealReason | None
) -> None:
    """Without the key an HMAC is not called valid; with it a forged or stripped one is found."""
    reading = WorldChecker(keys).check(world_row(ROW, secret))

    assert (reading.verdict, reading.reason) == (verdict, reason)
    assert reading.level in (None, Level.CHECKSUM)


def test_the_right_hmac_is_not_told_to_whom_lacks_the_key() -> None:
    """A report goes to people without the key; it must not hand them a valid seal."""
    reading = WorldChecker(KEYED).check(world_row(ROW, b"forged"))

    assert reading.expected == ""


@pytest.mark.parametrize(
    ("line", "verdict", "reason"),
    [
        (compact(ROW), SealVerdict.ABSENT, None),
        (compact({"patch": {"sha256": "0" * 64}}), SealVerdict.ABSENT, None),
        (
            compact({"ts": "t", "event": "log_rotated", "rotated_to": "p", "previous_size": 1}),
            *(SealVerdict.ABSENT, SealReason.NEVER_SEALED),
        ),
        (
            compact({"ts": "t", "event": "log_rotated", "rotated_to": "p", "x": 1}),
            *(SealVerdict.ABSENT, None),
        ),
        (compact({"sha256": 7}), SealVerdict.INVALID, SealReason.DECODE),
        (compact({"hmac": "0" * 64}), SealVerdict.INVALID, SealReason.DECODE),
        (b'{"sha256":"', SealVerdict.INVALID, SealReason.DECODE),
        (b"[]", SealVerdict.ABSENT, None),
    ],
)
def test_rows_without_a_whole_seal(
    line: bytes, verdict: SealVerdict, reason: SealReason | None
) -> None:
    """IT-02: a stripped seal is absent, half a seal is wrong, and a rotation marker has none."""
    reading = WorldChecker(SealKeys()).check(line)

    assert (reading.verdict, reading.reason) == (verdict, reason)


def test_a_nested_checksum_is_not_the_rows() -> None:
    """The hash of a file inside a build row is recognised as nobody's seal."""
    assert not SHA256.recognises(compact({"patch": {"path": "x", "sha256": "0" * 64}}))
    assert not SHA256.recognises(b'{"sha256"')
    assert SHA256.recognises(world_row(ROW))
    assert SHA256.recognises(json.dumps(json.loads(world_row(ROW))).encode())


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8")).filter(lambda key: key not in ("sha256", "hmac")),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=6,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_every_row_that_a_writer_seals_holds(row: dict[str, object]) -> None:
    """Whatever the row, the line without its seal hashes to what the writer's rule gives."""
    assert WorldChecker(SealKeys()).check(world_row(row)).verdict is SealVerdict.VALID


@pytest.mark.parametrize(("name", "count"), [("bruce_activity", 2_000), ("heartbeat", 176)])
def test_real_rows_hold(shared_data: Path, name: str, count: int) -> None:
    """Every row of the real logs at hand has the checksum that its bytes give."""
    checker = WorldChecker(SealKeys())
    lines = (shared_data / "world" / f"{name}.jsonl").read_bytes().splitlines()

    found = Counter(checker.check(line).verdict for line in lines)

    assert found == {SealVerdict.VALID: count}
