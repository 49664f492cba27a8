"""Sniffing: what is not JSONL is recognised at once, and nothing that is gets refused."""

from __future__ import annotations

import json

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from evidentia.errors import LogFormatError
from evidentia.log.sniff import SNIFF_BYTES, check_format

OBJECTS = [{"n": number, "list": [{"x": 1}, {"x": 2}], "text": "é,ü;a\tb"} for number in range(3)]
JSONL = "".join(json.dumps(each) + "\n" for each in OBJECTS)
NOISE = blake3(b"noise").digest(length=SNIFF_BYTES)
PRETTY = json.dumps(OBJECTS[0], indent=2) + "\n"


def verdict_on(data: bytes) -> LogFormatError | None:
    """The error that refuses the data, if anything does."""
    try:
        check_format(data)
    except LogFormatError as error:
        return error
    return None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n  \n",
        JSONL.encode(),
        b"\xef\xbb\xbf" + JSONL.encode(),
        JSONL.encode().replace(b"\n", b"\r\n"),
        bytes(SNIFF_BYTES),
        bytes(999) + JSONL.encode(),
        bytes(1_000) + b'{"a":1}\n',
        b"garbage\n" + JSONL.encode(),
        b"1,2,3\n1,2,3\n1,2,3\n" + JSONL.encode(),
        b"\xff\xfe torn \n" + JSONL.encode(),
        b'  {"a":1}\n',
        b'{"a":1}',
        b'{"a":',
        b"{",
        b"{\n",
        b"{}\n",
        b'{\n{"a":1}\n',
        b"[1,2]\n[3,4]\n",
        b"[1,2,3]\n[4,5,6]\n[7,8,9]\n",
        b'[{"a":1}]\n',
        b"[",
        b'[{"a":1},',
        b'["torn"\n{"a":1}\n',
        b'["torn"\n{"a":1}\n{"a":2}\n',
        b'[\n{"a":1}\n{"a":2}\n',
        b"[2024-01-01 10:00:00] started\n[2024-01-01 10:00:01] stopped\n",
        b"1\n2\n3\n",
        b'"text"\nnull\n',
        b"plain text, one comma\n" * 5,
        b"a,b,c\n1,2,3\n",
        b"a,b,c\n1,2,3\n4,5",
        b"a,b,c\nx\n1,2\n1,2,3,4\n1,2,3,4,5\na,b,c\nd,e,f\n1,2,3,4,5,6\n",
        b'{"a":\x01\x02\x03\x04}\n' * 100,
        b"\x01\x02\x03",
        b"[" * 5_000 + b"\n" + b'{"a":1}\n',
        b'{"a":' + b"[" * 30_000 + b"\n{\n",
        b"\xff\xff\xff\xff\n" * 10,
        b'{"a":"' + b"x" * SNIFF_BYTES,
    ],
)
def test_what_may_be_jsonl_is_let_in(data: bytes) -> None:
    """M39, M50, M52: in doubt a file is JSONL; a bad line is a dead letter, not a refusal."""
    verdict = verdict_on(data)

    assert verdict is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("text", [JSONL, PRETTY, json.dumps(OBJECTS, indent=1), "a,b,c\n" * 5])
def test_wide_unicode_is_recognised_with_and_without_its_mark(
    encoding: str, mark: str, text: str
) -> None:
    """M40: one clear error instead of a dead letter for every line."""
    data = (mark + text).encode(encoding)

    with pytest.raises(LogFormatError) as caught:
        check_format(data)

    name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    assert (name[:6] if mark else name) in caught.value.what
    assert "iconv" in (caught.value.fix or "")


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(OBJECTS, indent=2).encode(),
        b"[\n" + b",\n".join(json.dumps(each).encode() for each in OBJECTS) + b"\n]\n",
        b"[" + b",\n".join(json.dumps(each).encode() for each in OBJECTS) + b"]\n",
        b"[" + b"\n,".join(json.dumps(each).encode() for each in OBJECTS) + b"\n]\n",
        b'\xef\xbb\xbf[\r\n{"a":1},\r\n{"a":2}\r\n]\r\n',
        b'[\n{"a":1}\n]\n',
        bytes(500) + b'[\n{"a":1}\n]\n',
        b'[\n  "a",\n  "b"\n]\n',
        b"[" + b'{"a":1},' * SNIFF_BYTES,
        b'[ {"a":1},\n',
    ],
)
def test_a_json_array_is_recognised(data: bytes) -> None:
    """M51: an array over several lines, or one too long to see its end."""
    with pytest.raises(LogFormatError, match="a JSON array") as caught:
        check_format(data)

    assert "jq -c '.[]' FILE > FILE.jsonl" in (caught.value.fix or "")


@pytest.mark.parametrize(
    "data",
    [PRETTY.encode(), (PRETTY * 3).encode(), b"\n{\r\n", b'{\n"a":1\n}\n'],
)
def test_pretty_printed_json_is_recognised(data: bytes) -> None:
    """M51, IN-26: objects over several lines are refused with advice; half of them is not lost."""
    if data == b"\n{\r\n":
        data += b'  "a": {"b": 1}\r\n}\r\n'

    with pytest.raises(LogFormatError, match="pretty-printed") as caught:
        check_format(data)

    assert "jq -c . FILE > FILE.jsonl" in (caught.value.fix or "")


@pytest.mark.parametrize(("separator", "word"), [(",", "comma"), ("\t", "tab"), (";", "semicolon")])
def test_tables_are_recognised(separator: str, word: str) -> None:
    """M51: CSV that is called .json, with another number of columns here and there."""
    rows = ["id,name,text", "1,a,b", "2,c,d", "3,e,f,g", "4,h,i", "5,cut"]
    data = "\n".join(rows).replace(",", separator).encode()

    with pytest.raises(LogFormatError, match=word) as caught:
        check_format(data)

    assert "mlr" in (caught.value.fix or "")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"PK\x03\x04\x14\x00", "zip"),
        (b"\x04\x22\x4d\x18\x64", "lz4"),
        (b"\x02\x21\x4c\x18\x64", "lz4"),
        (b"7z\xbc\xaf\x27\x1c\x00", "7z"),
        (b"LZIP\x01", "lzip"),
        (b"\x1f\x9d\x90", "compress"),
        (b"\x1f\x8b\x08\x00", "inside an archive"),
        (b"BZh91AY", "inside an archive"),
        (b"\xfd7zXZ\x00\x00", "inside an archive"),
        (b"\x28\xb5\x2f\xfd\x04", "inside an archive"),
        (NOISE[:3_000], "binary"),
        (NOISE, "binary"),
    ],
)
def test_archives_of_other_kinds_and_binary_data_are_recognised(data: bytes, word: str) -> None:
    """M51: a compression that is not supported is named, with the command that unpacks it."""
    with pytest.raises(LogFormatError, match=word) as caught:
        check_format(data)

    assert caught.value.fix


def test_the_error_says_where_when_the_caller_knows() -> None:
    """M51: what, where and fix, like every error."""
    with pytest.raises(LogFormatError) as caught:
        check_format(PRETTY.encode(), where="logs/a.json")

    assert caught.value.where == "logs/a.json"
    assert caught.value.what.startswith("the log is not JSONL")


@given(st.binary(max_size=300), st.binary(max_size=300))
@settings(derandomize=True, max_examples=300)
def test_one_whole_object_line_settles_it(before: bytes, behind: bytes) -> None:
    """M50: whatever stands around it, a file with a good line and no frame of JSON is read."""
    data = b"torn " + before + b'\n{"a":1}\n' + behind

    verdict = verdict_on(data)

    assert verdict is None


@given(st.binary(max_size=2_000))
@settings(derandomize=True, max_examples=300)
def test_any_bytes_are_judged_without_a_crash(data: bytes) -> None:
    """IN-06: the only way out of sniffing is back, or an error of ours."""
    verdict = verdict_on(data)

    assert verdict is None or verdict.fix
