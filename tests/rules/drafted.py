"""The drafts of a rule table: how an order is written in the column `drafts`, and what it becomes. No FHIR here.

folic-acid 5 mg/d | zinc-supplement 50 mg/d most 220 | vitamin-b12 intramuscular | order vitamin-b12; several with `;`

A concept (or `order` and an id of orders.toml), then: a dose a day in `mg/d` or `ug/d`; `most` what it may be at most;
a route: oral (the default) intramuscular subcutaneous intravenous injection rectal local unknown; a length `10 days`;
`3 /wk` (days of a week); `scheduled` (round the clock); `for acute-diarrhea` (why it is ordered); `request` (not a
MedicationRequest); `also prenatal-vitamin` (a drug of two concepts). `any` is a drug that no concept matches;
`unread`: its words do not say how often;
`beside`: not asked about (order-select); `disputed`: says in two ways how much or how often; `on mon,thu`: named days.
"""

from __future__ import annotations

from decimal import Decimal

from cells import AS_OF, KNOWLEDGE, CellError, split

from service.clinical.facts import OrderOnFile
from service.fhir.moments import Moments
from service.order_checks.doses import Amount
from service.order_checks.drafts import Draft, as_on_file

ROUTES = {
    "oral": {"systemic", "oral"},
    "intramuscular": {"injection", "intramuscular"},
    "subcutaneous": {"injection", "subcutaneous"},
    "intravenous": {"injection", "intravenous"},
    "injection": {"injection"},
    "rectal": {"rectal"},
    "local": {"local"},
    "unknown": {"unknown"},
}
NOW = AS_OF.isoformat()


def drafts_of(cell: str) -> tuple[Draft, ...]:
    """Every draft of a cell."""
    return tuple(_draft(part, number) for number, part in enumerate(split(cell)))


def asked_of(cell: str) -> tuple[Draft, ...]:
    """Those that are in question: the others, marked `beside`, only lie among the drafts."""
    marked = ["beside" in part.split() for part in split(cell)]
    return tuple(draft for draft, aside in zip(drafts_of(cell), marked, strict=True) if not aside)


def waiting(drafts: tuple[Draft, ...]) -> tuple[OrderOnFile, ...]:
    """Drafted tests as the checks see them beside the chart."""
    return as_on_file(drafts, Moments(AS_OF.tzinfo), NOW) if AS_OF.tzinfo else ()


def _draft(cell: str, number: int) -> Draft:
    first, *words = cell.split()
    if first == "order":
        name = words.pop(0)
        _known(name, KNOWLEDGE.orders)
        return Draft(f"ServiceRequest/d{number}", "ServiceRequest", orders=frozenset([name]))
    if first != "any":
        _known(first, KNOWLEDGE.concepts)
    kind = "ServiceRequest" if "request" in words else "MedicationRequest"
    mg, most = _dose(words), _after(words, "most")
    days, often = _before(words, "days"), _before(words, "/wk")
    reason, also = _word_after(words, "for"), _word_after(words, "also")
    scheduled, week = "scheduled" in words, _word_after(words, "on")
    routes = frozenset().union(*(ROUTES[w] for w in words if w in ROUTES)) or frozenset(ROUTES["oral"])
    left = [
        w
        for w in words
        if w not in ROUTES and w not in ("scheduled", "request", "beside", "disputed", "held", "unread")
    ]
    if left:
        raise CellError(f"{' '.join(left)!r} is not understood in {cell!r}")
    return Draft(
        f"{kind}/d{number}", kind, frozenset({first, also} - {"any", None}), frozenset(), routes,
        Amount(mg, most if most is not None else mg), days, often, scheduled,
        frozenset([reason]) if reason else frozenset(), cell, firm="held" not in words, waits="held" in words,
        unread="unread" in words, disputed="disputed" in words,
        named=frozenset(week.split(",")) if week else frozenset(),
    )  # fmt: skip


def _known(name: str, among: object) -> None:
    if name not in among:
        raise CellError(f"{name!r} is no concept or order")


def _dose(words: list[str]) -> Decimal | None:
    for unit, factor in (("mg/d", Decimal(1)), ("ug/d", Decimal("0.001"))):
        number = _before(words, unit)
        if number is not None:
            return number * factor
    return None


def _before(words: list[str], word: str) -> Decimal | None:
    """The number before a word; both are taken out."""
    if word not in words:
        return None
    place = words.index(word)
    number = Decimal(words[place - 1])
    del words[place - 1 : place + 1]
    return number


def _after(words: list[str], word: str) -> Decimal | None:
    found = _word_after(words, word)
    return Decimal(found) if found else None


def _word_after(words: list[str], word: str) -> str | None:
    if word not in words:
        return None
    place = words.index(word)
    found = words[place + 1]
    del words[place : place + 2]
    return found
