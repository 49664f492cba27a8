"""Audit bundles: a ledger with all that a stranger needs to check it without evidentia.

::

    README.txt      how to check everything, with commands
    manifest.json   what this is: counts, actors, times, digests, keys, and what may be claimed
    SHA256SUMS      every file but itself
    events/         the ledger's segments, byte for byte, or a part of its events
    heads/          ``current``, the last signed tree head; older ones that were handed in
    keys/           each key as a verifier key (.txt) and for openssl (.pem)
    proofs/         ``<sequence>.proof``: that an event is under the current head
    verifier.go     checks signature and root over all events
    inclusion.sh    checks a proof

Equal input, at an equal time and by an equal version, gives equal bytes. Nothing in a bundle is
secret, but what the events say.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from evidentia.errors import EvidentiaError, LedgerDamagedError, LedgerError, UsageError
from evidentia.export.bundle_archive import pack_folder
from evidentia.export.bundle_events import Span, Tally, copy_events
from evidentia.export.bundle_manifest import Manifest, StoredFile, manifest_json
from evidentia.export.bundle_proofs import StoredHead, current_head, write_proofs
from evidentia.export.bundle_readme import readme
from evidentia.ledger.proving import open_view
from evidentia.ledger.verifying import LedgerVerdict
from evidentia.proof.head import parse_head
from evidentia.proof.keys import VerifierKey
from evidentia.proof.note import parse_note

ARCHIVE_SUFFIX: Final = ".tar.gz"
_DER_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of an Ed25519 public key in its DER form (RFC 8410 §4)."""
_PIECE_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRequest:
    """What goes into a bundle.

    Attributes:
        verdict: What verifying the ledger found just now; its claim goes into the manifest.
        heads: Older signed heads, each with where it came from.
        event_ids: Events to be proved; if none is named, all where that takes little time.
        first: The sequence of the first event.
        last: That of the last event; None for the ledger's last one.
        exported_at: UTC microseconds.
        version: The version of evidentia.
    """

    verdict: LedgerVerdict
    heads: tuple[tuple[str, bytes], ...] = ()
    event_ids: tuple[str, ...] = ()
    first: int = 0
    last: int | None = None
    exported_at: int
    version: str

    @property
    def span(self) -> Span:
        """The events.

        Raises:
            UsageError: There are none like that.
        """
        end = self.verdict.size - 1
        last = end if self.last is None else self.last
        if not 0 <= self.first <= last <= end:
            raise UsageError(
                f"there are no events {self.first} to {last}: the ledger has those from 0 to {end}"
            )
        return Span(first=self.first, last=last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle that was written."""

    path: Path
    events: int
    proofs: int
    files: int
    bytes: int
    missing: tuple[str, ...]


@dataclass(slots=True)
class _Parts:
    """What was put into a bundle so far."""

    folder: Path
    stored: list[StoredFile] = field(default_factory=list)

    def add(self, name: str, content: bytes) -> None:
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        self.take(name)

    def take(self, name: str) -> None:
        """Take a file into account that is there."""
        path, digest = self.folder / name, hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
        size = path.stat().st_size
        self.stored.append(StoredFile(path=name, bytes=size, sha256=digest.hexdigest()))


def export_audit(request: BundleRequest, output: Path) -> Bundle:
    """Write a bundle into a folder, or into a ``.tar.gz`` file, that is not there yet.

    Raises:
        UsageError: The output exists, or an event or a range does not.
        LedgerDamagedError: The ledger does not hold, so nothing is handed on.
        LedgerError: It cannot be read, or was appended to meanwhile.
        EvidentiaError: The output cannot be written.
    """
    _require_sound(request.verdict)
    span = request.span
    is_archive = output.name.endswith(ARCHIVE_SUFFIX)
    try:
        return (_write_archive if is_archive else _write_folder)(request, span, output)
    except FileExistsError as error:
        raise UsageError(
            "this exists and is not overwritten",
            where=str(output),
            fix="name another one with --output",
        ) from error
    except OSError as error:
        raise EvidentiaError(
            f"the bundle cannot be written: {error.strerror or error}", where=str(output)
        ) from error


def _write_archive(request: BundleRequest, span: Span, output: Path) -> Bundle:
    with output.open("xb") as file, _gone_on_failure(output):
        with TemporaryDirectory(dir=output.parent, prefix=".evidentia-") as scratch:
            folder = Path(scratch) / output.name.removesuffix(ARCHIVE_SUFFIX)
            folder.mkdir()
            bundle = _write(request, span, folder, output)
            pack_folder(folder, file, request.exported_at)
        return bundle


def _write_folder(request: BundleRequest, span: Span, output: Path) -> Bundle:
    output.mkdir()
    with _gone_on_failure(output):
        return _write(request, span, output, output)


@contextmanager
def _gone_on_failure(output: Path) -> Iterator[None]:
    """Half a bundle is none."""
    try:
        yield
    except BaseException:
        if output.is_dir():
            shutil.rmtree(output, ignore_errors=True)
        else:
            output.unlink(missing_ok=True)
        raise


def _require_sound(verdict: LedgerVerdict) -> None:
    if verdict.level is None:
        raise LedgerDamagedError(
            "the ledger does not hold, so it is not handed on as if it did",
            where=str(verdict.folder),
            fix="see everything that is wrong: evidentia ledger verify",
        )


def _write(request: BundleRequest, span: Span, folder: Path, output: Path) -> Bundle:
    verdict, parts = request.verdict, _Parts(folder)
    tally = copy_events(verdict, span, folder / "events")
    for path in sorted((folder / "events").iterdir()):
        parts.take(f"events/{path.name}")
    keys = [VerifierKey.parse(each.key) for each in verdict.keys]
    _add_keys(parts, keys)
    heads = _add_heads(parts, request)
    view = open_view(verdict.folder)
    proofs = write_proofs(view, heads, span, request.event_ids)
    for proof in proofs:
        parts.add(proof.path, proof.text)
    for name in ("inclusion.sh", "verifier.go"):
        parts.add(name, (files("evidentia.export") / "stranger" / name).read_bytes())
    manifest = Manifest(
        verdict=verdict,
        span=span,
        tally=tally,
        heads=heads,
        proofs=proofs,
        exported_at=request.exported_at,
        version=request.version,
    )
    parts.add("README.txt", readme(manifest).encode())
    parts.add("manifest.json", manifest_json(manifest, parts.stored))
    _add_sums(parts)
    return _bundle(parts, output, tally, manifest)


def _bundle(parts: _Parts, output: Path, tally: Tally, manifest: Manifest) -> Bundle:
    return Bundle(
        path=output,
        events=tally.count,
        proofs=len(manifest.proofs),
        files=len(parts.stored),
        bytes=sum(each.bytes for each in parts.stored),
        missing=manifest.missing,
    )


def _add_keys(parts: _Parts, keys: list[VerifierKey]) -> None:
    for number, key in enumerate(keys, start=1):
        text = base64.b64encode(_DER_PREFIX + key.public).decode()
        pem = f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"
        parts.add(f"keys/{number}.txt", f"{key.format()}\n".encode())
        parts.add(f"keys/{number}.pem", pem.encode())


def _add_heads(parts: _Parts, request: BundleRequest) -> tuple[StoredHead, ...]:
    """The current head first, if there is one, then those that were handed in, by size."""
    verdict = request.verdict
    found = current_head(verdict)
    heads = [] if found is None else [StoredHead(path="heads/current", note=found)]
    older = sorted((parse_head(parse_note(note).text)[0].size, note) for _, note in request.heads)
    for number, (size, note) in enumerate(older, start=1):
        heads.append(StoredHead(path=f"heads/{number}-of-{size}", note=note))
    for head in heads:
        parts.add(head.path, head.note)
        if head.head.size > verdict.size:
            raise LedgerError(
                "the ledger was appended to while it was exported",
                where=str(verdict.folder),
                fix="run it again",
            )
    return tuple(heads)


def _add_sums(parts: _Parts) -> None:
    lines = [f"{each.sha256}  {each.path}\n" for each in sorted(parts.stored, key=_by_path)]
    parts.add("SHA256SUMS", "".join(lines).encode())


def _by_path(stored: StoredFile) -> str:
    return stored.path
