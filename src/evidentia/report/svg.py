"""Charts as inline SVG. Pure: values in, text out; colours and sizes of letters are the page's.

Places along the width are percentages, so a chart is as wide as its column and its letters keep
their size on a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from evidentia.report.timeline import Slot
from evidentia.report.visible import cut, visible

PLOT_HEIGHT: Final = 190
_TOP: Final = 12
_BOTTOM: Final = 26
_AXIS_WIDTH: Final = 46
_BAR_SHARE: Final = 0.76
_HEIGHT_MIN: Final = 1.5
"""What is there at all is seen."""
_TICKS_WANTED: Final = 4
_STEPS: Final = (1, 2, 5, 10)
_TICK_CHARACTERS: Final = 12


def chart(title: str, series: Sequence[str], slots: Sequence[Slot]) -> str:
    """Stacked columns over slots, with a scale on the left; ``series`` names what is stacked."""
    top = max((sum(slot.values) for slot in slots), default=0)
    marks = scale(top)
    return (
        f'<div class="chart">{_axis(marks)}'
        f'<svg class="plot" width="100%" height="{PLOT_HEIGHT}" role="img" '
        f'aria-label="{attribute(_description(title, series, slots))}">'
        f"{''.join(_lines(marks))}{''.join(_columns(series, slots, marks[-1]))}</svg></div>"
    )


def attribute(text: str) -> str:
    """A text as the value of an attribute, or between tags."""
    return escape(visible(text), quote=True)


def scale(top: float) -> list[int]:
    """Round numbers from 0 to at least ``top``, a few of them."""
    step = 1
    power = 1
    while True:
        for factor in _STEPS:
            step = factor * power
            if step * _TICKS_WANTED >= top:
                count = max(1, -(-int(top) // step))
                return [step * place for place in range(count + 1)]
        power *= 10


def _description(title: str, series: Sequence[str], slots: Sequence[Slot]) -> str:
    sums = [sum(slot.values[place] for slot in slots) for place in range(len(series))]
    parts = [f"{name} {total:,.0f}" for name, total in zip(series, sums, strict=True)]
    return f"{title}: {', '.join(parts)} in all. The table below has the numbers."


def _y(value: float, top: float) -> float:
    height = PLOT_HEIGHT - _TOP - _BOTTOM
    return _TOP + height * (1 - value / top)


def _axis(marks: Sequence[int]) -> str:
    texts = (
        f'<text x="{_AXIS_WIDTH - 8}" y="{_y(mark, marks[-1]) + 4:.1f}" text-anchor="end">'
        f"{short(mark)}</text>"
        for mark in marks
    )
    return (
        f'<svg class="axis" width="{_AXIS_WIDTH}" height="{PLOT_HEIGHT}" aria-hidden="true">'
        f"{''.join(texts)}</svg>"
    )


def short(number: float) -> str:
    """A number as a scale shows it: ``1,500``, ``20k``, ``3M``."""
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if number >= size:
            divisor = 1_000 if letter == "k" else size
            return f"{number / divisor:.3g}{letter}"
    return f"{number:,.0f}"


def _lines(marks: Sequence[int]) -> Iterator[str]:
    for mark in marks:
        y = f"{_y(mark, marks[-1]):.1f}"
        kind = "base" if mark == 0 else "line"
        yield f'<line class="{kind}" x1="0" x2="100%" y1="{y}" y2="{y}"/>'


def _columns(series: Sequence[str], slots: Sequence[Slot], top: float) -> Iterator[str]:
    width = 100 / max(1, len(slots))
    for place, slot in enumerate(slots):
        left = width * (place + (1 - _BAR_SHARE) / 2)
        parts = [
            f"{name} {value:,.0f}" for name, value in zip(series, slot.values, strict=True) if value
        ]
        words = attribute(f"{slot.label}: {', '.join(parts) or 'nothing'}")
        yield f"<g><title>{words}</title>"
        # The whole slot answers to a pointer, not only its column.
        yield (
            f'<rect class="slot" x="{width * place:.3f}%" width="{width:.3f}%" '
            f'y="{_TOP}" height="{PLOT_HEIGHT - _TOP - _BOTTOM}"/>'
        )
        yield from _stack(slot.values, (left, width * _BAR_SHARE), top)
        yield "</g>"
        if slot.tick:
            yield (
                f'<text x="{width * (place + 0.5):.3f}%" y="{PLOT_HEIGHT - 8}" '
                f'text-anchor="middle">{attribute(cut(slot.tick, _TICK_CHARACTERS))}</text>'
            )


def _stack(values: Sequence[float], across: tuple[float, float], top: float) -> Iterator[str]:
    below = 0.0
    for place, value in enumerate(values):
        if value > 0:
            lower = _y(below, top)
            upper = min(_y(below + value, top), lower - _HEIGHT_MIN)
            yield (
                f'<rect class="s{place}" x="{across[0]:.3f}%" width="{across[1]:.3f}%" '
                f'y="{upper:.1f}" height="{lower - upper:.1f}"/>'
            )
            below += value


def bar(values: Sequence[float], longest: float) -> str:
    """One horizontal bar of stacked values; the row it stands in has the numbers."""
    left = 0.0
    parts = []
    for place, value in enumerate(values):
        width = 100 * value / longest if longest > 0 else 0
        if width > 0:
            parts.append(
                f'<rect class="s{place}" x="{left:.2f}%" width="{width:.2f}%" height="12" rx="2"/>'
            )
            left += width
    return f'<svg class="bar" width="100%" height="12" aria-hidden="true">{"".join(parts)}</svg>'
