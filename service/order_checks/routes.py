"""By which routes a drafted drug is given.

In: Dosages and the words of the product. Out: every word for the route, or unknown. Source: FHIR R4 Dosage.route;
SNOMED CT, HL7 RouteOfAdministration; knowledge H4.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.fhir.concepts import texts_of, words_of
from service.order_checks.sent import Dosage

UNKNOWN = frozenset(["unknown"])


class Routes:
    """Codes and words of routes, indexed once."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self._routes = _plain(said["routes"])
        self._wider: Mapping[str, str] = said["wider_routes"]
        self._of_doses = _plain(said["dose_routes"])

    def of(self, doses: Sequence[Dosage], product: Iterable[str], known: str | None) -> frozenset[str]:
        """Every word for the route: by its code, else by the words of product and dose; unknown when none says it."""
        codes = {(c.code or "").casefold() for dose in doses if dose.route for c in dose.route.coding}
        coded = {name for table in (self._routes, self._of_doses) for name, words in table.items() if codes & words}
        texts = [t for d in doses for t in (d.words, *texts_of(d.route), *texts_of(d.method))]
        units = [q.unit or "" for d in doses for one in d.doseAndRate if (q := one.doseQuantity)]
        named = coded or _named(self._routes, [*product, *texts, *units]) | _named(self._of_doses, texts)
        wider = {self._wider[name] for name in named if name in self._wider}
        return frozenset(named | wider | ({known} if known else set())) or UNKNOWN


def _plain(table: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(" ".join(words_of(word)) for word in words) for name, words in table.items()}


def _named(table: Mapping[str, frozenset[str]], texts: Iterable[str]) -> set[str]:
    said = f" {' '.join(' '.join(words_of(text)) for text in texts)} "
    return {name for name, words in table.items() if any(f" {word} " in said for word in words)}
