"""The body of a card for clients that show no Markdown: as HTML, or as plain text.

In: GitHub-flavored Markdown as cards hold it. Out: the same content. markdown-it reads it; raw HTML stays text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_ACTIVE = re.compile(r"(<)([A-Za-z/!?])(?!ttps?://)|(\])(\()")
CELL, BULLET = " | ", "- "


def as_html(markdown: str) -> str:
    """HTML without scripts, styles or attributes but links."""
    return str(_MARKDOWN.render(markdown)).strip()


def as_text(markdown: str) -> str:
    """Plain text: headings in capitals, a row of a table to a line, links followed by their address."""
    said = "\n".join(_lines(_MARKDOWN.parse(markdown))).strip()
    # Inert as Markdown and as HTML too, should the client take it for one.
    return _ACTIVE.sub(lambda hit: " ".join(filter(None, hit.groups())), said)


def _lines(tokens: Sequence[Token]) -> Iterator[str]:
    heading, mark = False, ""
    cells: list[str] = []
    numbers: list[int] = []  # of the lists that are open: the next item's number, 0 where they have none
    for token in tokens:
        kind, _, edge = token.type.rpartition("_")
        if kind in ("bullet_list", "ordered_list"):
            first = int(token.attrGet("start") or kind == "ordered_list")
            numbers = [*numbers, first] if edge == "open" else numbers[:-1]
        elif token.type == "list_item_open":
            mark = f"{numbers[-1]}. " if numbers[-1] else BULLET
            numbers[-1] += bool(numbers[-1])
        elif token.type == "tr_close":
            yield CELL.join(cells)
            cells = []
        elif kind in ("th", "td") and edge == "open":
            cells.append("")
        elif kind == "heading" or (token.type == "paragraph_open" and not numbers):
            heading = token.type == "heading_open"
            yield ""
        elif token.type == "inline" and cells:
            cells[-1] = "".join(_inline(token.children or ()))
        elif token.type == "inline":
            said = "".join(_inline(token.children or ()))
            yield mark + (said.upper() if heading else said)
            mark = ""


def _inline(children: Sequence[Token]) -> Iterator[str]:
    address = ""
    for child in children:
        if child.type == "link_open":
            address = str(child.attrGet("href") or "")
        elif child.type == "link_close":
            yield f" <{address}>"
        else:
            yield " " if child.type in ("softbreak", "hardbreak") else child.content
