"""Lines for the rows 38 to 55 of the matrix, each with what must become of it. All made here."""

from __future__ import annotations

import json
from typing import Final

EVENT: Final = "event"
BLANK: Final = "blank"

_ESCAPES: Final = (
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "\u202egpj.exe",
    "\u2028\u2029\x85",
    "=cmd|'/c calc'!A1",
    "<script>alert(1)</script>",
    "${jndi:ldap://x}",
    "[red]markup[/red] [link=file:///etc/passwd]x[/link]",
    "%s %n {0} {self}",
)


def _object(**members: object) -> bytes:
    return json.dumps(members, ensure_ascii=False).encode()


LINES: Final[tuple[tuple[str, str, bytes], ...]] = (
    ("M38", EVENT, b'{"kind":"crlf"}\r'),
    ("M38", EVENT, b'{"kind":\r"lone carriage return"}'),
    ("M38", EVENT, b'{"kind":"two"}\r\r'),
    ("M38", EVENT, '{"kind":"line \u2028 and \u2029 and \x85 in it"}'.encode()),
    ("M39", "bom", b'\xef\xbb\xbf{"kind":"two files joined"}'),
    ("M41", "not_utf8", b'{"kind":"\xff"}'),
    ("M41", "not_utf8", b'{"kind":"overlong \xc0\xaf"}'),
    ("M41", "not_utf8", b'{"kind":"cesu \xed\xa0\xbd\xed\xb8\x80"}'),
    ("M41", "not_utf8", b'{"kind":"cut \xe2\x82"}'),
    ("M41", "not_utf8", b"\x80\x81\x82"),
    ("M42", "lone_surrogate", b'{"kind":"\\ud800"}'),
    ("M42", "lone_surrogate", b'{"\\udc00":1}'),
    ("M42", EVENT, b'{"kind":"\\ud83d\\ude00"}'),
    ("M43", EVENT, b'{"kind":"nul \\u0000 in value","\\u0000":"and key"}'),
    ("M44", "control", b'{"kind":"bell \x07"}'),
    ("M44", "control", b'{"kind":"tab\there"}'),
    ("M44", "control", b'{"kind":"nul \x00 inside"}'),
    ("M46", EVENT, b'{"a":' * 199 + b"1" + b"}" * 199),
    ("M46", "depth", b'{"a":' + b"[" * 300 + b"]" * 300 + b"}"),
    ("M46", "depth", b'{"a":' + b"[" * 1_025 + b"]" * 1_025 + b"}"),
    ("M46", "depth", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ("M46", "depth", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    ("M47", "duplicate_key", b'{"kind":"a","kind":"b"}'),
    ("M47", "duplicate_key", b'{"a":{"b":1,"b":2}}'),
    ("M47", "duplicate_key", b'{"a":1,"\\u0061":2}'),
    ("M47", EVENT, '{"\u00e9":1,"e\u0301":2,"A":3,"a":4}'.encode()),
    ("M48", "number", b'{"a":NaN}'),
    ("M48", "number", b'{"a":Infinity}'),
    ("M48", "number", b'{"a":-Infinity}'),
    ("M48", "number", b'{"a":1e400}'),
    ("M48", "number", b'{"a":-1e400}'),
    ("M48", EVENT, b'{"a":-0,"b":1.10,"c":0.10000000000000000555,"d":1e-400}'),
    ("M49", EVENT, b'{"a":9007199254740991,"b":9007199254740993}'),
    ("M49", EVENT, b'{"a":9223372036854775808,"b":18446744073709551616}'),
    ("M49", EVENT, b'{"id":' + b"9" * 30 + b"}"),
    ("M49", EVENT, b'{"level":' + b"9" * 5_000 + b"}"),
    ("M50", "not_object", b"null"),
    ("M50", "not_object", b"12"),
    ("M50", "not_object", b'"text"'),
    ("M50", "not_object", b'[{"kind":"a"}]'),
    ("M50", "syntax", b'{"kind":"a"}{"kind":"b"}'),
    ("M50", "syntax", b'{"kind":"a",}'),
    ("M50", "syntax", b'{"kind":"a"} // comment'),
    ("M50", "syntax", b"{'kind':'a'}"),
    ("M50", "syntax", b'{"kind":"a"'),
    ("M50", "syntax", b"kind=a level=1"),
    ("M50", "syntax", b"{"),
    ("M52", BLANK, b""),
    ("M52", BLANK, b"  \t "),
    ("M52", BLANK, b"\r"),
    ("M53", EVENT, _object(**{"": 1, "a.b": 2, "$ref": 3, '"': 4, "😀": 5, "'": 6, "a b": 7})),
    ("M53", EVENT, json.dumps({f"key {n}": n for n in range(10_000)}).encode()),
    ("M53", EVENT, b'{"' + b"k" * 1_000_000 + b'":1}'),
    ("M54", EVENT, b'{"kind":["a","list"],"level":"text","ts":{"an":"object"},"who":null}'),
    ("M54", EVENT, b'{"kind":null,"level":true,"ts":false,"session":1.5}'),
    ("M55", EVENT, b'{"ts":"2026-01-01T00:00:00"}'),
    ("M55", EVENT, b'{"ts":"2026-12-31T23:59:60Z"}'),
    ("M55", EVENT, b'{"ts":"2026-01-01T00:00:00.123456789+05:30"}'),
    ("M55", EVENT, b'{"ts":"0000-01-01T00:00:00Z"}'),
    ("M55", EVENT, b'{"ts":"9999-12-31T23:59:59.999999Z"}'),
    ("M55", EVENT, b'{"ts":"292277026596-12-04T15:30:08Z"}'),
    ("M55", EVENT, b'{"ts":1767225600}'),
    ("M55", EVENT, b'{"ts":1767225600000.5}'),
    ("M55", EVENT, b'{"ts":1e300}'),
    ("M55", EVENT, b'{"ts":"' + b"9" * 400 + b'"}'),
    *(
        ("M60", EVENT, _object(kind=f"k{text}", actor=text, session=text, id=text, ts=text))
        for text in _ESCAPES
    ),
    ("M60", "syntax", "not json \x1b[2J\x9b\u202e\u2028 \x07\x08\x7f at all".encode()),
    ("M60", "control", b'{"kind":"\x1b]52;c;AAAA\x07"}'),
)
"""Row of the matrix, what becomes of the line, and its bytes without the newline."""


def content() -> bytes:
    """The whole file; its first line is an event, so that it is taken for JSONL."""
    first = b'{"kind":"good","ts":"2026-01-01T00:00:00Z"}'
    return b"\n".join([first, *(line for _row, _fate, line in LINES), b""])
