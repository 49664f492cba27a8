"""What an attacker writes: a ledger's files rewritten by code that shares nothing with evidentia.

The formats are public, so whoever can write to the folder can do this. Only keys are out of reach.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

EVENTS_A_SEGMENT = 10
Event = dict[str, Any]


def canonical(value: object) -> bytes:
    """The RFC 8785 bytes of plain content: ASCII keys, texts and integers."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def read(folder: Path) -> list[bytes]:
    """Every line of a ledger."""
    names = sorted(folder.glob("*.jsonl"))
    return [line for name in names for line in name.read_bytes().splitlines()]


def write(folder: Path, lines: Sequence[bytes]) -> None:
    """Put these lines in the place of a ledger's, and take away what would tell of it."""
    for name in (*folder.glob("*.jsonl"), *folder.glob("*.index"), folder / "acknowledged"):
        name.unlink(missing_ok=True)
    for start in range(0, len(lines), EVENTS_A_SEGMENT):
        part = lines[start : start + EVENTS_A_SEGMENT]
        name = folder / f"{start:020d}.jsonl"
        name.write_bytes(b"".join(line + b"\n" for line in part))


def rechained(
    lines: Sequence[bytes],
    sign: Callable[[Event], None] | None = None,
    begin: int = 0,
) -> list[bytes]:
    """Lines whose sequences, links and hashes are all made anew, from one of them on."""
    done = list(lines[:begin])
    before = json.loads(done[-1])["event_hash"] if done else None
    for sequence, line in enumerate(lines[begin:], start=begin):
        event: Event = json.loads(line)
        seal(event, sequence, before)
        if sign is not None:
            sign(event)
        before = event["event_hash"]
        done.append(canonical(event))
    return done


def seal(event: Event, sequence: int, before: str | None) -> None:
    """Put an event in its place of the chain."""
    signature = event.pop("signature", None)
    event.pop("event_hash", None)
    event["sequence"], event["prev_event_hash"] = sequence, before
    event["payload_hash"] = hashlib.sha256(canonical(event["payload"])).hexdigest()
    event["event_hash"] = digest(canonical(event)).decode()
    if signature is not None:
        event["signature"] = signature


def digest(rest: bytes) -> bytes:
    """The event hash over the line without hash and signature."""
    return hashlib.sha256(b"evidentia ledger event v2\n" + rest).hexdigest().encode()


def root_over(lines: Sequence[bytes]) -> bytes:
    """The RFC 6962 root, straight from its definition."""
    if not lines:
        return hashlib.sha256(b"").digest()
    if len(lines) == 1:
        return hashlib.sha256(b"\0" + lines[0]).digest()
    split = 1 << (len(lines) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root_over(lines[:split]) + root_over(lines[split:])).digest()


class Key:
    """An Ed25519 key in an attacker's hands; the owner's own, where the owner is the attacker."""

    def __init__(self, name: str, seed: bytes) -> None:
        self.name = name
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        material = b"\1" + self._private.public_key().public_bytes_raw()
        self._id = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
        self.text = f"{name}+{self._id.hex()}+{base64.b64encode(material).decode()}"

    def head(self, lines: Sequence[bytes]) -> bytes:
        """A signed tree head over these lines."""
        root = base64.b64encode(root_over(lines)).decode()
        text = f"{self.name}\n{len(lines)}\n{root}\n"
        signature = base64.b64encode(self._id + self._private.sign(text.encode())).decode()
        return f"{text}\n\u2014 {self.name} {signature}\n".encode()

    def sign(self, event: Event) -> None:
        """Sign a row."""
        label, now = f"{self.name}+{self._id.hex()}", event["recorded_at"]
        over = {
            "event_hash": event["event_hash"],
            "key_id": label,
            "schema_version": 1,
            "signed_at": now,
        }
        made = self._private.sign(b"evidentia ledger signature v1\n" + canonical(over))
        event["signature"] = {
            "bytes": base64.urlsafe_b64encode(made).rstrip(b"=").decode(),
            "key_id": label,
            "schema_version": 1,
            "signed_at": now,
        }
