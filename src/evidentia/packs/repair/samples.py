"""Lines that the repair pack must read, one for each shape of row. Nobody's conversation."""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Sample

_DIGEST: Final = "dfe4eaaa7e69f9ac55a1f1aacac07d3f6e1ca3e4d2bc56020e861efd98253688"

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
            "digest_standing": "valid",
        },
    ),
    Sample(
        line=(
            b'{"domain_tags":["repair"],"event_hash":"0bb8915ea91e256f85a7eb86cdc5a51d25ed7fe8'
            b'0a2a62df8aa4f69f5df781e6","event_type":"repair.event.v1","id":"evt_20260101_0000'
            b'04_012345","observed_at":"2026-01-01T00:00:04.000000Z","payload":{"event_digest"'
            b':"3944192b98acd6c39e85ec6f206126dd84cd96600a1b856c13597d0a537a24c9","event_id":"'
            b'evt_20260101_000004_012345","is_reverted":true,"message_id":"u-2","new_parent_uu'
            b'id":null,"old_parent_uuid":"u-1","operator":"agent:mender","reason":"a later row'
            b' is nearer","reverts_event_id":"evt_20260101_000003_abcdef","session_id":"s-1","'
            b'similarity_score":0,"timestamp":"2026-01-01T00:00:04Z","validation_passed":true}'
            b',"payload_hash":"791683c7917bb1ba985d56b31ddef08d4404d98242b3866fb9ec68c3023c65e'
            b'3","prev_event_hash":null,"recorded_at":"2026-01-01T00:00:05.000000Z","schema_ve'
            b'rsion":2,"sequence":0,"session_id":"s-1","source":{"id":"mender","type":"child_a'
            b'gent"},"trace_id":null}'
        ),
        columns={
            "kind": "repair.event.v1",
            "event_id": "evt_20260101_000004_012345",
            "ts": 1767225604000000,
            "actor": "agent:mender",
            "session_id": "s-1",
            "message_id": "u-2",
            "old_parent_uuid": "u-1",
            "new_parent_uuid": None,
            "is_revert": 1,
            "reverts_event_id": "evt_20260101_000003_abcdef",
            "digest_standing": "valid",
            "recorded_at": "2026-01-01T00:00:05.000000Z",
        },
    ),
)
