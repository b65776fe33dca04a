"""Drawings as SVG text: intervals, curves and bars. Colours come from the style sheet by class.

The view is 360 units wide, so that its text is readable on a phone and not too large on a desktop.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 360.0
_LEFT, _RIGHT = 14.0, 346.0


@dataclass(frozen=True)
class Estimate:
    """A value between its limits, drawn in the colours of `tone`; limits are None where there are none."""

    label: str
    value: float
    low: float | None
    high: float | None
    shown: str
    tone: str


@dataclass(frozen=True)
class Line:
    """A curve with its band: (x, value, low, high)."""

    label: str
    points: tuple[tuple[float, float, float, float], ...]
    shown: str
    tone: str


@dataclass(frozen=True)
class Bar:
    """A bar of a length from 0 to 1."""

    label: str
    share: float
    shown: str


def intervals(
    estimates: Sequence[Estimate], *, name: str, title: str, description: str, tick: Callable[[float], str], zero: bool = False
) -> str:
    """Values with their limits on one axis, a row each; with `zero` a line marks where there is no effect."""
    lows = [estimate.value if estimate.low is None else estimate.low for estimate in estimates]
    highs = [estimate.value if estimate.high is None else estimate.high for estimate in estimates]
    ticks = nice_ticks(min([0.0, *lows]), max([0.0, *highs]))
    first, last = ticks[0], ticks[-1]

    def x(value: float) -> float:
        return _LEFT + (value - first) / (last - first) * (_RIGHT - _LEFT)

    bottom = 14.0 + 52 * len(estimates)
    parts = [_line(x(at), 8, x(at), bottom, "grid") for at in ticks]
    parts += [_text(_clamp(x(at)), bottom + 18, tick(at), "tick middle") for at in ticks]
    if zero:
        parts.append(_line(x(0), 4, x(0), bottom, "zero"))
    for row, estimate in enumerate(estimates):
        y = 40.0 + 52 * row
        parts.append(_text(_LEFT + (6 if zero else 0), y - 14, estimate.label, "label"))  # off the line

        parts.append(_text(_RIGHT, y - 14, estimate.shown, "label strong end"))
        if estimate.low is not None and estimate.high is not None:
            low, high = x(estimate.low), x(estimate.high)
            parts.append(_bar(low, y - 5, max(high - low, 1), f"band {estimate.tone}"))
            parts += [_line(at, y - 7, at, y + 7, f"whisker {estimate.tone}") for at in (low, high)]
        parts.append(f'<circle class="dot {estimate.tone}" cx="{_n(x(estimate.value))}" cy="{_n(y)}" r="5.5"/>')
    return _svg(parts, height=bottom + 28, name=name, title=title, description=description)


def curves(lines: Sequence[Line], *, name: str, title: str, description: str, tick: Callable[[float], str], unit: str) -> str:
    """Curves over days with their bands, each named above the drawing."""
    top, bottom, left = 34.0, 196.0, 44.0
    most = max((high for line in lines for *_, high in line.points), default=0.0)
    days = max((point[0] for line in lines for point in line.points), default=1.0) or 1.0
    ticks = nice_ticks(0.0, most)

    def x(day: float) -> float:
        return left + day / days * (_RIGHT - left)

    def y(value: float) -> float:
        return bottom - value / ticks[-1] * (bottom - top)

    parts = [_line(left, y(at), _RIGHT, y(at), "grid") for at in ticks]
    parts += [_text(left - 8, y(at) + 4, tick(at), "tick end") for at in ticks]
    step = max(1, math.ceil(days / 8))
    parts += [_text(x(day), bottom + 18, f"{unit}{day}", "tick middle") for day in range(0, int(days) + 1, step)]
    for line in lines:
        upper = [(x(day), y(high)) for day, _, _, high in line.points]
        lower = [(x(day), y(low)) for day, _, low, _ in reversed(line.points)]
        parts.append(f'<polygon class="band {line.tone}" points="{_points([*upper, *lower])}"/>')
    for line in lines:
        parts.append(
            f'<polyline class="curve {line.tone}" points="{_points([(x(day), y(value)) for day, value, *_ in line.points])}"/>'
        )
        parts += [
            f'<circle class="dot {line.tone}" cx="{_n(x(day))}" cy="{_n(y(value))}" r="3"/>' for day, value, *_ in line.points
        ]
    at = left
    for line in lines:
        text = f"{line.label} {line.shown}"
        parts.append(f'<rect class="key {line.tone}" x="{_n(at)}" y="8" width="12" height="12" rx="3"/>')
        parts.append(_text(at + 18, 18, text, "label"))
        at += 34 + _text_width(text)
    return _svg(parts, height=bottom + 30, name=name, title=title, description=description)


def bars(rows: Sequence[Bar], *, name: str, title: str, description: str) -> str:
    """Bars from the left, a row each."""
    parts = []
    for row, bar in enumerate(rows):
        y = 18.0 + 38 * row
        parts.append(_text(_LEFT, y, bar.label, "label"))
        parts.append(_text(_RIGHT, y, bar.shown, "label strong end"))
        parts.append(_bar(_LEFT, y + 6, _RIGHT - _LEFT, "track"))
        width = min(1.0, max(0.0, bar.share)) * (_RIGHT - _LEFT)
        if width:
            parts.append(_bar(_LEFT, y + 6, max(width, 3), "bar"))
    return _svg(parts, height=12 + 38 * len(rows), name=name, title=title, description=description)


def nice_ticks(low: float, high: float) -> tuple[float, ...]:
    """Round numbers from at most `low` to at least `high`, about five of them."""
    span = high - low
    if span <= 0:
        return (low, low + 1.0)
    rough = span / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough * 0.999999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(round(index * step, 12) for index in range(first, last + 1))


def _svg(parts: Sequence[str], *, height: float, name: str, title: str, description: str) -> str:
    names = f"{escape(name)}-title {escape(name)}-text"
    return (
        f'<svg viewBox="0 0 {_n(WIDTH)} {_n(height)}" role="img" aria-labelledby="{names}" focusable="false">'
        f'<title id="{escape(name)}-title">{escape(title)}</title><desc id="{escape(name)}-text">{escape(description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text class="{style}" x="{_n(x)}" y="{_n(y)}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line class="{style}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"/>'


def _bar(x: float, y: float, width: float, style: str) -> str:
    radius = min(5.0, width / 2)
    return f'<rect class="{style}" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="10" rx="{_n(radius)}"/>'


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _clamp(x: float) -> float:
    return min(WIDTH - 18, max(18.0, x))


def _text_width(text: str) -> float:
    """About how wide a text of 12 units is: full-width signs count twice."""
    return sum(12.0 if ord(sign) > 0x2E7F else 6.4 for sign in text)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
