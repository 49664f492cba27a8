"""Lines that are not events, each for another reason, between lines that are."""

from __future__ import annotations

EVENT = "event"
BLANK = "blank"

LINES: tuple[tuple[str, bytes], ...] = (
    (EVENT, b'{"ts":"2026-01-01T00:00:00Z","kind":"good","actor":"first"}'),
    ("number", b'{"ts":"2026-01-01T00:00:01Z","kind":"load","value":NaN}'),
    ("number", b'{"ts":"2026-01-01T00:00:02Z","kind":"load","value":1e400}'),
    ("duplicate_key", b'{"ts":"2026-01-01T00:00:03Z","kind":"login","kind":"logout"}'),
    ("not_utf8", b'{"ts":"2026-01-01T00:00:04Z","kind":"say","text":"\xfcber"}'),
    ("not_object", b'["2026-01-01T00:00:05Z","an array"]'),
    ("not_object", b'"a text"'),
    ("control", b'{"ts":"2026-01-01T00:00:06Z","kind":"say","text":"bell \x07"}'),
    ("lone_surrogate", b'{"ts":"2026-01-01T00:00:07Z","kind":"say","text":"\\ud83d"}'),
    ("bom", b'\xef\xbb\xbf{"ts":"2026-01-01T00:00:08Z","kind":"say","text":"two files joined"}'),
    ("depth", b'{"kind":"nest","value":' + b"[" * 300 + b"]" * 300 + b"}"),
    ("syntax", b'{"ts":"2026-01-01T00:00:09Z","kind":"cut off in the mid'),
    (BLANK, b""),
    (BLANK, b"  \t "),
    (EVENT, b'{"ts":"2026-01-01T00:00:10Z","kind":"good","text":"from Windows"}\r'),
    (EVENT, b'{"ts":"2026-01-01T00:00:11Z","kind":"good","text":"a NUL: \\u0000"}'),
    (EVENT, b'{"ts":"2026-01-01T00:00:12","kind":"good","text":"a time without a zone"}'),
    (EVENT, b'{"ts":"2026-01-01T00:00:13Z","kind":"good","value":123456789012345678901234567890}'),
    (EVENT, b'{"ts":"2026-01-01T00:00:14Z","kind":"good","actor":"last"}'),
)
"""What a reader must make of each line, and its bytes without the newline."""


def content() -> bytes:
    """The whole file."""
    return b"".join(line + b"\n" for _, line in LINES)
