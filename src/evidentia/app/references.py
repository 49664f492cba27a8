"""Ledgers and their keys as the configuration names them. A key itself never stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidentia.audit.keys import read_reference
from evidentia.audit.places import LEDGER_PACK
from evidentia.errors import ConfigError, ProofError
from evidentia.ledger.values import SEGMENT_BYTES_MAX
from evidentia.proof.keys import (
    Ed25519Signer,
    HmacSigner,
    Verifier,
    parse_signer,
    parse_verifier,
)

_REFERENCES: Final = ("env:", "file:")


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """A ledger of the configuration, or one that the command line names by its folder.

    Attributes:
        key: Where its signing key is: ``env:NAME`` or ``file:PATH``.
        verifier_keys: The keys that it is trusted by: texts of verifier keys, or references.
        is_mirrored: What is appended goes into the store as well.
        required_rules: Rule ids that the policy decision of every append must hold.
        pack: The pack that reads its events into the store, and whose commands append to it.
        base: What relative paths in references are relative to.
        wait_seconds: How long opening it waits while another process appends.
        segment_bytes_max: From this size on, appending begins another segment. Opening reads the
            last one.
    """

    name: str
    folder: Path
    key: str | None = None
    verifier_keys: tuple[str, ...] = ()
    is_mirrored: bool = False
    required_rules: tuple[str, ...] = ()
    pack: str = LEDGER_PACK
    base: Path = Path()
    wait_seconds: float = 0.0
    segment_bytes_max: int = SEGMENT_BYTES_MAX

    def signer(self, environment: Mapping[str, str]) -> Ed25519Signer | HmacSigner | None:
        """The key that signs, if the ledger has one.

        Raises:
            ConfigError: The reference leads to nothing, or to something that is no signing key.
        """
        return None if self.key is None else signer_from(self.key, self.base, environment)

    def trusted(self, environment: Mapping[str, str]) -> tuple[Verifier, ...]:
        """The keys that the ledger is held against: those that are named, and its own signing key.

        Raises:
            ConfigError: One leads to nothing, or to something that is no key.
        """
        signer = self.signer(environment)
        own = () if signer is None else (signer.verifier,)
        named = tuple(verifier_from(text, self.base, environment) for text in self.verifier_keys)
        return tuple(dict.fromkeys((*named, *own)))


def signer_from(
    reference: str, base: Path, environment: Mapping[str, str]
) -> Ed25519Signer | HmacSigner:
    """The signing key that a reference leads to.

    Raises:
        ConfigError: It leads to nothing, or to something that is no signing key.
    """
    try:
        return parse_signer(_key_text(reference, base, environment))
    except ProofError as error:
        raise _no_key(reference, error) from error


def verifier_from(text: str, base: Path, environment: Mapping[str, str]) -> Verifier:
    """The verifier of a key: of its text, or of what a reference leads to.

    A signing key is taken for its public half.

    Raises:
        ConfigError: It is no key.
    """
    is_reference = text.startswith(_REFERENCES)
    key = _key_text(text, base, environment) if is_reference else text
    try:
        if key.startswith("PRIVATE+KEY+"):
            return parse_signer(key).verifier
        return parse_verifier(key)
    except ProofError as error:
        raise _no_key(text if is_reference else "the key that was given", error) from error


def _key_text(reference: str, base: Path, environment: Mapping[str, str]) -> str:
    return read_reference(reference, base, environment).decode("ascii", "replace").strip()


def _no_key(where: str, error: ProofError) -> ConfigError:
    return ConfigError(
        f"this is no key: {error.what}", where=where, fix="make one: evidentia ledger keygen"
    )
