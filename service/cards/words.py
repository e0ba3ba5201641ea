"""How values become words: every text comes from wording.toml, every number is shown as the laboratory meant it.

In: the loaded knowledge, counts, moments. Out: plain text. Nothing here knows Markdown or FHIR.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from service.clinical.facts import Moment
from service.clinical.interval import Interval
from service.clinical.knowledge.model import Knowledge

HUNDREDTH = Decimal("0.01")
CELLS_PER_UNIT = 1000  # 1 x10*9/L is 1000 per uL


def words(knowledge: Knowledge, table: str, key: str, **values: object) -> str:
    """The text of `table.key` with its {names} filled; an unknown key reads as itself, hyphens turned to spaces."""
    text = knowledge.wording.get(f"{table}.{key}")
    if text is None:
        return key.replace("-", " ")
    return text.format_map(values) if values else text


def known(knowledge: Knowledge, table: str, key: str) -> bool:
    """Whether wording.toml has this text."""
    return f"{table}.{key}" in knowledge.wording


def first_words(knowledge: Knowledge, tables: Iterable[str], key: str) -> str:
    """The text of `key` in the first of the tables that has it, else the name of a concept or analyte, else the key."""
    for table in tables:
        if known(knowledge, table, key):
            return knowledge.wording[f"{table}.{key}"]
    named = knowledge.concepts.get(key) or knowledge.analytes.get(key)
    return named.name if named else key.replace("-", " ")


def fitted(knowledge: Knowledge, table: str, kind: str, values: Mapping[str, str], limit: int | None = None) -> str:
    """The longest of the texts `kind-1`, `kind-2` ... that has all its values and is shorter than `limit`."""
    rung, text = 1, ""
    while (template := knowledge.wording.get(f"{table}.{kind}-{rung}")) is not None:
        rung += 1
        try:
            text = capital(template.format_map(values))
        except KeyError:
            continue  # a name without a value: the next text does without it
        if limit is None or len(text) < limit:
            return text
    raise LookupError(f"wording.toml has no text {table}.{kind} for these values within the limit")


def capital(text: str) -> str:
    """The text with its first letter large, also behind Markdown's asterisks; words like tTG and eGFR stay."""
    bare = text.lstrip("*")
    if bare[1:2].isupper():
        return text
    return text[: len(text) - len(bare)] + bare[:1].upper() + bare[1:]


def joined(knowledge: Knowledge, names: Iterable[str]) -> str:
    """Names as a list in a sentence: a, b and c; each once."""
    *firsts, last = dict.fromkeys(names)
    if not firsts:
        return last
    return f"{', '.join(firsts)} {words(knowledge, 'detail', 'and')} {last}"


def number(value: Decimal) -> str:
    """A decimal without exponent and as many digits as it was given."""
    return format(value, "f")


def _hundredths(value: Decimal, rounding: str) -> str:
    return format(value.quantize(HUNDREDTH, rounding=rounding), "f")


def _bound(value: Decimal, rounding: str) -> str:
    """A bound as reported, or to two decimals without claiming more than it does."""
    return number(value) if value == value.quantize(HUNDREDTH) else _hundredths(value, rounding)


def count_text(knowledge: Knowledge, value: Interval) -> str:
    """A count in 10*9/L: two decimals, comparator and unit.

    Decimals are cut, not rounded: grades begin at hundredths, so 0.499 must not read 0.50 beside "severe".
    """
    if value.is_exact:
        shown = _hundredths(value.number, ROUND_FLOOR)
    elif value.low is not None and value.high is not None and value.low > 0:
        low, high = _hundredths(value.low, ROUND_FLOOR), _hundredths(value.high, ROUND_CEILING)
        shown = words(knowledge, "number", "between", low=low, high=high)
    elif value.high is not None:
        shown = _compared(knowledge, value, _bound(value.high, ROUND_CEILING))
    else:
        shown = _compared(knowledge, value, _bound(value.number, ROUND_FLOOR))
    return words(knowledge, "number", "with-unit", number=shown, unit=words(knowledge, "number", "count-unit"))


def cells(knowledge: Knowledge, value: Interval) -> str:
    """A count as a whole number of cells per uL, with its comparator."""
    if value.is_exact or value.high is None or not value.low:
        return _compared(knowledge, value, _hundredths(value.number * CELLS_PER_UNIT, ROUND_FLOOR).partition(".")[0])
    low, high = (_hundredths(end * CELLS_PER_UNIT, ROUND_FLOOR).partition(".")[0] for end in (value.low, value.high))
    return words(knowledge, "number", "between", low=low, high=high)


def amount(knowledge: Knowledge, value: Interval, unit: str) -> str:
    """A result with its comparator and unit, in all its digits."""
    shown = _compared(knowledge, value, number(value.number))
    return words(knowledge, "number", "with-unit", number=shown, unit=unit_text(knowledge, unit)).strip()


def unit_text(knowledge: Knowledge, text: str) -> str:
    """A unit, or a band that ends in one, as cards write it; an annotation of UCUM ("{INR}") is no unit."""
    bounds, space, unit = text.rpartition(" ")
    return f"{bounds}{space}{knowledge.wording.get(f'unit.{unit}', '' if unit.startswith('{') else unit)}".strip()


def _compared(knowledge: Knowledge, value: Interval, shown: str) -> str:
    names = {"<": "below", "<=": "at-most", ">": "above", ">=": "at-least"}
    comparator = value.comparator
    return shown if comparator is None else words(knowledge, "number", names[comparator], number=shown)


def day(knowledge: Knowledge, when: Moment | datetime | None, as_of: datetime) -> str:
    """A date as precise as it is known: "14 Jun", with the year unless it is that of `as_of`."""
    if when is None:
        return words(knowledge, "detail", "undated")
    first, last = _days(when, as_of)
    month = words(knowledge, "date", "months").split()[first.month - 1]
    if first == last:
        key = "day" if first.year == as_of.year else "day-year"
        return words(knowledge, "date", key, day=first.day, month=month, year=first.year)
    key = "month-year" if (first.year, first.month) == (last.year, last.month) else "year"
    return words(knowledge, "date", key, month=month, year=first.year)


def _days(when: Moment | datetime, as_of: datetime) -> tuple[date, date]:
    """The first and last calendar day that `when` allows, on the calendar of `as_of`."""
    if isinstance(when, datetime):
        return when.astimezone(as_of.tzinfo).date(), when.astimezone(as_of.tzinfo).date()
    return when.earliest.astimezone(as_of.tzinfo).date(), when.latest.astimezone(as_of.tzinfo).date()


def day_and_year(knowledge: Knowledge, when: datetime) -> str:
    """A day with its year."""
    month = words(knowledge, "date", "months").split()[when.month - 1]
    return words(knowledge, "date", "day-year", day=when.day, month=month, year=when.year)


def when_due(knowledge: Knowledge, days: int) -> str:
    """How soon something is to be done: "today", "within 7 days"."""
    key = f"within-{days}" if known(knowledge, "detail", f"within-{days}") else "within"
    return words(knowledge, "detail", key, days=days)
