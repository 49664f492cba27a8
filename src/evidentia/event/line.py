"""The judgement on one line: an event with its flags, or the verdict that makes it a dead letter.

Pure. ``read_line`` is what callers want; the two readings behind it are exported for those who
count or measure.
"""

from __future__ import annotations

from typing import Final

from evidentia.event.fast import read_fast
from evidentia.event.strict import read_strict
from evidentia.event.values import Flag, JsonObject, Policy, Verdict

__all__ = ["read_fast", "read_line", "read_strict"]

_NO_FLAG: Final = Flag(0)


def read_line(line: bytes, policy: Policy) -> tuple[JsonObject, Flag] | Verdict:
    """The object on the line with its flags, or why the line is not an event.

    Args:
        line: One line without its newline; it may end in a carriage return. A blank line is
            nobody's event and is not passed in.
        policy: How strictly the log's lines are judged.
    """
    event = read_fast(line, policy.depth_max)
    if event is not None:
        return event, _NO_FLAG
    return read_strict(line, policy)
