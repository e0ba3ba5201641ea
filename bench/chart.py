"""The figures against their bounds, as a picture: one bar each, on a logarithmic scale.

In: Figures. Out: SVG. What is within its bound is plain, what is beyond it hatched and said in words, so that the
picture can be read without colours; a title and a description tell the same to who cannot see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from math import log10

from bench.figures import Figure

__all__ = ["chart", "drawn"]

WIDTH, LABELS, VALUES, ROW, TOP, BELOW = 1120, 480, 220, 22, 64, 30
LEAST, MOST = 0.01, 100.0  # of the bound
TITLE = "Performance goals: what was measured, as a part of what is allowed"
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #222 } .title { font-size: 17px; font-weight: 600 }
.end { text-anchor: end } .middle { text-anchor: middle }
.within { fill: #555 } .beyond { fill: url(#hatched); stroke: #222 }
.grid { stroke: #ccc } .bound { stroke: #000; stroke-width: 2 } .ground { fill: #fff }
"""
HATCHED = (
    '<pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#fff"/><rect width="2" height="6" fill="#222"/></pattern>'
)


def drawn(figures: Iterable[Figure]) -> list[Figure]:
    """Those with a bound that they are a part of; counts that must be 0 are not."""
    return [one for one in figures if one.share is not None]


def chart(figures: Iterable[Figure], where: str) -> str:
    """A picture of the figures; `where` says in a line of what run they are."""
    shown = drawn(figures)
    height = TOP + len(shown) * ROW + BELOW
    beyond = [_named(one) for one in shown if not one.ok]
    told = f"{len(shown) - len(beyond)} of {len(shown)} are within their bounds. Beyond: {'; '.join(beyond) or 'none'}."
    inside = (*_frame(height, where), *(line for row, one in enumerate(shown) for line in _row(one, TOP + row * ROW)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="t d">\n'
        f'<title id="t">{escape(TITLE)}</title>\n<desc id="d">{escape(f"{where}. {told}")}</desc>\n'
        f"<style>{STYLE}</style>\n<defs>{HATCHED}</defs>\n" + "\n".join(inside) + "\n</svg>\n"
    )


def _frame(height: int, where: str) -> Iterator[str]:
    yield f'<rect class="ground" width="{WIDTH}" height="{height}"/>'
    yield _text(12, 24, TITLE, "title")
    yield _text(12, 44, where)
    bottom = height - BELOW + 4
    for share in (LEAST, 0.1, 1.0, 10.0, MOST):
        x, kind = _x(share), "bound" if share == 1 else "grid"
        yield f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{bottom}"/>'
        yield _text(x, bottom + 16, "the bound" if share == 1 else f"{share:g} x", "middle")


def _row(one: Figure, y: int) -> Iterator[str]:
    share = one.share or 1.0
    kind, start = ("within", LEAST) if one.ok else ("beyond", 1.0)
    left, right = _x(start), max(_x(share), _x(start) + 2)
    said = one.measured + ("" if one.ok else f", {share:.3g} x too {'little' if one.at_least else 'much'}")
    yield _text(LABELS - 10, y + 14, _named(one), "end")
    yield f'<rect class="{kind}" x="{left:.1f}" y="{y + 3}" width="{right - left:.1f}" height="{ROW - 7}"/>'
    yield _text(WIDTH - VALUES + 10, y + 14, said)


def _named(one: Figure) -> str:
    return f"{one.goal}  {one.what}"


def _x(share: float) -> float:
    within = min(max(share, LEAST), MOST)
    return LABELS + (WIDTH - LABELS - VALUES) * log10(within / LEAST) / log10(MOST / LEAST)


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{escape(words)}</text>'
