"""What the protocol tests share: a made-up service on patient-view, and a call of it that is right."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cds_hooks.errors import CdsHooksError
from cds_hooks.request import HookRequest, parse
from cds_hooks.services import Service

PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "readings": "Observation?patient={{context.patientId}}&category=vital-signs&code=http://x.example|1,http://x.example|2",
    "visits": "Encounter?patient={{context.patientId}}&date=ge2020-01-01&_sort=-date&_count=50",
}


def call(**changes: Any) -> dict[str, Any]:
    """A right call of patient-view with top-level fields replaced; a value of `...` removes the field."""
    base: dict[str, Any] = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/7", "patientId": "p1"},
        "prefetch": {"readings": None},
    }
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


@pytest.fixture(scope="session")
def service() -> Service:
    return Service("demo", "patient-view", "Demo", "Shows the protocol", PREFETCH, frozenset({"readings"}))


@pytest.fixture(scope="session")
def asked(service: Service) -> Callable[..., HookRequest]:
    """The call with changes, parsed."""
    return lambda **changes: parse(json.dumps(call(**changes)).encode(), service)


@pytest.fixture(scope="session")
def faults_of(service: Service) -> Callable[..., list[str]]:
    """The paths that the refusal of a changed call names, sorted; [] when it is accepted."""

    def paths(**changes: Any) -> list[str]:
        try:
            parse(json.dumps(call(**changes)).encode(), service)
        except CdsHooksError as error:
            assert error.status == 400
            return sorted(issue.path for issue in error.issues)
        return []

    return paths


@pytest.fixture(scope="session")
def order_service() -> Service:
    return Service("orders", "order-select", "Orders", "Looks at orders", {})
