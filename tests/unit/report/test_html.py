"""A report's page: one file, no script, no request, and nothing of a log that could act in it."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.pack.contract import SectionStyle
from evidentia.report.html import write_page
from evidentia.report.page_style import STYLE
from evidentia.report.periodic import Report
from evidentia.store.values import StoredGap

from .kit import DAY_US, report, section

ALLOWED = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "main", "header", "nav", "ul", "li"),
        *("a", "h1", "h2", "p", "article", "dl", "div", "dt", "dd", "section", "figure", "svg"),
        *("rect", "line", "text", "g", "details", "summary", "table", "caption", "thead", "tbody"),
        *("tr", "th", "td", "time", "span", "footer", "wbr"),
    )
)
VOID = frozenset(("meta", "wbr", "rect", "line"))
HOSTILE = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title><svg onload=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "<!--",
    "]]>",
    "&#60;b&#62;",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "a\x00b\x1b[2J\x07",
    "x" * 100_000,
    "\ud800",
)


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that holds nothing."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Every tag closes the one that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note what is read."""
        self.text += data


def page_of(*reports: Report) -> str:
    """The whole page."""
    return "".join(write_page(reports))


def full_report(text: str) -> Report:
    """A report of every style, with a text of a log wherever there can be one."""
    return report(
        section("n:integer m:real t", [(1, 2.5, text)], SectionStyle.NUMBERS),
        section(
            "when:time good:integer bad:integer",
            [(DAY_US, 1, 2)],
            SectionStyle.TIMELINE,
            series=("good", "bad"),
        ),
        section(
            "what:unsafe other n:integer", [(text, None, 3)], SectionStyle.BARS, label_columns=2
        ),
        section("class n:integer", [(text, 3)], SectionStyle.HISTOGRAM),
        section("when:time what r:real", [(DAY_US, text, 0.5), (None, None, None)], note=text),
        section("a b c d e", [], title=text),
        title=text,
        sensor=text,
        gaps=(
            StoredGap(
                path=text,
                segment_id=1,
                byte_offset=5,
                kind="rotated_away",
                detail=text,
                evidence="{}",
                found_us=1,
            ),
        ),
    )


def check_harmless(text: str) -> Page:
    """The page, after it was held against everything that must not be in one."""
    page = Page(text)
    assert page.open == []
    assert {tag for tag, _ in page.tags} <= ALLOWED
    for _tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert not {"src", "srcset", "action", "data"} & attributes.keys()
        assert (attributes.get("href") or "#").startswith("#")
    assert "@import" not in text
    assert "url(" not in text
    return page


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_in_a_log_can_act_in_a_page(hostile: str) -> None:
    """XSS, direction marks, NUL, escapes, entities and a text without an end stay text."""
    text = page_of(full_report(hostile), full_report(hostile))

    check_harmless(text)
    text.encode("utf-8")
    assert not set(text) & set("\x00\x1b\x07\u202e\u2066\u2069\ud800")
    assert len(text) < 2_000_000


@given(hostile=st.text())
def test_no_text_breaks_a_page(hostile: str) -> None:
    """Tags that are opened are closed, and no attribute comes from a log."""
    check_harmless(page_of(full_report(hostile)))


def test_the_policy_allows_the_style_and_nothing_else() -> None:
    """A browser would refuse a script or a request even if one had slipped in."""
    page = Page(page_of(full_report("x")))

    policy = next(
        attributes["content"]
        for tag, attributes in page.tags
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_a_page_says_what_stands_behind_it() -> None:
    """As-of batch and its commit, pack and version, gaps, dead letters, events without a time."""
    text = Page(page_of(full_report("x"))).text

    for part in (
        "As of batch 7, committed 2026-01-01 01:00:00",
        "plain, version 3",
        "Events without a usable time1",
        "Open dead letters2",
        "Lines may be missing from this report.",
        "rotated_away: x, byte 5: x",
        "defanged",
    ):
        assert part in text


def test_every_chart_has_a_table_and_every_table_a_name() -> None:
    """Whoever cannot see the bars can read the numbers."""
    text = page_of(full_report("x"))

    assert text.count("<figure>") == text.count("<details>") == 3
    assert text.count("<caption>") == text.count("<table")
    assert '<html lang="en">' in text
    assert 'name="viewport"' in text


def test_a_page_of_several_sensors_has_a_way_to_each() -> None:
    """The links lead to where they say."""
    page = Page(page_of(report(), report(sensor="north"), report(sensor="south")))

    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    places = [attributes["id"] for tag, attributes in page.tags if tag == "article"]
    assert links == [f"#{place}" for place in places]
    assert "All sensorsSensor northSensor south" in page.text


def test_a_long_ranking_is_drawn_in_part_and_listed_whole() -> None:
    """Ten bars, and a table with every row."""
    rows = [(f"row{number}", number) for number in range(30)]

    text = page_of(report(section("what n:integer", rows, SectionStyle.BARS)))

    assert text.count('class="bar"') == 10
    assert "Table, 30 rows" in text
    assert text.count("<tr>") == 1 + 10 + 1 + 30


def test_a_report_without_a_batch_is_a_page_too() -> None:
    """An empty store has nothing to show, and says so."""
    from evidentia.store.scope import AsOf  # noqa: PLC0415 - only here

    empty = report(
        section("what n:integer", []), as_of=AsOf(batch_id=0, committed_us=0, is_newest=True)
    )

    assert "Before the first batch" in page_of(empty)
    assert "Nothing in this period." in page_of(empty)


def test_text_and_ground_are_far_enough_apart() -> None:
    """WCAG 2.2: text 4.5 to 1, marks of a chart 3 to 1, in light and in dark."""
    light, dark = re.findall(r":root\{([^}]*)\}", STYLE)

    for block in (light, dark):
        colours = dict(re.findall(r"--(\w+):(#[0-9a-f]+)", block))
        for ground in ("ground", "card"):
            for text in ("text", "soft"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground, block)
        assert contrast(colours["warn"], colours["warnbg"]) >= 4.5
        assert contrast(colours["s0"], colours["ground"]) >= 4.5
        for mark in ("s0", "s1", "s2", "s3"):
            assert contrast(colours[mark], colours["card"]) >= 3, (mark, block)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, by WCAG 2.2."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a colour, by WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
