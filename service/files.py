"""Where the files that travel with the service are: at the top of a checkout, inside the package in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def find_file(name: str) -> Path:
    """The file or folder `name`, given from the top of the checkout (`openapi.yaml`, `fixtures/fhir/stories`)."""
    for root in (_PACKAGE, _PACKAGE.parent):
        if (path := root / name).exists():
            return path
    raise FileNotFoundError(f"{name} is missing from this installation: install neutropenia-cds again")
