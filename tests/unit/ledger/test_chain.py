"""The chain of a ledger: one test for each thing that may be wrong with a line, and where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from evidentia.event.canonical import canonical_bytes
from evidentia.event.envelope import HASH_DOMAIN, signed_bytes
from evidentia.ledger.chain import ChainCheck, ChainRules, Failure, FailureKind, key_name
from evidentia.ledger.statements import CREATED, KEY_ROTATED, Signing
from evidentia.proof.keys import Ed25519Signer, VerifierKey

from . import kit

Event = dict[str, Any]
PATH = Path("segment")


def lines_of(folder: Path, signing: Signing) -> list[bytes]:
    """The lines of a ledger with two events and a batch of three."""
    kit.created(folder, signing)
    with kit.opened(folder, signing) as ledger:
        ledger.append(kit.drafts(1), kit.ALLOW)
        ledger.append(kit.drafts(2), kit.ALLOW)
        ledger.append(kit.drafts(3, 4, 5), kit.ALLOW)
    return kit.lines(folder)


@pytest.fixture
def plain(tmp_path: Path) -> list[bytes]:
    """Lines of a ledger that signs nothing."""
    return lines_of(tmp_path / "plain", Signing.NONE)


@pytest.fixture
def signed(tmp_path: Path) -> list[bytes]:
    """Lines of a ledger that signs each row."""
    return lines_of(tmp_path / "signed", Signing.ROWS)


def failures_of(lines: list[bytes], rules: ChainRules | None = None) -> list[Failure]:
    """Everything that is wrong with these lines, in whatever blocks they are read."""
    count = len(lines)
    cuts = ([0, count], [0, 1, count], [0, 1, 3, count], list(range(count + 1)))
    answers = [_failures(lines, rules, each) for each in cuts]
    assert all(each == answers[0] for each in answers)
    return answers[0]


def _failures(lines: list[bytes], rules: ChainRules | None, cuts: list[int]) -> list[Failure]:
    found: list[Failure] = []
    check = ChainCheck(found.append, rules)
    place = 0
    for start, stop in pairwise(cuts):
        list(check.check_block(PATH, place, lines[start:stop]))
        place += sum(len(line) + 1 for line in lines[start:stop])
    check.end(PATH, place)
    return found


def kinds(lines: list[bytes], rules: ChainRules | None = None) -> list[FailureKind]:
    """What sorts of things are wrong."""
    return [each.kind for each in failures_of(lines, rules)]


def resealed(
    lines: list[bytes],
    at: int,
    change: Callable[[Event], None],
    signer: Ed25519Signer | None = None,
) -> list[bytes]:
    """The ledger that someone makes who changes one event and recomputes the whole chain.

    Args:
        lines: The ledger.
        at: Which event is changed.
        change: How; ``payload_hash`` follows by itself.
        signer: Signs the changed rows, where they were signed.
    """
    found: list[bytes] = []
    before: str | None = None
    for number, line in enumerate(lines):
        event = json.loads(line)
        event["prev_event_hash"] = before
        if number == at:
            event["payload_hash"] = None
            change(event)
            payload_hash = hashlib.sha256(canonical_bytes(event["payload"])).hexdigest()
            event["payload_hash"] = event["payload_hash"] or payload_hash
        before = seal(event, signer)
        found.append(canonical_bytes(event))
    return found


def seal(event: Event, signer: Ed25519Signer | None) -> str:
    """Give an event its hash, and a signature if it had one."""
    signature = event.pop("signature", None)
    event.pop("event_hash", None)
    event_hash = hashlib.sha256(HASH_DOMAIN + canonical_bytes(event)).hexdigest()
    event["event_hash"] = event_hash
    if signature is not None:
        event["signature"] = dict(signature)
        if signer is not None:
            signature = event["signature"]
            message = signed_bytes(event_hash, signature["key_id"], signature["signed_at"])
            signature["bytes"] = _text(signer.sign(message))
    return event_hash


def _text(data: bytes) -> str:
    import base64  # noqa: PLC0415 - only here

    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("name", ["plain", "signed"])
def test_a_ledger_as_it_was_written_has_nothing_wrong(
    name: str, request: pytest.FixtureRequest
) -> None:
    """Nor has one that was sealed anew from its own content, by the same key."""
    lines: list[bytes] = request.getfixturevalue(name)
    rules = ChainRules(is_canonical=True)

    assert kinds(lines, rules) == []
    assert kinds(resealed(lines, 1, lambda _: None, kit.signer()), rules) == []


def test_a_failure_has_its_place(plain: list[bytes]) -> None:
    """File, byte and sequence of the line, and what was expected."""
    plain[2] = plain[2].replace(b'"number":2', b'"number":7')

    first = failures_of(plain)[0]

    assert first.path == PATH
    assert first.byte_offset == len(plain[0]) + len(plain[1]) + 2
    assert first.sequence == 2
    assert first.expected != first.observed


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"[1]", b"{}", b'{"a":"\xff"}', b"[" * 5_000])
def test_decode(garbage: bytes, plain: list[bytes]) -> None:
    """A line that is no event; the next one then follows something that is not known."""
    assert kinds([*plain[:2], garbage, *plain[3:]]) == [FailureKind.DECODE, FailureKind.ORPHAN]


def test_decode_of_an_unknown_member(plain: list[bytes]) -> None:
    """A member that the version does not have is not passed over."""
    lines = resealed(plain, 1, lambda event: event.update(extra=1))

    assert kinds(lines)[0] is FailureKind.DECODE


@pytest.mark.parametrize("version", [1, 3, "2", None])
def test_unknown_schema_version(version: object, plain: list[bytes]) -> None:
    """A version that nothing is known of fails, whatever else the line says."""
    lines = resealed(plain, 2, lambda event: event.update(schema_version=version))
    wanted = FailureKind.DECODE if version is None else FailureKind.UNKNOWN_SCHEMA_VERSION

    assert kinds(lines)[0] is wanted


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (b'"number":2', b'"number":2.0'),
        (b'"number":2', b'"number": 2'),
        (b"{", b'{"trace_id":null,'),
    ],
)
def test_not_canonical(written: bytes, instead: bytes, plain: list[bytes]) -> None:
    """The same said in another way, or twice, is found where canonical form is demanded."""
    plain[2] = plain[2].replace(written, instead, 1)

    assert FailureKind.NOT_CANONICAL in kinds(plain, ChainRules(is_canonical=True))


def test_orphan(plain: list[bytes]) -> None:
    """A line that was taken out leaves a link to nothing."""
    del plain[1]

    assert kinds(plain) == [FailureKind.ORPHAN, FailureKind.ORDINAL_GAP]


def test_payload_hash_break(plain: list[bytes]) -> None:
    """Also where everything around it was sealed anew."""
    lines = resealed(plain, 1, lambda event: event.update(payload_hash="0" * 64))

    assert kinds(lines) == [FailureKind.PAYLOAD_HASH]


@pytest.mark.parametrize("member", ["event_type", "recorded_at", "session_id", "source", "id"])
def test_event_hash_break(member: str, plain: list[bytes]) -> None:
    """The hash covers the whole envelope, not only the payload."""
    event = json.loads(plain[2])
    event[member] = {"type": "user"} if member == "source" else "another.v1"
    plain[2] = canonical_bytes(event)

    assert kinds(plain) == [FailureKind.EVENT_HASH]


def test_ordinal_gap(plain: list[bytes]) -> None:
    """A sequence that jumps is found although the chain holds."""
    lines = resealed(plain, 2, lambda event: event.update(sequence=9))

    assert kinds(lines) == [FailureKind.ORDINAL_GAP, FailureKind.ORDINAL_GAP]


@pytest.mark.parametrize(
    ("at", "batch"),
    [
        (1, {"index": 1, "size": 2}),
        (1, {"index": 0, "size": 1}),
        (3, {"index": 0, "size": 9}),
        (4, {"index": 2, "size": 3}),
        (4, {"index": 1, "size": 4}),
        (4, None),
    ],
)
def test_batch_broken(at: int, batch: object, plain: list[bytes]) -> None:
    """Marks that do not follow each other, or say different sizes, or end too early."""

    def change(event: Event) -> None:
        event.pop("batch", None)
        if batch is not None:
            event["batch"] = batch

    assert FailureKind.BATCH_BROKEN in kinds(resealed(plain, at, change))


def test_a_batch_that_ends_with_its_segment_is_broken(plain: list[bytes]) -> None:
    """A segment is closed between batches; a torn end is one as well."""
    found: list[Failure] = []
    check = ChainCheck(found.append)
    list(check.check_block(PATH, 0, plain[:-1]))

    check.end_segment(PATH, 7, b"torn")

    assert [each.kind for each in found] == [FailureKind.TORN, FailureKind.BATCH_BROKEN]
    assert {each.byte_offset for each in found} == {7}


def test_missing_signature(signed: list[bytes]) -> None:
    """A row without one, in a ledger that signs rows."""
    lines = resealed(signed, 2, lambda event: event.pop("signature"), kit.signer())

    assert kinds(lines) == [FailureKind.MISSING_SIGNATURE]


@pytest.mark.parametrize("way", ["other key", "other event", "padded", "garbage", "other name"])
def test_bad_signature(way: str, signed: list[bytes]) -> None:
    """By another key, over another event, in another text form, or under another name."""
    event, other = json.loads(signed[2]), json.loads(signed[1])
    signature = event["signature"]
    if way == "other key":
        message = signed_bytes(event["event_hash"], signature["key_id"], signature["signed_at"])
        signature["bytes"] = _text(kit.signer(9).sign(message))
    elif way == "other name":
        signature["key_id"] = key_name(kit.signer(9).verifier)
    else:
        texts = {"other event": other["signature"]["bytes"], "garbage": "!", "padded": ""}
        signature["bytes"] = texts[way] or signature["bytes"][:-1] + "_"
    signed[2] = canonical_bytes(event)

    assert kinds(signed) == [FailureKind.BAD_SIGNATURE]


def test_unknown_attestation_version(signed: list[bytes]) -> None:
    """A signature of a version that nothing is known of is not believed."""
    event = json.loads(signed[2])
    event["signature"]["schema_version"] = 2
    signed[2] = canonical_bytes(event)

    assert kinds(signed) == [FailureKind.UNKNOWN_ATTESTATION_VERSION]


def test_untrusted_key(signed: list[bytes]) -> None:
    """A ledger vouches for itself only, unless one of its keys is known from elsewhere."""
    mine, other = kit.signer(1).verifier, kit.signer(2).verifier

    assert kinds(signed, ChainRules(trusted=(mine, other))) == []
    assert kinds(signed, ChainRules(trusted=(other,))) == [FailureKind.UNTRUSTED_KEY]


def rotated(folder: Path, signing: Signing = Signing.ROWS) -> list[bytes]:
    """The lines of a ledger whose key was rotated at its second event."""
    kit.created(folder, signing)
    with kit.opened(folder, signing) as ledger:
        ledger.rotate_key(kit.signer(2), kit.ALLOW)
        ledger.append(kit.drafts(1), kit.ALLOW)
    return kit.lines(folder)


@pytest.mark.parametrize("signing", [Signing.ROWS, Signing.HEADS])
def test_a_rotation_is_signed_by_the_key_that_goes(signing: Signing, tmp_path: Path) -> None:
    """Also where rows are not signed otherwise."""
    lines = rotated(tmp_path / "ledger", signing)

    assert kinds(lines) == []
    assert json.loads(lines[1])["event_type"] == KEY_ROTATED
    assert "signature" in json.loads(lines[1])


@pytest.mark.parametrize(
    "way", ["unsigned", "by the new key", "other name", "other before", "garbage"]
)
def test_rotation_refused(way: str, tmp_path: Path) -> None:
    """A key that nobody who could has vouched for does not become the ledger's."""
    lines = rotated(tmp_path / "ledger", Signing.HEADS)
    signer = kit.signer(2 if way == "by the new key" else 1)

    def change(event: Event) -> None:
        payload = event["payload"]
        if way == "unsigned":
            del event["signature"]
        elif way == "other name":
            payload["verifier_key"] = kit.signer(2, "another").verifier.format()
        elif way == "other before":
            payload["previous_key"] = kit.signer(3).verifier.format()
        elif way == "garbage":
            payload["verifier_key"] = "garbage"

    assert FailureKind.ROTATION_REFUSED in kinds(resealed(lines, 1, change, signer))


def test_a_rotation_of_a_ledger_without_keys_is_refused(plain: list[bytes]) -> None:
    """There is no key that could vouch for the new one."""
    key = kit.signer().verifier.format()

    def change(event: Event) -> None:
        event.update(event_type=KEY_ROTATED, payload={"previous_key": key, "verifier_key": key})

    assert kinds(resealed(plain, 1, change)) == [FailureKind.ROTATION_REFUSED]


def test_not_created(plain: list[bytes]) -> None:
    """Nothing, or a ledger whose first event is another one, says not which ledger it is."""
    assert kinds([]) == [FailureKind.NOT_CREATED]
    lines = resealed(plain, 0, lambda event: event.update(event_type="other.v1"))
    assert kinds(lines) == [FailureKind.NOT_CREATED]


@pytest.mark.parametrize("payload", [{}, {"format": 1}, "text"])
def test_not_created_where_the_first_event_is_not_understood(
    payload: object, plain: list[bytes]
) -> None:
    """It is of the right type, and says something else."""
    lines = resealed(plain, 0, lambda event: event.update(payload=payload))

    assert set(kinds(lines)) == {FailureKind.NOT_CREATED}


def test_a_first_row_names_its_own_key(signed: list[bytes]) -> None:
    """One that names none it was signed by is not believed."""

    def change(event: Event) -> None:
        event["payload"]["verifier_key"] = None

    assert FailureKind.BAD_SIGNATURE in kinds(resealed(signed, 0, change, kit.signer()))


def test_a_ledger_is_created_once(plain: list[bytes]) -> None:
    """A second creation, which might name other keys, is refused."""
    created = json.loads(plain[0])["payload"]
    key = kit.signer(9).verifier.format()

    def change(event: Event) -> None:
        event.update(event_type=CREATED, payload={**created, "verifier_key": key})

    assert kinds(resealed(plain, 2, change)) == [FailureKind.NOT_CREATED]


def test_an_own_event_of_another_type_is_only_chained(plain: list[bytes]) -> None:
    """What the chain does not act upon may say anything."""
    lines = resealed(plain, 1, lambda event: event.update(event_type="evidentia.ledger.later.v9"))

    assert kinds(lines) == []


def test_a_change_of_all_that_follows_is_not_found(plain: list[bytes]) -> None:
    """The limit of a chain without keys, which is why heads are kept."""
    lines = resealed(plain, 1, lambda event: event["payload"].update(number=666))

    assert kinds(lines, ChainRules(is_canonical=True)) == []


def test_one_broken_line_does_not_make_every_line_after_it_fail(plain: list[bytes]) -> None:
    """The check goes on from what a line says of itself."""
    plain[1] = plain[1].replace(b'"number":1', b'"number":7')

    assert kinds(plain) == [FailureKind.PAYLOAD_HASH, FailureKind.EVENT_HASH]


def test_a_key_is_named_as_notes_name_it() -> None:
    """Its name and its id."""
    key = kit.signer().verifier

    assert isinstance(key, VerifierKey)
    assert key_name(key) == f"{key.name}+{key.key_id}"
