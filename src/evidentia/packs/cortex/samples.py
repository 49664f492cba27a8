"""Lines that the cortex pack must read, one for each shape of row.

Made with keys and names that belong to nobody; their seals hold.
"""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Sample

SAMPLES: Final = (
    # A Cortex row, version 1.
    Sample(
        line=(
            b'{"id":"evt_0001","schema_version":1,"observed_at":"2026-01-01T00:00:01'
            b'Z","recorded_at":"2026-01-01T00:01:01Z","source":{"type":"tool","name"'
            b':"shell"},"event_type":"cortex.event.tool_called.v1","trace_id":"trc_1'
            b'","session_id":"ses_1","domain_tags":["build","caf\xc3\xa9"],"payload":{"b":'
            b'1,"a":[1.5,"x"]},"payload_hash":"e0443edcc28e27e4bc5615d70975d4370134e'
            b'76375cbd986791c5557ec677167","prev_event_hash":null,"event_hash":"63c0'
            b'7c477625220d1f2b9a32e4ee4c8ee4a01bb0d656aca646c441351d1131c0"}'
        ),
        columns={
            "kind": "cortex.event.tool_called.v1",
            "event_id": "evt_0001",
            "ts": 1767225601000000,
            "actor": "tool:shell",
            "session_id": "ses_1",
            "trace_id": "trc_1",
            "schema_version": 1,
            "sequence": None,
            "recorded_at": "2026-01-01T00:01:01Z",
            "source_type": "tool",
            "domain_tags": '["build","café"]',
            "payload_hash": "e0443edcc28e27e4bc5615d70975d4370134e76375cbd986791c5557ec677167",
            "prev_event_hash": None,
            "event_hash": "63c07c477625220d1f2b9a32e4ee4c8ee4a01bb0d656aca646c441351d1131c0",
            "payload_json": '{"b":1,"a":[1.5,"x"]}',
        },
    ),
    # A signed corcept row.
    Sample(
        line=(
            b'{"schema":"corcept.ledger_event.v1","id":"evt_000000000000000000000000'
            b'00000001","ts":"2026-01-01T00:00:01.000Z","session_id":"ses_2","actor"'
            b':"corcept-runtime","event_type":"corcept.event.tool_requested.v1","aut'
            b'hority_level":"L1_propose","tool":"Bash","target":"git status","decisi'
            b'on":"allow","decision_reason":null,"evidence_refs":[],"prev_hash":null'
            b',"hash":"blake3:d06d7c11981d9482dae440bcd10ec402a4805e009b601e7cb7516a'
            b'293da4c879","metadata":{"tool_input":{"command":"git status"}},"signat'
            b'ure":{"schema_version":1,"key_id":"fp:98ba85304ac639f0f55daab01ad6d592'
            b'","signed_at":"2026-01-01T00:00:00.000Z","bytes":"6Mcz41hC/CIwOHyh5Mbv'
            b'H0AsIXoWirKbE0H1wKC8O+x1hiHoJwB886ASWrLBy5iWNFuopu0s7fd7Fc2i05tdDQ=="}'
            b"}"
        ),
        columns={
            "kind": "corcept.event.tool_requested.v1",
            "event_id": "evt_00000000000000000000000000000001",
            "ts": 1767225601000000,
            "actor": "corcept-runtime",
            "session_id": "ses_2",
            "trace_id": None,
            "schema_version": None,
            "authority_level": "L1_propose",
            "event_hash": "blake3:d06d7c11981d9482dae440bcd10ec402a4805e009b601e7cb7516a293da4c879",
            "signature_key_id": "fp:98ba85304ac639f0f55daab01ad6d592",
            "payload_json": '{"tool_input":{"command":"git status"}}',
        },
    ),
    # A line of evidentia's own ledger, with a payload that is a bare text.
    Sample(
        line=(
            b'{"id":"0190-own","schema_version":2,"observed_at":"2026-01-01T00:00:05'
            b'Z","recorded_at":"2026-01-01T00:00:06Z","source":{"type":"user","id":"'
            b'robin"},"event_type":"note.written.v1","trace_id":null,"session_id":nu'
            b'll,"domain_tags":[],"payload":"a bare text","payload_hash":"0000000000'
            b'000000000000000000000000000000000000000000000000000000","prev_event_ha'
            b'sh":null,"event_hash":"11111111111111111111111111111111111111111111111'
            b'11111111111111111","sequence":0}'
        ),
        columns={
            "kind": "note.written.v1",
            "event_id": "0190-own",
            "ts": 1767225605000000,
            "actor": "user:robin",
            "session_id": None,
            "schema_version": 2,
            "sequence": 0,
            "domain_tags": "[]",
            "payload_json": None,
        },
    ),
)
