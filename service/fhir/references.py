"""References between resources.

In: a reference as it is written. Out: its short form, the same for every way of writing it.
"""

from __future__ import annotations


def short(reference: str) -> str:
    """A reference without its server and version: Patient/1 for https://ehr.example.org/fhir/Patient/1/_history/2."""
    if "/_history/" in reference:
        reference = reference[: reference.index("/_history/")]
    if reference.count("/") > 1:
        return "/".join(reference.rsplit("/", 2)[1:])
    return reference
