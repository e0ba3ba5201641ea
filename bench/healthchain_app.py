"""The nearest Python peer, HealthChain, with a simple rule as a handler; it runs in its own environment (bench.peer).

In: `plain` (the rule on dicts) or `objects` (on FHIR objects), and a port. Out: a service on uvicorn.
A neutrophil count below 1.5 makes a card, with a vitamin B12 below 200 two.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import uvicorn
from healthchain.fhir import convert_prefetch_to_fhir_objects
from healthchain.gateway import CDSHooksService, HealthChainAPI
from healthchain.models import CDSRequest, CDSResponse

COUNT, B12 = "751-8", "2132-9"
LOW = {COUNT: 1.5, B12: 200.0}
KEYS = ("count", "nutrients")
Result = tuple[str, str, float]  # code, instant, value


def plain(prefetch: dict[str, Any]) -> Iterator[Result]:
    """The results, from what was parsed."""
    for key in KEYS:
        for entry in prefetch[key]["entry"]:
            one = entry["resource"]
            yield one["code"]["coding"][0]["code"], one["effectiveDateTime"], one["valueQuantity"]["value"]


def objects(prefetch: dict[str, Any]) -> Iterator[Result]:
    """The results, from FHIR objects."""
    found = convert_prefetch_to_fhir_objects({key: value for key, value in prefetch.items() if value})
    for key in KEYS:
        for entry in found[key].entry:
            one = entry.resource
            yield one.code.coding[0].code, one.effectiveDateTime.isoformat(), float(one.valueQuantity.value)


def cards(results: Iterable[Result]) -> list[dict[str, Any]]:
    """A card for each that is low, when the newest count is."""
    newest: dict[str, tuple[str, float]] = {}
    for code, when, value in results:
        if code in LOW and when > newest.get(code, ("", 0.0))[0]:
            newest[code] = when, value
    low = [code for code, (_, value) in newest.items() if value < LOW[code]]
    return [_card(code, newest[code][1]) for code in low] if COUNT in low else []


def _card(code: str, value: float) -> dict[str, Any]:
    order = {"resourceType": "ServiceRequest", "status": "draft", "intent": "proposal"}
    action = {"type": "create", "description": "Repeat the test", "resource": order}
    suggestion = {"label": "Repeat the test", "isRecommended": True, "actions": [action]}
    return {
        "summary": f"{code} is low: {value}",
        "indicator": "warning",
        "source": {"label": "A rule"},
        "detail": "Seen in the newest result. " * 40,  # both cards together about as long as the answer of the echo
        "suggestions": [suggestion],
        "selectionBehavior": "any",
    }


def main(way: str, port: int) -> None:
    """Serve with one worker, without a log."""
    read, service = {"plain": plain, "objects": objects}[way], CDSHooksService()

    @service.hook("patient-view", id="neutropenia-review")
    def review(request: CDSRequest) -> CDSResponse:
        return CDSResponse(cards=cards(read(request.prefetch or {})))

    logging.disable(logging.WARNING)
    app = HealthChainAPI()
    app.register_service(service)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
