"""What the check of a pack finds in its seal schemes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from evidentia.errors import PackError
from evidentia.event.fieldmap import FieldMap
from evidentia.pack.conformance import assert_pack_conforms, check_pack
from evidentia.pack.contract import Pack, Sample
from evidentia.pack.seal import (
    SealKeys,
    SealReading,
    SealReason,
    SealScheme,
    SealVerdict,
    read_members,
)
from evidentia.pack.seal_conformance import HOSTILE_LINES, bent_lines
from evidentia.proof.claims import Level

LINE = b'{"kind":"a","seal":{"hash":"x"}}'
VALID = SealReading(verdict=SealVerdict.VALID, level=Level.CHECKSUM)


class Checker:
    """Gives what it was told to give."""

    def __init__(self, give: Callable[[bytes], object]) -> None:
        self._give = give

    def check(self, raw: bytes) -> SealReading:
        """The reading for a line."""
        return self._give(raw)  # type: ignore[return-value]


def scheme(give: Callable[[bytes], object] = lambda _raw: VALID, **changes: object) -> SealScheme:
    """A scheme that keeps the contract but for the changes."""
    good = SealScheme(
        name="acme.sum",
        title="a sum",
        covers=("the row",),
        does_not_cover=("the order",),
        recognises=lambda raw: b"seal" in raw,
        checker=lambda _keys: Checker(give),
    )
    return replace(good, **changes)  # type: ignore[arg-type]


def pack(*schemes: SealScheme) -> Pack:
    """A pack with these schemes."""
    return Pack(
        name="acme",
        version=1,
        title="Acme",
        fields=FieldMap(kind=("kind",)),
        samples=(Sample(line=LINE, columns={"kind": "a"}),),
        seals=schemes,
    )


def test_a_scheme_that_keeps_the_contract_has_no_problem() -> None:
    """Nothing is said against a good scheme, nor against a pack without any."""
    assert check_pack(pack(scheme())) == ()
    assert check_pack(pack()) == ()


def _raise_on_numbers(raw: bytes) -> object:
    members = read_members(raw) or {}
    return VALID if members.get("seal", b"{}").startswith(b"{") else members["nothing"]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (scheme(_raise_on_numbers), "raises KeyError"),
        (scheme(recognises=lambda raw: raw[0] == 1), "raises IndexError"),
        (scheme(head=lambda raw: raw.decode()), "raises UnicodeDecodeError"),
        (scheme(recognises=lambda raw: 1 if b"seal" in raw else 0), "wrong type"),
        (scheme(head=lambda raw: raw), "wrong type"),
        (scheme(lambda _raw: None), "gives a NoneType"),
        (scheme(lambda _raw: SealReading(verdict=SealVerdict.INVALID)), "without a reason"),
        (
            scheme(
                lambda _raw: SealReading(
                    verdict=SealVerdict.INVALID, reason=SealReason.DECODE, level=Level.CHAIN
                )
            ),
            "invalid with a level",
        ),
        (
            scheme(lambda _raw: SealReading(verdict=SealVerdict.VALID, level=Level.SIGNED)),
            "without any key",
        ),
        (scheme(recognises=lambda _raw: False), "no sample"),
        (scheme(name="other.sum"), "not called acme."),
        (scheme(name="acme.Sum"), "not called acme."),
        (scheme(does_not_cover=()), "does not say"),
        (scheme(covers=(" ",)), "does not say"),
    ],
)
def test_a_scheme_that_breaks_the_contract_is_named(bad: SealScheme, words: str) -> None:
    """Raising, wrong types, claims without a key and missing words are each found."""
    (problem,) = check_pack(pack(bad))

    assert words in problem
    with pytest.raises(PackError, match="breaks its contract"):
        assert_pack_conforms(pack(bad))


def test_a_name_is_used_once() -> None:
    """Two schemes of one name could not be told apart in a report."""
    assert check_pack(pack(scheme(), scheme())) == ("seal 'acme.sum' is declared twice",)


def test_keys_are_tried_as_well() -> None:
    """A checker that only raises once it has keys is found too."""
    bad = scheme(checker=lambda keys: Checker(lambda _raw: _fails(keys)))

    assert "raises ZeroDivisionError" in check_pack(pack(bad))[0]


def _fails(keys: SealKeys) -> SealReading:
    return VALID if not keys.secrets else replace(VALID, detail=str(1 // len(keys.secrets[0])))


def test_bent_lines_bend_every_member() -> None:
    """Each member, and each of a nested object, is taken out and replaced."""
    bent = set(bent_lines(LINE))

    assert {
        b'{"kind":"a"}',
        b'{"kind":"a","seal":{}}',
        b'{"kind":null,"seal":{"hash":"x"}}',
    } <= bent
    assert b'{"kind":"a","seal":{"hash":1.5}}' in bent
    assert b"" in HOSTILE_LINES
