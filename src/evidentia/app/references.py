"""Ledgers and their keys as the configuration names them. A key itself never stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidentia.errors import ConfigError, ProofError
from evidentia.proof.keys import (
    Ed25519Signer,
    HmacSigner,
    Verifier,
    parse_signer,
    parse_verifier,
)

_ENVIRONMENT: Final = "env:"
_FILE: Final = "file:"
_KEY_BYTES_MAX: Final = 4_096
"""Far above any key, far below what somebody would notice reading by mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """A ledger of the configuration, or one that the command line names by its folder.

    Attributes:
        key: Where its signing key is: ``env:NAME`` or ``file:PATH``.
        verifier_keys: The keys that it is trusted by: texts of verifier keys, or references.
        is_mirrored: What is appended goes into the store as well.
        required_rules: Rule ids that the policy decision of every append must hold.
        base: What relative paths in references are relative to.
    """

    name: str
    folder: Path
    key: str | None = None
    verifier_keys: tuple[str, ...] = ()
    is_mirrored: bool = False
    required_rules: tuple[str, ...] = ()
    base: Path = Path()

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
        return parse_signer(read_reference(reference, base, environment))
    except ProofError as error:
        raise _no_key(reference, error) from error


def verifier_from(text: str, base: Path, environment: Mapping[str, str]) -> Verifier:
    """The verifier of a key: of its text, or of what a reference leads to.

    A signing key is taken for its public half.

    Raises:
        ConfigError: It is no key.
    """
    is_reference = text.startswith((_ENVIRONMENT, _FILE))
    key = read_reference(text, base, environment) if is_reference else text
    try:
        if key.startswith("PRIVATE+KEY+"):
            return parse_signer(key).verifier
        return parse_verifier(key)
    except ProofError as error:
        raise _no_key(text if is_reference else "the key that was given", error) from error


def read_reference(reference: str, base: Path, environment: Mapping[str, str]) -> str:
    """The text that ``env:NAME`` or ``file:PATH`` leads to, without a newline at its end.

    Raises:
        ConfigError: It leads to nothing.
    """
    if reference.startswith(_ENVIRONMENT):
        found = environment.get(reference.removeprefix(_ENVIRONMENT), "")
    elif reference.startswith(_FILE):
        found = _content(base / Path(reference.removeprefix(_FILE)).expanduser(), reference)
    else:
        raise ConfigError(
            "a key is named by env:NAME or file:PATH, and stands nowhere else",
            where=repr(reference.partition(":")[0][:20]),
            fix="put the key into a file or a variable, and name that",
        )
    if not found.strip():
        raise ConfigError(
            "the key is empty or not there",
            where=reference,
            fix="set the variable, or fill the file",
        )
    return found.strip()


def _content(path: Path, reference: str) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_KEY_BYTES_MAX).decode("ascii", "replace")
    except OSError as error:
        raise ConfigError(
            f"the key cannot be read: {error.strerror}",
            where=reference,
            fix="make one: evidentia ledger keygen",
        ) from error


def _no_key(where: str, error: ProofError) -> ConfigError:
    return ConfigError(
        f"this is no key: {error.what}", where=where, fix="make one: evidentia ledger keygen"
    )
