"""Whether a new segment is JSONL at all, judged by its first 64 KiB.

One clear error instead of a million dead letters. In doubt a file is JSONL: a line that is a whole
JSON object settles it, because a bad line must never cost the good ones.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evidentia.errors import LogFormatError

SNIFF_BYTES: Final = 64 * 1024
"""How much of a new segment ``check_format`` looks at."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_ARRAY_START: Final = re.compile(rb'\[\s*(?:[{["]|$)')
_OBJECT_START: Final = re.compile(rb'\{\s*["}]')
_SEPARATORS_MIN: Final = 2
_TABLE_LINES_MIN: Final = 3
_PATTERN_BYTES: Final = 8
_BINARY_SAMPLE_BYTES: Final = 4096
_BINARY_SAMPLE_BYTES_MIN: Final = 512
# Text has hardly any, compressed or machine data about one byte in ten. NUL is not among them: a
# hole in a log is not a sign of binary data.
_CONTROL_SHARE_MAX: Final = 0.03
_CONTROL_CHARACTERS: Final = bytes(code for code in range(1, 32) if code not in b"\t\n\r\x1b")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Likeness:
    """What a file looks like instead, and the way out."""

    what: str
    fix: str


def _convertible(what: str, command: str) -> _Likeness:
    return _Likeness(what=what, fix=f"convert it, then name the new file: {command}")


_ARRAY: Final = _convertible("a JSON array", "jq -c '.[]' FILE > FILE.jsonl")
_PRETTY: Final = _convertible(
    "pretty-printed JSON, one object over several lines", "jq -c . FILE > FILE.jsonl"
)
_BINARY: Final = _Likeness(
    what="binary data", fix="name the log itself, or a gzip, bzip2, xz or zstd copy of it"
)
_TABLES: Final = {
    b",": _convertible("comma-separated values", "mlr --icsv --ojsonl cat FILE > FILE.jsonl"),
    b"\t": _convertible("tab-separated values", "mlr --itsv --ojsonl cat FILE > FILE.jsonl"),
    b";": _convertible(
        "values separated by semicolons", "mlr --icsv --ifs ';' --ojsonl cat FILE > FILE.jsonl"
    ),
}
_TWICE: Final = _Likeness(
    what="an archive inside an archive", fix="decompress it once and name the result"
)
_BEGINNINGS: Final = {
    b"PK\x03\x04": _convertible("a zip archive", "unzip -p FILE > FILE.jsonl"),
    b"\x04\x22\x4d\x18": _convertible("an lz4 archive", "lz4 -dc FILE > FILE.jsonl"),
    b"\x02\x21\x4c\x18": _convertible("an lz4 archive", "lz4 -dc FILE > FILE.jsonl"),
    b"7z\xbc\xaf\x27\x1c": _convertible("a 7z archive", "7z x -so FILE > FILE.jsonl"),
    b"LZIP": _convertible("an lzip archive", "lzip -dc FILE > FILE.jsonl"),
    b"\x1f\x9d": _convertible("a compress archive", "uncompress -c FILE > FILE.jsonl"),
    b"\x1f\x8b": _TWICE,
    b"BZh": _TWICE,
    b"\xfd7zXZ\x00": _TWICE,
    b"\x28\xb5\x2f\xfd": _TWICE,
}


def check_format(first_bytes: bytes, *, where: str | None = None) -> None:
    """Return when the segment that begins like this may be JSONL.

    A UTF-8 byte-order mark and a run of NULs at the start are fine.

    Args:
        first_bytes: The first 64 KiB, or all there is so far.
        where: The log, for the error.

    Raises:
        LogFormatError: It is something else; ``fix`` says how to convert it.
    """
    likeness = _likeness(first_bytes[:SNIFF_BYTES])
    if likeness:
        raise LogFormatError(
            f"the log is not JSONL: it looks like {likeness.what}", where=where, fix=likeness.fix
        )


def _likeness(data: bytes) -> _Likeness | None:
    lines = _filled_lines(data)
    # Nested objects of a pretty-printed file are indented, so lines at the margin count.
    objects = sum(map(_is_object, lines))
    if not lines or _is_object(lines[0]):
        return None
    if _ARRAY_START.match(lines[0]) and not _is_json(lines[0]):
        return _ARRAY if _is_array(lines, objects, data) else None
    if lines[0].rstrip() == b"{":
        return _PRETTY if len(lines) > 1 and not objects else None
    if objects or any(_is_object(line.lstrip()) for line in lines):
        return None
    return _unicode(data) or _archive(data) or _table(data, lines) or _binary(data, lines)


def _filled_lines(data: bytes) -> list[bytes]:
    text = data.removeprefix(_BYTE_ORDER_MARK).lstrip(b"\0")
    return [line for line in text.split(b"\n") if line.strip()]


def _is_json(line: bytes) -> bool:
    try:
        # Decoded here: the library would take UTF-16 for JSON as well.
        json.loads(line.decode())
    except RecursionError:
        return True
    except ValueError:
        return False
    return True


def _is_object(line: bytes) -> bool:
    return line.startswith(b"{") and _is_json(line)


def _is_array(lines: Sequence[bytes], objects: int, data: bytes) -> bool:
    """Whether lines after an unfinished ``[`` are the elements of an array."""
    if len(lines) == 1 and not data.endswith(b"\n"):
        # A line still being written, unless it is longer than any look at it.
        return len(data) == SNIFF_BYTES
    elements = sum(_is_object(line.strip().strip(b",")) for line in lines) - objects
    # Only the last element has no comma, so two lines without are not elements.
    return elements > 0 or objects == 0 or (objects == 1 and lines[0].strip() == b"[")


def _unicode(data: bytes) -> _Likeness | None:
    """UTF-16 or UTF-32, by its byte-order mark or by the NULs between ASCII characters."""
    name = _marked_encoding(data) or _patterned_encoding(data)
    if name is None:
        return None
    return _convertible(f"{name} text", f"iconv -f {name} -t UTF-8 FILE > FILE.jsonl")


def _marked_encoding(data: bytes) -> str | None:
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "UTF-32"
    return "UTF-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else None


def _patterned_encoding(data: bytes) -> str | None:
    # A run of NULs before the text is a hole; where it ends tells the byte order otherwise.
    text = data.lstrip(b"\0")
    nuls = len(data) - len(text)
    pattern = [code == 0 for code in text[:_PATTERN_BYTES]]
    if pattern == [False, True, True, True] * 2:
        return "UTF-32BE" if nuls % 4 else "UTF-32LE"
    if pattern == [False, True] * 4:
        return "UTF-16BE" if nuls % 2 else "UTF-16LE"
    return None


def _archive(data: bytes) -> _Likeness | None:
    return next(
        (likeness for begin, likeness in _BEGINNINGS.items() if data.startswith(begin)), None
    )


def _table(data: bytes, lines: Sequence[bytes]) -> _Likeness | None:
    whole = lines if data.endswith(b"\n") else lines[:-1]
    if any(line.startswith(b"{") or _is_json(line) for line in whole):
        return None
    for separator, likeness in _TABLES.items():
        for columns, count in Counter(line.count(separator) for line in whole).most_common(1):
            is_common = count >= _TABLE_LINES_MIN and 2 * count >= len(whole)
            if is_common and columns >= _SEPARATORS_MIN:
                return likeness
    return None


def _binary(data: bytes, lines: Sequence[bytes]) -> _Likeness | None:
    sample = data[:_BINARY_SAMPLE_BYTES]
    controls = len(sample) - len(sample.translate(None, _CONTROL_CHARACTERS))
    is_text = controls <= _CONTROL_SHARE_MAX * len(sample) or any(
        _OBJECT_START.match(line) for line in lines
    )
    return None if is_text or len(sample) < _BINARY_SAMPLE_BYTES_MIN else _BINARY
