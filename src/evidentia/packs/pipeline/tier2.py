"""Tier-2 receipt documents, as the generator writes them, read as records.

A document is one JSON object with a member ``receipt``. It becomes one record:

- ``hashes.manifest`` is ``manifest_hash``, ``hashes.ontology`` is ``ontology_hash``;
- ``total_duration_ms`` is ``duration_ms``;
- each member of ``pipeline_stages`` is one of ``stages``, with the time of the receipt;
- the whole document is ``receipt_json``, word for word.

``determinism_guarantee`` stays in that text and goes nowhere else: real documents guarantee it for
runs that share no hash (CT-02). Whether runs agree is answered by comparing their hashes.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from evidentia.errors import RejectionError
from evidentia.event.canonical import canonical_bytes
from evidentia.event.values import JsonObject, JsonValue

_TAKEN_OVER: Final = (
    "execution_id",
    "agent_id",
    "operation",
    "status",
    "timestamp",
    "files_generated",
    "files_modified",
    "error_message",
    "environment",
)
_OF_STAGES: Final = ("input_size_bytes", "output_size_bytes", "error_message")
_ID_CHARACTERS: Final = 32
_FIX: Final = "give a document as the generator writes it: {receipt: {execution_id: .., ..}}"


def is_document(value: JsonValue) -> bool:
    """Whether a value is such a document, and no record by itself."""
    return isinstance(value, dict) and "receipt" in value


def payload_of(document: JsonValue) -> JsonObject:
    """The record of a document. Its members are yet to be checked.

    Raises:
        RejectionError: It is no such document, or a part of it is no object.
    """
    receipt = _object(document, "receipt")
    hashes = _object(receipt, "hashes") if receipt.get("hashes") is not None else {}
    payload: JsonObject = {name: receipt[name] for name in _TAKEN_OVER if name in receipt}
    payload["duration_ms"] = receipt.get("total_duration_ms")
    payload["manifest_hash"] = hashes.get("manifest")
    payload["ontology_hash"] = hashes.get("ontology")
    payload["stages"] = _stages(receipt)
    payload["receipt_json"] = document
    return {name: value for name, value in payload.items() if value is not None}


def _stages(receipt: JsonObject) -> JsonValue:
    if receipt.get("pipeline_stages") is None:
        return None
    stages = _object(receipt, "pipeline_stages")
    return [_stage(stages, name) for name in stages]


def _stage(stages: JsonObject, name: str) -> JsonObject:
    stage = _object(stages, name)
    return {
        "stage": name,
        "status": stage.get("status"),
        "duration_ms": stage.get("duration_ms"),
        **{each: stage[each] for each in _OF_STAGES if each in stage},
    }


def event_id_of(document: JsonValue) -> str:
    """The id of a document's event: of the same document the same, so that it is recorded once.

    Raises:
        RejectionError: The document is not JSON that a ledger can hold.
    """
    return f"tier2-{sha256(canonical_bytes(document)).hexdigest()[:_ID_CHARACTERS]}"


def _object(value: JsonValue, name: str) -> JsonObject:
    member = value.get(name) if isinstance(value, dict) else None
    if not isinstance(member, dict):
        raise RejectionError(f"{name} is no object", where="receipt document", fix=_FIX)
    return member
