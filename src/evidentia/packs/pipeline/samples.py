"""Lines that the pipeline pack must read, one for each shape of row.

Made with keys and names that belong to nobody; their seals hold.
"""

from __future__ import annotations

from typing import Final

from evidentia.pack.contract import Sample

SAMPLES: Final = (
    # A receipt without a time.
    Sample(
        line=(
            b'{"record":{"version":1,"instruction_id":0,"activity_idx":0,"activity":'
            b'"ggen.sync","node_kind":0,"ts_ns":0,"payload_hash_hex":"7c616cba984df8'
            b'9922b1921cbd4d004a734fc1098c3b9fe71493340b4b9313e2","prev_chain_hash_h'
            b'ex":"0000000000000000000000000000000000000000000000000000000000000000"'
            b',"chain_hash_hex":"8888a14ed2caaae2cfd0c2b6206c8bf0a6ef5b64063ea75ed0c'
            b'ee1f098cfbad0","andon":"Green","obligation_count":2,"object_ids":["law'
            b':7c616cba984df899"],"signature_hex":"47e0ea7fc58a1db7535c270d8351d4a1d'
            b"4ad5df037f1a48e1ac27d7928b5e193f97845bdee372e982c50f66f0c113722be39b52"
            b'2743cd0282640a17ad395d40b","schema":"ggen-receipt/v1"},"payload":{"gra'
            b'ph_hash":"00"}}'
        ),
        columns={
            "kind": "ggen.sync",
            "event_id": ("8888a14ed2caaae2cfd0c2b6206c8bf0a6ef5b64063ea75ed0cee1f098cfbad0"),
            "ts": None,
            "ts_text": None,
            "actor": None,
            "receipt_schema": "ggen-receipt/v1",
            "instruction_id": 0,
            "andon": "Green",
            "obligation_count": 2,
            "payload_hash_hex": (
                "7c616cba984df89922b1921cbd4d004a734fc1098c3b9fe71493340b4b9313e2"
            ),
            "prev_chain_hash_hex": (
                "0000000000000000000000000000000000000000000000000000000000000000"
            ),
            "payload_json": '{"graph_hash":"00"}',
        },
    ),
    # A receipt with a folded v2 block and a time.
    Sample(
        line=(
            b'{"record":{"version":1,"instruction_id":7,"activity_idx":0,"activity":'
            b'"ggen.sync","node_kind":0,"ts_ns":1767225601000000000,"payload_hash_he'
            b'x":"7cecc6cb2983f6964160614f89e6f1a25719737a0df1ccc9e3fc203e3db2c24e",'
            b'"prev_chain_hash_hex":"8888a14ed2caaae2cfd0c2b6206c8bf0a6ef5b64063ea75'
            b'ed0cee1f098cfbad0","chain_hash_hex":"aa07ef7b9674e54100298f880dd6119ac'
            b'81c04065fc369a7f678d3826121a6a4","andon":"Green","obligation_count":2,'
            b'"object_ids":["law:7cecc6cb2983f696"],"signature_hex":"d336a12e84a0478'
            b"d3a68fc440d43210134cbc7665de2976dd21a90169f0a225783697114e664ac747bbcc"
            b'f6238aa02a2ab3bd06d7fff68145c7944b781cefe06","schema":"ggen-receipt/v2'
            b'","v2":{"admission":{}}},"payload":{"graph_hash":"01"}}'
        ),
        columns={
            "kind": "ggen.sync",
            "ts": 1767225601000000,
            "receipt_schema": "ggen-receipt/v2",
            "instruction_id": 7,
            "prev_chain_hash_hex": (
                "8888a14ed2caaae2cfd0c2b6206c8bf0a6ef5b64063ea75ed0cee1f098cfbad0"
            ),
        },
    ),
    # An acceptance receipt.
    Sample(
        line=(
            b'{"receipt":"acceptance-1","pack_content_hash":"blake3:0000000000000000'
            b'000000000000000000000000000000000000000000000000","repo":"acme/tool","'
            b'verify":{"tests":"pass"},"prev_hash":"genesis"}'
        ),
        columns={
            "kind": "acceptance",
            "event_id": None,
            "andon": None,
            "payload_json": '{"tests":"pass"}',
        },
    ),
)
