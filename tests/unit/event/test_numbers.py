"""How canonical bytes write numbers, against the published sequence of doubles."""

from __future__ import annotations

import hashlib
import itertools
import json
import os

import pytest
import rfc8785

from evidentia.errors import RejectionError
from evidentia.event.canonical import INTEGER_MAX, canonical_bytes

from .es6_numbers import DIGESTS, doubles

# EVIDENTIA_NUMBERS=1000000 compares the first million, in about five seconds.
COUNT = int(os.environ.get("EVIDENTIA_NUMBERS", "10000"))


def written(number: float) -> bytes:
    """The canonical bytes; those of the reference where the door refuses a whole double."""
    if INTEGER_MAX < abs(number) < 1e21:
        with pytest.raises(RejectionError):
            canonical_bytes(number)
        return rfc8785.dumps(number)
    return canonical_bytes(number)


@pytest.mark.parametrize("count", [count for count in DIGESTS if count <= COUNT])
def test_the_published_numbers_are_written_alike(count: int) -> None:
    """The first lines of RFC 8785's number sequence have the published SHA-256."""
    digest = hashlib.sha256()
    for bits, number in itertools.islice(doubles(), count):
        digest.update(b"%x,%b\n" % (bits, written(number)))

    assert digest.hexdigest() == DIGESTS[count]


def test_another_writer_has_another_digest() -> None:
    """The comparison can fail: Python's own form of the same numbers is not the RFC's."""
    digest = hashlib.sha256()
    for bits, number in itertools.islice(doubles(), 1000):
        digest.update(f"{bits:x},{json.dumps(number)}\n".encode())

    assert digest.hexdigest() != DIGESTS[1000]
