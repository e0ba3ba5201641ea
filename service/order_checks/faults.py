"""Whether the rows of the order checks hold together: what they name exists, what they say fits on a card.

In: Knowledge that is sound otherwise. Out: faults, one sentence each. Source: design section 5.
"""

from __future__ import annotations

from collections.abc import Iterator

from service.clinical.knowledge.model import Knowledge, Row
from service.order_checks.conflicts import COUNT, LEVELS

NEEDED = {"count", "nutrients", "medications", "conditions"}  # prefetch keys that a check may not do without
LONGEST_SILENCE = 366
SAID = ("level", "summary", "text")  # what a row needs that makes a card


def faults(knowledge: Knowledge) -> list[str]:
    """Everything that is wrong."""
    return [f"check {row.id}: {fault}" for row in knowledge.tables["check"] for fault in _faults(row, knowledge)]


def _faults(row: Row, knowledge: Knowledge) -> Iterator[str]:
    then = row.then
    needed = {"about", "draft", "level"} | (set() if then.get("level") == "none" else set(SAID))
    yield from (f"{word} is missing" for word in sorted(needed - then.keys()))
    if then.get("level") not in LEVELS:
        yield f"{then.get('level')} is none of {', '.join(LEVELS)}"
    rules = [rule for rule in (then.get("draft"), *then.get("unless", ()), *then.get("beside", ())) if rule]
    yield from _unknown("concept", {c for rule in rules for c in rule.drugs | rule.reasons}, set(knowledge.concepts))
    yield from _unknown("order", {order for rule in rules for order in rule.orders}, set(knowledge.orders))
    yield from _unknown("prefetch key", set(then.get("needs", ())), NEEDED)
    shown = {COUNT, *knowledge.scales, *(nutrient.id for nutrient in knowledge.nutrients)}
    yield from _unknown("scale or nutrient to show", set(then.get("shows", ())), shown)
    reasons = {key.removeprefix("override.") for key in knowledge.wording if key.startswith("override.")}
    yield from _unknown("override reason", set(then.get("override", ())), reasons)
    rows = {one.id for one in knowledge.tables["check"]}
    yield from _unknown("row", set(then.get("covered_by", ())), rows)
    if "once_days" in then and (then["level"] != "info" or not 0 < then["once_days"] <= LONGEST_SILENCE):
        yield f"once_days is for info, at most {LONGEST_SILENCE} days"
    yield from _unknown("title", {f"check-title.{then.get('about')}"}, set(knowledge.wording))


def _unknown(kind: str, named: set[str], known: set[str]) -> Iterator[str]:
    yield from (f"there is no {kind} {name}" for name in sorted(named - known))
