"""What all parts of a card's detail share: the wording, the calendar, the sources in the order of their first use.

In: texts of ours and from the chart. Out: the same, safe to stand inside a line of GitHub-flavoured Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from cds_hooks.markdown import escape_markdown
from service.cards.words import day, words
from service.clinical.facts import Moment
from service.clinical.knowledge.model import Knowledge

LONGEST = 160  # characters of one text from a chart


@lru_cache(maxsize=4096)
def inert(text: str) -> str:
    """A text of ours, whole, with what Markdown takes for markup made plain: 10*9/L reads as it is."""
    # The dot keeps a leading number ("0.80") from being guarded as if it began a list: we never begin a line with it.
    return escape_markdown(f".{text}", len(text) + 1)[1:]


def safe(text: str) -> str:
    """A text that may come from a chart: on one line, cut, and inert."""
    return escape_markdown(text, LONGEST)


@dataclass(frozen=True, slots=True)
class Page:
    """One detail while it is written; `numbers` gives each cited source the number of its first use."""

    knowledge: Knowledge
    as_of: datetime
    numbers: dict[str, int] = field(default_factory=dict)

    def say(self, key: str, **values: object) -> str:
        """A text of the table [detail]."""
        return words(self.knowledge, "detail", key, **values)

    def day(self, when: Moment | None) -> str:
        """The day of a result."""
        return day(self.knowledge, when, self.as_of)

    def cite(self, text: str, citations: Iterable[str]) -> str:
        """The text with the numbers of its sources behind it."""
        marks = (f"[{self.numbers.setdefault(c, len(self.numbers) + 1)}]" for c in dict.fromkeys(citations) if c)
        return " ".join([text, *marks]).strip()

    def sources(self) -> list[str]:
        """The sources cited so far, numbered, with a link where there is one."""
        return [f"{number}. {self._source(citation)}" for citation, number in self.numbers.items()]

    def _source(self, citation: str) -> str:
        source = self.knowledge.citations.get(citation)
        if source is None:
            return inert(citation)
        return f"[{inert(source.text)}]({source.url})" if source.url else inert(source.text)
