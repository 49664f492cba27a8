"""The chain of batches."""

from __future__ import annotations

import dataclasses

import blake3
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evidentia.proof.chain import GENESIS, BatchFacts, BytesDigest, link_batch

INTEGERS = st.integers(-(2**63), 2**63 - 1)
FACTS = st.builds(
    BatchFacts,
    digest=st.binary(max_size=40),
    **{field.name: INTEGERS for field in dataclasses.fields(BatchFacts) if field.name != "digest"},
)
SOME = BatchFacts(
    batch_id=1,
    segment_id=1,
    byte_start=0,
    byte_end=100,
    first_line=1,
    next_line=3,
    event_count=1,
    dead_letter_count=1,
    blank_bytes=0,
    bom_bytes=0,
    nul_bytes=0,
    digest=blake3.blake3(b"some").digest(),
    run_id=1,
    committed_us=1_700_000_000_000_000,
)
KNOWN = "07b724192327cfcaa45b0269c54e52f443e0dfbdd372d5641061c3b59206be80"


@settings(derandomize=True, max_examples=300)
@given(st.binary(max_size=40), FACTS, st.binary(max_size=40), FACTS)
def test_different_batches_have_different_links(
    previous: bytes, facts: BatchFacts, other_previous: bytes, other: BatchFacts
) -> None:
    """No two different pairs of facts and previous link give the same link."""
    assume((previous, facts) != (other_previous, other))

    assert link_batch(previous, facts) != link_batch(other_previous, other)


@settings(derandomize=True, max_examples=100)
@given(FACTS, st.sampled_from([field.name for field in dataclasses.fields(BatchFacts)]), INTEGERS)
def test_every_fact_counts(facts: BatchFacts, name: str, number: int) -> None:
    """Changing any one fact changes the link."""
    value = facts.digest + b"\0" if name == "digest" else number
    assume(getattr(facts, name) != value)

    changed = dataclasses.replace(facts, **{name: value})

    assert link_batch(GENESIS, changed) != link_batch(GENESIS, facts)


@settings(derandomize=True, max_examples=100)
@given(st.binary(max_size=40), st.binary(max_size=40), st.integers(0, 80))
def test_bytes_cannot_move_between_the_previous_link_and_the_digest(
    previous: bytes, digest: bytes, cut: int
) -> None:
    """Each has its length before it, so that their border is part of what is hashed."""
    joined = previous + digest
    facts = dataclasses.replace(SOME, digest=digest)
    moved = dataclasses.replace(SOME, digest=joined[cut:])
    assume(joined[:cut] != previous)

    assert link_batch(joined[:cut], moved) != link_batch(previous, facts)


def test_the_order_of_batches_counts() -> None:
    """The same batches in another order end in another link."""
    other = dataclasses.replace(SOME, batch_id=2, byte_start=100, byte_end=200)

    one_way = link_batch(link_batch(GENESIS, SOME), other)
    other_way = link_batch(link_batch(GENESIS, other), SOME)

    assert one_way != other_way


def test_the_chain_begins_with_zeros() -> None:
    """GENESIS is a constant of the format, and a link is as long as it."""
    assert bytes(32) == GENESIS
    assert len(link_batch(GENESIS, SOME)) == len(GENESIS)


def test_the_format_does_not_change() -> None:
    """A stored chain can be checked by every later version: these bytes are the format."""
    assert link_batch(GENESIS, SOME).hex() == KNOWN


def test_a_link_is_separate_from_every_other_hash() -> None:
    """The context string keeps a link from being the plain hash of the same bytes."""
    parts = [GENESIS, SOME.digest]
    numbers = [value for name, value in dataclasses.asdict(SOME).items() if name != "digest"]
    data = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    data += b"".join(number.to_bytes(8, "big", signed=True) for number in numbers)
    context = "evidentia 2026-11 batch chain link v1"

    assert link_batch(GENESIS, SOME) == blake3.blake3(data, derive_key_context=context).digest()
    assert link_batch(GENESIS, SOME) != blake3.blake3(data).digest()


def test_a_number_beyond_64_bits_is_no_fact() -> None:
    """Facts come from the store, whose integers have 64 bits; anything else is a defect."""
    with pytest.raises(OverflowError):
        link_batch(GENESIS, dataclasses.replace(SOME, byte_end=2**63))


@settings(derandomize=True, max_examples=50)
@given(st.lists(st.binary(max_size=50)))
def test_a_digest_does_not_depend_on_the_pieces(pieces: list[bytes]) -> None:
    """Bytes that arrive in any pieces have the digest of the whole."""
    digest = BytesDigest()
    for piece in pieces:
        digest.update(memoryview(piece))

    assert digest.digest() == blake3.blake3(b"".join(pieces)).digest()
