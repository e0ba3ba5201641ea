"""The report as one page: style, text and pictures in it, no script, nothing from elsewhere.

In: the report as JSON, the knowledge in force. Out: HTML, escaped by Jinja.
"""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from service.cli.kept import COUNTS
from service.cli.pictures import KINDS, Picture, bars, columns
from service.cli.report import HEADS, OF_SHOWN, TITLES, name_of, period_of, shown
from service.clinical.knowledge.model import Knowledge

WEB = Path(str(files("service.web")))
MOST_RULES = 15  # in the picture: the table has them all


def page(told: dict[str, Any], knowledge: Knowledge) -> str:
    """The page of a report."""
    templates = Environment(
        loader=FileSystemLoader(WEB / "templates"), autoescape=True, undefined=StrictUndefined,
    )  # fmt: skip
    style = "".join((WEB / "static" / name).read_text("utf-8") for name in ("page.css", "report.css"))
    return templates.get_template("report.html").render(
        told=told, k=knowledge, period=period_of(told), style=Markup(style), counts=COUNTS, titles=TITLES,
        heads=HEADS, name_of=name_of, shown=shown, of_shown=OF_SHOWN, kinds=KINDS, pictures=_pictures(told),
    )  # fmt: skip


def _pictures(told: dict[str, Any]) -> list[Picture]:
    """Those that have something to show."""
    fates = (*OF_SHOWN, "left_out", "silent")
    found = []
    if told["cards"]:
        found.append(bars("fates", "What became of all cards", [("All cards", _of(told, fates))]))
    if told["days"]:
        days = {date.fromisoformat(one["day"]): _of(one, ("shown", "left_out", "silent")) for one in told["days"]}
        found.append(columns("time", "Cards over time", days))
    rules = [(name_of(one), _of(one, fates)) for one in told["rules"][:MOST_RULES]]
    if rules:
        found.append(bars("by-rule", "The rules with the most cards", rules))
    reasons = [(one["says"], {"overridden": one["overridden"]}) for one in told["overridden_by_reason"]]
    if reasons:
        found.append(bars("reasons", "Why cards were overridden", reasons))
    return found


def _of(counts: dict[str, Any], names: tuple[str, ...]) -> dict[str, int]:
    return {name: counts[name] for name in names}
