"""``README.txt`` of an audit bundle: how a stranger checks it, with commands that fit its content.

The text is in ``stranger/readme.txt``, in sections; which of them apply follows from the bundle.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from evidentia.event.timestamp import format_time
from evidentia.export.bundle_manifest import Manifest
from evidentia.export.bundle_proofs import StoredHead
from evidentia.ledger.layout import segment_files, segment_holding
from evidentia.ledger.statements import Signing
from evidentia.proof.keys import VerifierKey
from evidentia.proof.note import parse_note

_SECTION: Final = re.compile(r"^\[([a-z-]+)\]\n", re.MULTILINE)
_LINES_BEFORE_SIGNATURES: Final = 4
"""Origin, size, root and the empty line."""


def readme(manifest: Manifest) -> str:
    """The text for this bundle."""
    parts = _SECTION.split((files("evidentia.export") / "stranger/readme.txt").read_text("utf-8"))
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    values = _values(manifest)
    text, step = "", 0
    for name in _names(manifest):
        step += "{{STEP}}" in sections[name]
        filled = sections[name].replace("{{STEP}}", str(step))
        for word, value in values.items():
            filled = filled.replace(f"{{{{{word}}}}}", value)
        text += filled
    return text


def _names(manifest: Manifest) -> list[str]:
    """The sections that apply to a bundle."""
    is_signed = manifest.current is not None and manifest.verdict.signing is not Signing.HMAC
    names = ["top", "sums"]
    if is_signed:
        names.append("signature")
    if manifest.is_whole:
        names.append("root-signed" if is_signed else "root-unsigned")
    if manifest.proofs:
        names.append("proof")
    return [*names, "chain"]


def _values(manifest: Manifest) -> Mapping[str, str]:
    verdict, span, current = manifest.verdict, manifest.span, manifest.current
    missing = [f"  missing:             {each}" for each in manifest.missing]
    values = {
        "ORIGIN": verdict.origin,
        "EXPORTED_AT": format_time(manifest.exported_at),
        "VERSION": manifest.version,
        "COUNT": str(span.count),
        "SIZE": str(verdict.size),
        "FIRST": str(span.first),
        "LAST": str(span.last),
        "SENTENCE": manifest.sentence,
        "LEVEL": str(manifest.claim.level.value),
        "LEVEL_NAME": manifest.claim.name,
        "NOT_EXCLUDED": manifest.claim.cannot_exclude,
        "MISSING": "\n".join(missing) or "  missing:             nothing",
        "HEAD_SIZE": str(verdict.size),
        "ROOT": base64.b64encode(verdict.root).decode(),
    }
    if current is not None:
        values["HEAD_SIZE"] = str(current.head.size)
        values["ROOT"] = base64.b64encode(current.head.root).decode()
        values |= _signature(manifest, current)
    return values | _proved(manifest)


def _signature(manifest: Manifest, current: StoredHead) -> dict[str, str]:
    """Which of the ledger's keys signed the head, the latest first, and on which line."""
    labels = [(each.name, each.key_id) for each in parse_note(current.note).signatures]
    for number in range(len(manifest.verdict.keys), 0, -1):
        key = VerifierKey.parse(manifest.verdict.keys[number - 1].key)
        if (key.name, key.key_id) in labels:
            line = _LINES_BEFORE_SIGNATURES + labels.index((key.name, key.key_id)) + 1
            return {"KEY": str(number), "LINE": str(line)}
    return {}


def _proved(manifest: Manifest) -> dict[str, str]:
    """Where the last of the proved events stands that is in the bundle."""
    span = manifest.span
    inside = [each.sequence for each in manifest.proofs if span.first <= each.sequence <= span.last]
    if not inside:
        return {}
    sequence = inside[-1]
    segments = segment_files(manifest.verdict.folder)
    first = max(segment_holding(segments, sequence).first_sequence, span.first)
    return {
        "SEQUENCE": str(sequence),
        "EVENT_FILE": f"{first:020d}.jsonl",
        "EVENT_LINE": str(sequence - first + 1),
    }
