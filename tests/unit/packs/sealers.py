"""Writers of sealed rows, written from the description of the formats and not from our checkers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
from dataclasses import dataclass, field

from blake3 import blake3
from nacl.signing import SigningKey

ZEROS = "0" * 64
SIGNER = SigningKey(bytes(range(32)))
PUBLIC = bytes(SIGNER.verify_key)
STRANGER = SigningKey(bytes(32))


def compact(value: object, *, is_sorted: bool = False, is_ascii: bool = False) -> bytes:
    """JSON without white space."""
    return json.dumps(
        value, sort_keys=is_sorted, ensure_ascii=is_ascii, separators=(",", ":")
    ).encode()


def world_row(row: dict[str, object], secret: bytes | None = None) -> bytes:
    """A row of the game with its checksum, and its HMAC where there is a key."""
    sealed = compact(row, is_ascii=True)
    seal = {"sha256": hashlib.sha256(sealed).hexdigest()}
    if secret is not None:
        seal["hmac"] = hmac.digest(secret, sealed, "sha256").hex()
    return compact({**row, **seal}, is_ascii=True)


@dataclass
class CortexLedger:
    """Rows of version 1."""

    previous: str | None = None
    count: int = 0

    def row(self, payload: object, **more: object) -> dict[str, object]:
        """The next row, as members in wire order."""
        self.count += 1
        payload_hash = blake3(compact(payload, is_sorted=True)).digest()
        before = b"" if self.previous is None else bytes.fromhex(self.previous)
        framed = b"\x01" + struct.pack("<Q", len(before)) + before
        framed += struct.pack("<Q", 32) + payload_hash
        row: dict[str, object] = {
            "id": f"evt_{self.count:04}",
            "schema_version": 1,
            "observed_at": f"2026-01-01T00:00:{self.count:02}Z",
            "recorded_at": f"2026-01-01T00:01:{self.count:02}Z",
            "source": {"type": "tool", "name": "shell"},
            "event_type": "cortex.event.tool_called.v1",
            "trace_id": "trc_1",
            "session_id": "ses_1",
            "domain_tags": ["build", "café"],
            "payload": payload,
            "payload_hash": payload_hash.hex(),
            "prev_event_hash": self.previous,
            "event_hash": blake3(framed).hexdigest(),
            **more,
        }
        self.previous = str(row["event_hash"])
        return row

    def line(self, payload: object, **more: object) -> bytes:
        """The next row as a line."""
        return compact(self.row(payload, **more))


@dataclass
class CorceptLedger:
    """Rows of corcept, with the form of hash asked for. Texts must be ASCII, numbers small."""

    form: str = "current"
    signer: SigningKey | None = None
    previous: str | None = None
    count: int = field(default=0)

    def row(self, **more: object) -> dict[str, object]:
        """The next row, as members in wire order."""
        self.count += 1
        row: dict[str, object] = {
            "schema": "corcept.ledger_event.v1",
            "id": f"evt_{self.count:032x}",
            "ts": f"2026-01-01T00:00:{self.count:02}.000Z",
            "session_id": "ses_2",
            "actor": "corcept-runtime",
            "event_type": "corcept.event.tool_requested.v1",
            "authority_level": "L1_propose",
            "tool": "Bash",
            "target": "git status",
            "decision": "allow",
            "decision_reason": None,
            "evidence_refs": [],
            "prev_hash": self.previous,
            "hash": None,
            "metadata": {"tool_input": {"command": "git status"}},
            **more,
        }
        self.previous = self.hash_of(row)
        row["hash"] = self.previous
        if self.signer is not None:
            row["signature"] = corcept_signature(self.signer, self.previous)
        return row

    def hash_of(self, row: dict[str, object]) -> str:
        """The hash of a row in this ledger's form."""
        plain = {**row, "hash": None}
        plain.pop("signature", None)
        if self.form == "current":
            text = b"corcept:ledger:v1:" + compact(plain, is_sorted=True)
            return "blake3:" + blake3(text).hexdigest()
        if self.form == "former":
            text = b"corcept:ledger:v1:" + compact(plain, is_sorted=True)
        else:
            text = compact(plain)
        return "sha256:" + hashlib.sha256(text).hexdigest()

    def line(self, **more: object) -> bytes:
        """The next row as a line."""
        return compact(self.row(**more))


def corcept_key_id(public_key: bytes) -> str:
    """What a row calls a public key."""
    return "fp:" + blake3(public_key).hexdigest()[:32]


def corcept_signature(signer: SigningKey, row_hash: str) -> dict[str, object]:
    """The signature member of a row."""
    signed = signer.sign(b"corcept:ledger:sign:v1:" + row_hash.encode()).signature
    return {
        "schema_version": 1,
        "key_id": corcept_key_id(bytes(signer.verify_key)),
        "signed_at": "2026-01-01T00:00:00.000Z",
        "bytes": base64.b64encode(signed).decode(),
    }


@dataclass
class ReceiptLog:
    """Receipts of the code generator."""

    signer: SigningKey = SIGNER
    previous: str = ZEROS

    def line(
        self,
        payload: object,
        *,
        schema: str | None = "ggen-receipt/v1",
        v2: object = None,
        is_folded: bool = True,
        **numbers: int,
    ) -> bytes:
        """The next receipt as a line."""
        count = {"instruction_id": 0, "activity_idx": 0, "node_kind": 0, "ts_ns": 0, **numbers}
        raw = compact(payload)
        payload_hash = blake3(raw).digest()
        ids = ["law:" + payload_hash.hex()[:16]]
        meta = blake3(payload_hash + compact(["Green", ids, 2])).digest()
        before = bytes.fromhex(self.previous)
        frame = struct.pack("<Q16x32sQHB32s", count["instruction_id"], meta, count["ts_ns"],
                            count["activity_idx"], count["node_kind"], before)  # fmt: skip
        chain = blake3(before + frame).digest()
        if v2 is not None and is_folded:
            chain = blake3(chain + str(schema).encode() + compact(v2)).digest()
        record: dict[str, object] = {
            "version": 1,
            "instruction_id": count["instruction_id"],
            "activity_idx": count["activity_idx"],
            "activity": "ggen.sync",
            "node_kind": count["node_kind"],
            "ts_ns": count["ts_ns"],
            "payload_hash_hex": payload_hash.hex(),
            "prev_chain_hash_hex": self.previous,
            "chain_hash_hex": chain.hex(),
            "andon": "Green",
            "obligation_count": 2,
            "object_ids": ids,
            "signature_hex": self.signer.sign(chain.hex().encode()).signature.hex(),
        }
        if schema is not None:
            record["schema"] = schema
        if v2 is not None:
            record["v2"] = v2
        self.previous = chain.hex()
        return b'{"record":' + compact(record) + b',"payload":' + raw + b"}"


@dataclass
class AcceptanceLog:
    """Acceptance receipts."""

    previous: str = "genesis"

    def line(self, number: int) -> bytes:
        """The next receipt as a line."""
        row = {
            "receipt": f"acceptance-{number}",
            "pack_content_hash": "blake3:" + ZEROS,
            "repo": "acme/tool",
            "verify": {"tests": "pass"},
            "prev_hash": self.previous,
        }
        line = compact(row)
        self.previous = hashlib.sha256(line + b"\n").hexdigest()
        return line


def edited(line: bytes, old: bytes, new: bytes) -> bytes:
    """A line with one place changed."""
    assert line.count(old) >= 1, (old, line)
    return line.replace(old, new, 1)
