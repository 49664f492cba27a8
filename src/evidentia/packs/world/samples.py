"""Lines that the world pack must read, one for each shape of log.

Written by hand: the addresses, names and ids belong to nobody.
"""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Sample

SAMPLES: Final = (
    # growth_events: an offer that was turned down.
    Sample(
        line=(
            b'{"event_id":"ge_0123456789ab",'
            b'"ts":"2026-02-08T18:50:26.512042+00:00",'
            b'"event_type":"growth.offer.rejected","actor":"gardener",'
            b'"window_key":"2026-02-08T18","offer_id":"off_0123456789ab",'
            b'"detail":{"reason":"budget used up"},"sha256":"aaaaaaaaaaaaaaaaaaaaaaa'
            b'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'
        ),
        columns={
            "kind": "growth.offer.rejected",
            "event_id": "ge_0123456789ab",
            "ts": 1_770_576_626_512_042,
            "actor": "gardener",
            "window_key": "2026-02-08T18",
            "offer_id": "off_0123456789ab",
            "apply_id": None,
            "decision": "rejected",
            "reason": "budget used up",
            "payload_json": '{"reason":"budget used up"}',
        },
    ),
    # growth_events: an apply.
    Sample(
        line=(
            b'{"event_id":"ge_0123456789ac","ts":"2026-02-08T18:51:00+00:00",'
            b'"event_type":"growth.apply.started","actor":"gardener",'
            b'"window_key":"2026-02-08","offer_id":"off_0123456789ab",'
            b'"apply_id":"app_1","sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
            b'aaaaaaaaaaaaaaaaaaaaaaa"}'
        ),
        columns={
            "kind": "growth.apply.started",
            "apply_id": "app_1",
            "window_key": "2026-02-08",
            "decision": None,
            "payload_json": None,
        },
    ),
    # heartbeat: no kind at all.
    Sample(
        line=(
            b'{"ts":"2026-02-08T18:50:26.511568+00:00","tick_id":"hb_0123456789ab",'
            b'"player_id":"Robin","room":{"id":"meadow",'
            b'"name":"The Meadow"},"snapshot":{"exits":["north"],"npcs":1,"players":'
            b'1,"items":2},"world_summary":{"total_rooms":10,"total_npcs":4,"total_p'
            b'layers":1},"explored_rooms":0,"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
            b'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'
        ),
        columns={
            "kind": "heartbeat",
            "event_id": "hb_0123456789ab",
            "actor": "Robin",
            "room_id": "meadow",
            "payload_json": '{"exits":["north"],"npcs":1,"players":1,"items":2}',
        },
    ),
    # bruce_activity.
    Sample(
        line=(
            b'{"ts":"2026-02-08T18:51:16.548449+00:00",'
            b'"event_id":"ba_0123456789ab","action":"move","room":{"id":"grove",'
            b'"name":"The Grove"},"detail":{"direction":"west","result":"moved",'
            b'"from_room":"meadow"},"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
            b'aaaaaaaaaaaaaaaaaaaaaaaaaa"}'
        ),
        columns={
            "kind": "move",
            "event_id": "ba_0123456789ab",
            "actor": None,
            "room_id": "grove",
            "decision": None,
        },
    ),
    # event_log of the build loop: the same id is written twice on purpose.
    Sample(
        line=(
            b'{"ts": "2026-02-08T03:28:35.770730+00:00", "id": "evt_0123456789ab",'
            b' "actor": "Robin", "mode": "BUILD", "verb": "dev buildstub",'
            b' "args": {"raw": ""}, "result": "pending",'
            b' "durable": false, "patch": null, "tests": null, "ohp": null, "error":'
            b" null}"
        ),
        columns={
            "kind": "dev buildstub",
            "event_id": "evt_0123456789ab",
            "actor": "Robin",
            "mode": "BUILD",
            "decision": "pending",
            "writer_id": None,
            "payload_json": '{"raw":""}',
        },
    ),
    # bruce_memory: the room is a text; no zone, so no time is guessed.
    Sample(
        line=(
            b'{"ts":"2026-02-08T03:28:35","source":"player_chat","content":"hello",'
            b'"player":"Robin","room":"meadow","metadata":{"mood":"calm"}}'
        ),
        columns={
            "kind": "player_chat",
            "ts": None,
            "ts_text": "2026-02-08T03:28:35",
            "actor": "Robin",
            "room_id": "meadow",
            "payload_json": '{"mood":"calm"}',
        },
    ),
    # bot_audit.
    Sample(
        line=(
            b'{"ts":"2026-02-08T19:00:00+00:00","actor_id":"bot_1",'
            b'"role":"visitor","source":"ai_player","cmd_text":"build a castle",'
            b'"result":"rate_limited","reason":"five commands a minute"}'
        ),
        columns={
            "kind": "bot.rate_limited",
            "actor": "bot_1",
            "role": "visitor",
            "decision": "rate_limited",
            "reason": "five commands a minute",
        },
    ),
    # The build environment: a check that was refused.
    Sample(
        line=(
            b'{"actor": "Robin", "event_type": "permission_check",'
            b' "action": "create_room", "level": "BUILD", "result": "denied",'
            b' "reason": "not armed",'
            b' "armed": false, "consent": false, "details": {"room_name": "Tavern"},'
            b' "ts": "2026-02-08T02:26:28.720999Z", "id": "evt_1770517588721"}'
        ),
        columns={
            "kind": "permission_check",
            "event_id": "evt_1770517588721",
            "ts": 1_770_517_588_720_999,
            "actor": "Robin",
            "decision": "denied",
            "reason": "not armed",
            "writer_id": None,
        },
    ),
    # The build environment: two ids, and both are kept.
    Sample(
        line=(
            b'{"actor": "Robin", "event_type": "build_result",'
            b' "event_id": "build_1770517650938", "verb": "room",'
            b' "result": "success", "patch_file": "evidence/patches/build_1770517650'
            b'938.diff", "ts": "2026-02-08T02:27:30.938818Z",'
            b' "id": "evt_1770517650938"}'
        ),
        columns={
            "kind": "build_result",
            "event_id": "build_1770517650938",
            "writer_id": "evt_1770517650938",
            "decision": "success",
        },
    ),
    # The build environment: a session's state.
    Sample(
        line=(
            b'{"actor": "Robin", "event_type": "session_start",'
            b' "state": {"player": "Robin", "mode": "PLAN",'
            b' "armed": false, "consent": false}, "ts": "2026-02-08T02:26:00.702319Z'
            b'", "id": "evt_1770517560702"}'
        ),
        columns={
            "kind": "session_start",
            "mode": None,
            "payload_json": '{"player":"Robin","mode":"PLAN","armed":false,"consent":false}',
        },
    ),
    # The marker that a rotation leaves in the new file.
    Sample(
        line=(
            b'{"ts":"2026-02-08T20:00:00+00:00","event":"log_rotated",'
            b'"rotated_to":"heartbeat.jsonl.1","previous_size":5242903}'
        ),
        columns={
            "kind": "log_rotated",
            "event_id": None,
            "actor": None,
        },
    ),
)
