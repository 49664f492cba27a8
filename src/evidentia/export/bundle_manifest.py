"""``manifest.json`` of an audit bundle: what it holds and what may be said of it.

The manifest is a help for readers. Nothing signs it: all that is in it follows from the events, the
heads and the keys, and can be computed from them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evidentia.event.timestamp import format_time
from evidentia.export.bundle_events import Span, Tally
from evidentia.export.bundle_proofs import StoredHead, StoredProof
from evidentia.ledger.statements import Signing
from evidentia.ledger.verifying import LedgerVerdict
from evidentia.proof.claims import Claim, Level, claim_for, sentence_for
from evidentia.proof.note import parse_note

FORMAT_VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of a bundle."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the manifest is made of."""

    verdict: LedgerVerdict
    span: Span
    tally: Tally
    heads: tuple[StoredHead, ...]
    proofs: tuple[StoredProof, ...]
    exported_at: int
    version: str

    @property
    def is_whole(self) -> bool:
        """Whether all events of the ledger are in the bundle."""
        return self.span.count == self.verdict.size

    @property
    def current(self) -> StoredHead | None:
        """The last signed head, if there is one."""
        return next((each for each in self.heads if each.path == "heads/current"), None)

    @property
    def claim(self) -> Claim:
        """What verifying the ledger gave."""
        return claim_for(self.verdict.level or Level.READABLE)

    @property
    def sentence(self) -> str:
        """What may be said of the ledger."""
        verdict = self.verdict
        return sentence_for(self.claim.level, size=verdict.covered, keys=verdict.signers)

    @property
    def missing(self) -> tuple[str, ...]:
        """What a stranger cannot check with this bundle, and why."""
        return tuple(_missing(self))


def _missing(manifest: Manifest) -> list[str]:
    verdict, current, span = manifest.verdict, manifest.current, manifest.span
    found: list[str] = []
    if verdict.signing is Signing.NONE:
        found.append("signatures: this ledger signs nothing, so nobody vouches for its events")
    elif current is None:
        found.append("a signed tree head: this ledger has none yet")
    elif verdict.signing is Signing.HMAC:
        found.append("the secret (HMAC) that the tree head is signed under: only its holders can")
        found[-1] += " check that signature, and could have made it"
    if current is not None and current.head.size < verdict.size:
        found.append(f"a signed tree head over the events from {current.head.size} on")
    if not manifest.is_whole:
        found.append(f"the events before {span.first} and after {span.last}")
        if len(manifest.proofs) < span.count:
            found.append(
                f"proofs of {span.count - len(manifest.proofs)} of the {span.count} events, which"
                " nothing else ties to the tree head"
            )
    return found


def manifest_json(manifest: Manifest, stored: Sequence[StoredFile]) -> bytes:
    """The manifest's bytes; ``stored`` are the bundle's other files."""
    verdict, tally, span = manifest.verdict, manifest.tally, manifest.span
    content = {
        "format_version": FORMAT_VERSION,
        "origin": verdict.origin,
        "signing": verdict.signing.value,
        "exported_at": format_time(manifest.exported_at),
        "exported_by": f"evidentia {manifest.version}",
        "event_count": tally.count,
        "metadata": {
            "total_events": verdict.size,
            "first_sequence": span.first,
            "last_sequence": span.last,
            "event_types": dict(sorted(tally.types.items())),
            "operators": dict(sorted(tally.actors.items())),
            "observed_at": _bounds(tally.observed),
            "recorded_at": _bounds(tally.recorded),
        },
        "digests": {
            "size": verdict.size,
            "root": verdict.root.hex(),
            "chain_head": tally.chain_head,
        },
        "claim": {
            "level": manifest.claim.level.value,
            "name": manifest.claim.name,
            "sentence": manifest.sentence,
            "covered_events": verdict.covered,
            "not_excluded": manifest.claim.cannot_exclude,
        },
        "missing": list(manifest.missing),
        "keys": _keys(manifest),
        "heads": [_head(each) for each in manifest.heads],
        "proofs": [
            {"path": each.path, "id": each.id, "sequence": each.sequence}
            for each in manifest.proofs
        ],
        "files": [
            {"path": each.path, "bytes": each.bytes, "sha256": each.sha256}
            for each in sorted(stored, key=lambda each: each.path)
        ],
    }
    return json.dumps(content, indent=2).encode() + b"\n"


def _bounds(times: Sequence[str]) -> Mapping[str, str]:
    return {"first": times[0], "last": times[1]}


def _keys(manifest: Manifest) -> list[Mapping[str, object]]:
    return [
        {
            "path": f"keys/{number}.txt",
            "verifier_key": span.key,
            "first_sequence": span.first_sequence,
            "last_sequence": span.last_sequence,
        }
        for number, span in enumerate(manifest.verdict.keys, start=1)
    ]


def _head(stored: StoredHead) -> Mapping[str, object]:
    head = stored.head
    signatures = parse_note(stored.note).signatures
    return {
        "path": stored.path,
        "size": head.size,
        "root": head.root.hex(),
        "signed_by": [f"{each.name}+{each.key_id}" for each in signatures],
    }
