"""What is read out of a command that was typed into a honeypot: one form of it, and its risk."""

from __future__ import annotations

import re
from typing import Final

from evidentia.event.values import JsonValue

COMMAND_CHARACTERS_MAX: Final = 500
"""Of a normalised command. It is a key, and PostgreSQL's indexes hold some 2,700 bytes."""
_BLANKS: Final = re.compile(r"\s+")
_WORDS_RISKED: Final = (
    # Fetching what is to be run.
    r"\b(?:wget|curl|tftp|ftpget|scp|lwp-download|certutil)\b",
    # Making it run, or running what is hidden. What lies between two words is bounded, or a line
    # of a million such words would take hours.
    r"\bchmod\b[^;|&]{0,99}?(?:\+x|7)",
    r"\bbase64\b[^;|&]{0,99}?-d",
    r"/dev/(?:tcp|udp)/|\b(?:nc|ncat|netcat|socat)\b",
    # Staying.
    r"\bcrontab\b|authorized_keys|/etc/(?:rc\.local|init\.d|cron|systemd)|\bchattr\b",
    r"\b(?:passwd|chpasswd|useradd|usermod)\b",
    # Clearing the field and the tracks.
    r"\brm\b[^;|&]{0,99}?-[a-z]{0,9}[rf]|\b(?:pkill|killall)\b|\bkill\b[^;|&]{0,99}?-9",
    r"\bhistory\b[^;|&]{0,99}?-c|\bHISTFILE\b|\biptables\b",
    # Earning with it.
    r"\b(?:xmrig|minerd|cryptonight|stratum)",
)
_HIGH_RISK: Final = re.compile("|".join(_WORDS_RISKED), re.IGNORECASE)


def normalised_command(value: JsonValue) -> JsonValue:
    """A command with every run of blanks as one space, cut where it is very long.

    Addresses and letter case stay: they are what tells one campaign from another.
    """
    if not isinstance(value, str):
        return value
    return _BLANKS.sub(" ", value.strip())[:COMMAND_CHARACTERS_MAX]


def is_high_risk(value: JsonValue) -> JsonValue:
    """1 for a command that fetches, runs, hides, stays, clears or mines; otherwise 0.

    A rule of thumb over the text: it runs nothing, and does not follow variables or pipes.
    """
    if not isinstance(value, str):
        return None
    return int(_HIGH_RISK.search(value) is not None)
