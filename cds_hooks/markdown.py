"""Text from elsewhere made inert in GitHub-flavoured Markdown, the language of a card's `detail`.

In: text of any origin. Out: one line that every renderer shows as words: no HTML, no link (bare addresses included),
no image, no emphasis, no table cell or block of its own.
"""

from __future__ import annotations

import re
import unicodedata

# Entities where a backslash would do, too: they hold in renderers that let HTML through or split cells naively.
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "\\": "&#92;", '"': "&quot;"}
_ACTIVE = {char: f"\\{char}" for char in "`*_[]~#$"}
_ESCAPES = str.maketrans(_ENTITIES | _ACTIVE)
# Some renderers look for addresses after escapes are gone, so an address has to be broken, not escaped.
_ADDRESS = re.compile(r"://|(?<![A-Za-z0-9])www\.|(?:mailto|xmpp):", re.IGNORECASE)
# What opens a list, a rule or the underline of a heading, where the text opens the line.
_LISTED = re.compile(r"\A([0-9]{1,9}(?=[.)](?: |\Z))|(?=[+=-]))(.)")


def escape_markdown(text: str, longest: int = 200) -> str:
    """`text` on one line, of at most `longest` characters as read, with nothing in it that a renderer acts on."""
    plain = cut(" ".join("".join(map(_visible, text)).split()), longest)
    broken = _ADDRESS.sub(lambda match: f"{match[0][:-1]} {match[0][-1]} ", plain).replace("@", " @ ")
    escaped = broken.translate(_ESCAPES)
    return _LISTED.sub(r"\1\\\2", escaped, count=1)


def cut(text: str, longest: int) -> str:
    """`text`, shortened to `longest` characters between words; a number is left out rather than cut in half."""
    if len(text) <= longest:
        return text
    head = text[: longest - 1]
    words = head.rpartition(" ")[0] if text[longest - 1] != " " else head
    return (words or head.rstrip("0123456789.,")).rstrip() + "…"


def _visible(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category.startswith("C") else char
