"""Lines that the repair pack must read, one for each shape of row. Nobody's conversation."""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Sample

_DIGEST: Final = "0" * 64

SAMPLES: Final = (
    Sample(
        line=(
            b'{"parentUuid":"u-1","isSidechain":true,"sessionId":"s-1","version":"1.0.98",'
            b'"type":"assistant","message":{"role":"assistant","content":[{"type":"text",'
            b'"text":"done"}]},"uuid":"u-2","timestamp":"2026-01-01T00:00:01.000Z"}'
        ),
        columns={
            "kind": "assistant",
            "event_id": "u-2",
            "ts": 1767225601000000,
            "actor": "assistant",
            "session_id": "s-1",
            "parent_uuid": "u-1",
            "is_sidechain": 1,
            "version": "1.0.98",
            "message_id": None,
        },
    ),
    Sample(
        line=(
            b'{"parentUuid":null,"logicalParentUuid":"u-2","isSidechain":false,"type":"system",'
            b'"subtype":"compact_boundary","content":"compacted","session_id":"s-1","uuid":"u-3",'
            b'"agentId":"a-1","timestamp":"2026-01-01T00:00:02Z"}'
        ),
        columns={
            "kind": "system.compact_boundary",
            "event_id": "u-3",
            "actor": "a-1",
            "session_id": "s-1",
            "parent_uuid": None,
            "logical_parent_uuid": "u-2",
            "is_sidechain": 0,
        },
    ),
    Sample(
        line=b'{"type":"summary","summary":"A talk","leafUuid":"u-2"}',
        columns={"kind": "summary", "event_id": None, "reference": "u-2", "ts": None},
    ),
    Sample(
        line=b'{"sessionId":"s-1","note":"without a type"}',
        columns={"kind": "unknown", "session_id": "s-1"},
    ),
    Sample(
        line=(
            b'{"event_id":"evt_20260101_000003_abcdef","session_id":"s-1",'
            b'"timestamp":"2026-01-01T00:00:03Z","message_id":"u-2","old_parent_uuid":null,'
            b'"new_parent_uuid":"u-1","operator":"user:robin","reason":"lost its parent",'
            b'"similarity_score":0.75,"validation_passed":true,"is_reverted":false,'
            b'"reverts_event_id":null,"event_digest":"' + _DIGEST.encode() + b'"}'
        ),
        columns={
            "kind": "repair.event.bare",
            "event_id": "evt_20260101_000003_abcdef",
            "actor": "user:robin",
            "session_id": "s-1",
            "message_id": "u-2",
            "new_parent_uuid": "u-1",
            "reason": "lost its parent",
            "similarity_score": 0.75,
            "validation_passed": 1,
            "is_revert": 0,
            "event_digest": _DIGEST,
            "digest_standing": "invalid",
        },
    ),
)
