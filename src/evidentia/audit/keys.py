"""Keys for foreign seals, by reference: the configuration names where a key is, never the key."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidentia.audit.values import SealOptions
from evidentia.errors import ConfigError
from evidentia.pack.seal import KEY_BYTES, SealKeys, digest_of

KEY_FILE_BYTES_MAX: Final = 4_096
"""Far above any key, far below what somebody would notice reading by mistake."""
_ENVIRONMENT: Final = "env:"
_FILE: Final = "file:"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealReferences:
    """What the configuration says of one log's seals.

    Attributes:
        is_sealed: A row without a seal is a finding.
        keys: ``env:NAME`` or ``file:PATH``, each.
        is_legacy_allowed: Older forms of a hash are accepted, at a lower level.
        folder: What a relative path is relative to.
    """

    is_sealed: bool = False
    keys: tuple[str, ...] = ()
    is_legacy_allowed: bool = False
    folder: Path = Path()


def read_seal_options(references: SealReferences, environment: Mapping[str, str]) -> SealOptions:
    """How a log's seals are checked, with the keys themselves.

    A value is taken as a secret as it stands, and as a public key where it is 32 bytes, or their
    hexadecimal or base64 text. Which of the two is asked for depends on the log's scheme.

    Raises:
        ConfigError: A reference is malformed, or leads to nothing.
    """
    values = dict(_values(references, environment))
    return SealOptions(
        is_sealed=references.is_sealed,
        keys=SealKeys(
            public_keys=dict(_public_keys(values.items())),
            secrets=tuple(values.values()),
            is_signature_required=references.is_sealed and bool(values),
            is_legacy_allowed=references.is_legacy_allowed,
        ),
    )


def _values(
    references: SealReferences, environment: Mapping[str, str]
) -> Iterator[tuple[str, bytes]]:
    for reference in references.keys:
        yield reference, read_reference(reference, references.folder, environment)


def read_reference(reference: str, folder: Path, environment: Mapping[str, str]) -> bytes:
    """The key that ``env:NAME`` or ``file:PATH`` leads to.

    A newline at its end is left out, but for a key of 32 bytes, which is a key whatever they are.

    Raises:
        ConfigError: The reference is malformed, or leads to nothing.
    """
    if reference.startswith(_ENVIRONMENT):
        name = reference.removeprefix(_ENVIRONMENT)
        # The bytes as the environment has them: a key need not be UTF-8.
        value = environment.get(name, "").encode(errors="surrogateescape")
    elif reference.startswith(_FILE):
        path = Path(reference.removeprefix(_FILE)).expanduser()
        value = _content(folder / path, reference)
    else:
        # Without a place: what stands there may be the key.
        raise ConfigError(
            "a key is named by env:NAME or file:PATH, and stands nowhere else",
            fix="put the key into a file or a variable and name that",
        )
    if not value.strip():
        raise ConfigError(
            "the key is empty or not there",
            where=reference,
            fix="set the variable, or fill the file",
        )
    return value


def _content(path: Path, reference: str) -> bytes:
    try:
        with path.open("rb") as file:
            value = file.read(KEY_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"the key cannot be read: {error.strerror}", where=reference) from error
    if len(value) > KEY_FILE_BYTES_MAX:
        raise ConfigError(f"the key has more than {KEY_FILE_BYTES_MAX:,} bytes", where=reference)
    return value if len(value) == KEY_BYTES else value.rstrip(b"\r\n")


def _public_keys(values: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    for name, value in values:
        key = value if len(value) == KEY_BYTES else _decoded(value)
        if key is not None:
            yield name, key


def _decoded(value: bytes) -> bytes | None:
    text = value.decode("ascii", errors="replace").strip()
    key = digest_of(text.lower())
    if key is None:
        try:
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            return None
    return key if len(key) == KEY_BYTES else None
