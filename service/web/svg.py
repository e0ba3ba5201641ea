"""Elements of SVG as text: every attribute and every text is escaped, nothing else is known here.

In: names, attributes, contents. Out: markup. Colours come from the page's style sheet by class: the pages forbid
style in the markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def element(name: str, *inside: str, **attributes: object) -> str:
    """An element with markup inside; `_` in an attribute's name stands for `-`, a trailing one is dropped."""
    said = "".join(f' {_named(key)}="{escape(_number(value))}"' for key, value in attributes.items())
    return f"<{name}{said}>{''.join(inside)}</{name}>" if inside else f"<{name}{said}/>"


def text(x: float, y: float, words: str, **attributes: object) -> str:
    """Words at a place."""
    return element("text", escape(words), x=x, y=y, **attributes)


def path(points: Iterable[tuple[float, float]], closed: bool, **attributes: object) -> str:
    """A line through points."""
    drawn = "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
    return element("path", d=f"M{drawn}{'Z' if closed else ''}", **attributes)


def _named(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _number(value: object) -> str:
    """A coordinate to a tenth, anything else as it is."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
