"""Text from elsewhere, made inert for a card's detail (line 49)."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cds_hooks.markdown import escape_markdown

RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
# GitHub's own extension to CommonMark: what becomes a link without any markup.
AUTOLINK = re.compile(r"(?:https?|ftp)://|\bwww\.\S|[\w.+-]@[\w-]|(?:mailto|xmpp):\S", re.IGNORECASE)

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt; &#60;b&#62;",
    "[a](javascript:alert(1))",
    "![a](https://evil.example/x.png)",
    "[a]: https://evil.example",
    "<https://evil.example>",
    "see https://evil.example or HTTP://evil.example",
    "www.evil.example and (WWW.evil.example)",
    "mail a@evil.example, mailto:a@evil.example",
    "a | b | c",
    "a \\| b \\",
    "line\nbreak\r\nand\u2028more\u0000",
    "# heading",
    "- item",
    "+ item",
    "1. item",
    "12) item",
    "=====",
    "---",
    "> quote",
    "    code",
    "```code```",
    "*a* **b** _c_ ~~d~~ $e$",
    "right\u202eto left\u200b",
]


def rendered(text: str) -> str:
    return RENDERER.render(text).strip()


def is_inert(text: str) -> bool:
    out = rendered(text)
    tags = re.findall(r"<[^>]*>", out)
    return tags in ([], ["<p>", "</p>"])


@pytest.mark.parametrize("text", HOSTILE)
def test_49_text_from_elsewhere_stays_words(text) -> None:
    shown = escape_markdown(text)
    assert is_inert(shown)
    assert not AUTOLINK.search(html.unescape(re.sub(r"<[^>]*>", "", rendered(shown))))
    assert "\n" not in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_49_text_from_elsewhere_stays_within_its_cell(text) -> None:
    table = f"|a|b|\n|---|---|\n|{escape_markdown(text)}|second|\n"
    out = RENDERER.render(table)
    assert out.count("<td>") == 2
    assert "<td>second</td>" in out


@given(text=st.text(st.sampled_from("ab1 .)(-+=<>[]!|\\`*_~#&;:/@w\n$\"'\u202e"), max_size=40))
def test_49_any_text_becomes_inert(text) -> None:
    shown = escape_markdown(text)
    assert is_inert(shown)
    assert not AUTOLINK.search(html.unescape(re.sub(r"<[^>]*>", "", rendered(shown))))


@pytest.mark.parametrize(
    "text", ["2.1 pg/mL", "Serum, fasting (8 h)", "a/b: 1,5 %", "Élodie O'Neil", "x-y", "10.5", "3.", "-5"]
)
def test_49_plain_words_and_numbers_read_as_they_were(text) -> None:
    assert html.unescape(re.sub(r"<[^>]*>", "", rendered(escape_markdown(text)))) == text


@pytest.mark.parametrize(
    ("text", "longest", "shown"),
    [
        ("abc def", 7, "abc def"),
        ("abc defg", 7, "abc…"),
        ("abc def ghi", 8, "abc def…"),
        ("dose 12345", 8, "dose…"),
        ("x" * 9, 5, "xxxx…"),
        ("xx1234567", 6, "xx…"),
        ("", 5, ""),
    ],
)
def test_49_long_text_is_cut_between_words_and_never_within_a_number(text, longest, shown) -> None:
    assert escape_markdown(text, longest) == shown


def test_49_ten_thousand_characters_are_capped() -> None:
    assert len(escape_markdown("word " * 2000)) <= 200
