"""What may be said about evidence."""

from __future__ import annotations

import dataclasses

import pytest

from evidentia.proof.claims import Level, claim_for, sentence_for

FORBIDDEN = ("immutable", "tamper-proof", "tamperproof", "complete", "secure", "guarantee")


@pytest.mark.parametrize("level", list(Level))
def test_every_level_says_what_it_cannot_exclude(level: Level) -> None:
    """Invariant 7: no claim without its limits."""
    claim = claim_for(level)

    assert claim.level is level
    assert claim.name
    assert claim.sentence
    assert claim.cannot_exclude


@pytest.mark.parametrize("level", list(Level))
def test_no_claim_uses_a_word_that_nothing_can_keep(level: Level) -> None:
    """Invariant 7: never 'immutable', 'tamper-proof' or 'complete'."""
    words = " ".join(str(value) for value in dataclasses.asdict(claim_for(level)).values()).lower()

    assert not [word for word in FORBIDDEN if word in words]


def test_levels_are_ordered_by_strength() -> None:
    """A higher level promises more, so the level reached is a minimum over the parts."""
    assert sorted(Level) == list(Level)
    assert Level.CHAIN < Level.HEAD < Level.HMAC < Level.SIGNED


def test_the_sentences_are_those_of_the_claim_table() -> None:
    """The words are fixed: reports and documents repeat them exactly."""
    assert {level: (claim_for(level).name, claim_for(level).sentence) for level in Level} == {
        Level.READABLE: ("readable", "readable"),
        Level.CHECKSUM: ("checksum", "no accidental damage found"),
        Level.CHAIN: ("hash chain", "internally consistent"),
        Level.HEAD: ("head kept elsewhere", "unchanged since head N, if that copy is honest"),
        Level.HMAC: ("HMAC", "unchanged as far as key holders are trusted"),
        Level.SIGNED: ("signed", "operator K vouches for exactly these N events"),
    }


def test_a_sentence_about_a_head_names_its_size_and_keys() -> None:
    """N and K are words of their own; a key's name is put in as it is."""
    keys = ("ledger.example/N", "ledger.example/K")

    assert sentence_for(Level.HEAD, size=7) == "unchanged since head 7, if that copy is honest"
    assert (
        sentence_for(Level.SIGNED, size=0, keys=keys)
        == "operator ledger.example/N, ledger.example/K vouches for exactly these 0 events"
    )
    assert sentence_for(Level.CHAIN, size=7) == claim_for(Level.CHAIN).sentence
