"""Small pictures as SVG: the same numbers give the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from models.evaluation.areas import Interval
from models.evaluation.calibration import Calibration

_SIZE: Final = 320
_MARGIN: Final = 44
_SPAN: Final = _SIZE - 2 * _MARGIN
_INK: Final = "#1a1a1a"
_LINE: Final = "#0b5cad"
_PALE: Final = "#767676"
_BAD: Final = "#b00020"
_ROW: Final = 26
_NAMES: Final = 190
_AXIS: Final = 220
_TICKS: Final = (0.0, 0.5, 1.0)


def roc_figure(points: Sequence[tuple[float, float]]) -> str:
    """Return the ROC curve over the diagonal of chance."""
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    curve = f'<polyline fill="none" stroke="{_LINE}" stroke-width="2" points="{path}"/>'
    return _square("ROC curve", "1 - specificity", "sensitivity", [curve])


def reliability_figure(calibration: Calibration) -> str:
    """Return what was said against what was so, each bin with its interval."""
    return _square("Reliability", "probability said", "share observed", list(_bins(calibration)))


def areas_figure(title: str, areas: Sequence[tuple[str, Interval, bool]]) -> str:
    """Return one line an area with its interval, over the line of chance.

    Args:
        title: for who cannot see it.
        areas: name, area, and whether it must not be above chance but is.
    """
    height = _ROW * len(areas) + 40
    parts = [_line(_across(0.5), 8, _across(0.5), height - 28, _PALE, dashed=True)]
    for index, (name, area, bad) in enumerate(areas):
        y, colour = 20 + index * _ROW, _BAD if bad else _LINE
        parts.append(_text(_NAMES, y + 4, name, "end"))
        parts.append(_line(_across(area.low), y, _across(area.high), y, colour))
        parts.append(_dot(_across(area.value), y, colour))
    parts += [_text(_across(value), height - 10, f"{value:g}") for value in _TICKS]
    return _svg(title, _NAMES + _AXIS + 40, height, parts)


def _bins(calibration: Calibration) -> Iterator[str]:
    for one in calibration.bins:
        x = _x(one.said)
        yield _line(x, _y(one.observed.low), x, _y(one.observed.high), _LINE)
        yield _dot(x, _y(one.observed.value), _LINE)


def _square(title: str, below: str, beside: str, inside: Sequence[str]) -> str:
    middle = _SIZE / 2
    edges = ((0, 0, 1, 0), (1, 0, 1, 1), (1, 1, 0, 1), (0, 1, 0, 0))
    parts = [_line(_x(a), _y(b), _x(c), _y(d), _INK, width=1) for a, b, c, d in edges]
    parts.append(_line(_x(0), _y(0), _x(1), _y(1), _PALE, dashed=True))
    parts += [_text(_x(value), _SIZE - _MARGIN + 16, f"{value:g}") for value in _TICKS]
    parts += [_text(_MARGIN - 6, _y(value) + 4, f"{value:g}", "end") for value in _TICKS]
    parts.append(_text(middle, _SIZE - 8, below))
    turned = f'<g transform="rotate(-90 14 {middle:.1f})">{_text(14, middle, beside)}</g>'
    return _svg(title, _SIZE, _SIZE, [*parts, turned, *inside])


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" fill="{_INK}">'
    )
    return "\n".join((f"{head}<title>{escape(title)}</title>", *parts, "</svg>"))


def _line(
    x1: float, y1: float, x2: float, y2: float, colour: str, *, width: int = 2, dashed: bool = False
) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{dashes}/>'


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _x(value: float) -> float:
    return _MARGIN + value * _SPAN


def _y(value: float) -> float:
    return _SIZE - _MARGIN - value * _SPAN


def _across(value: float) -> float:
    return _NAMES + 20 + value * _AXIS
