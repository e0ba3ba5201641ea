"""openapi.yaml, the one contract: served as it is, and requests are validated from it.

In: a decoded body and the name of a schema. Out: one Issue per fault, with the JSON path and the schema's keyword,
never a value (jsonschema's own messages repeat what was sent). OpenAPI 3.1 is JSON Schema 2020-12.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from cds_hooks.errors import Issue
from service.files import find_file

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

MOST_FAULTS = 20  # of one request: a body of junk is not worth more

_WORDS = {
    "type": "has the wrong JSON type",
    "minLength": "is empty",
    "const": "has another value than the one that fits",
}


def as_sent() -> bytes:
    """The file as it lies there."""
    return find_file("openapi.yaml").read_bytes()


@cache
def document() -> dict[str, Any]:
    """The file, decoded."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: dict[str, Any] = yaml.load(as_sent(), Loader=loader)
    return loaded


@cache
def validator(schema: str) -> Validator:
    """What checks values against `components/schemas/{schema}`, formats included."""
    # Together 0.1 s of import: only whoever validates pays for it.
    from jsonschema import Draft202012Validator, FormatChecker
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    registry: Registry[Any] = Registry().with_resource("urn:api", DRAFT202012.create_resource(document()))
    pointer = {"$ref": f"urn:api#/components/schemas/{schema}"}
    return Draft202012Validator(pointer, registry=registry, format_checker=FormatChecker())


def faults(schema: str, value: Any) -> tuple[Issue, ...]:
    """What is wrong with a value that was sent; nothing when it is as the schema says."""
    found = islice(validator(schema).iter_errors(value), MOST_FAULTS)
    return tuple(dict.fromkeys(issue for fault in found for issue in _issues(fault)))


def _issues(fault: ValidationError) -> Iterator[Issue]:
    keyword = str(fault.validator)
    problems = [_WORDS.get(keyword, f"breaks {keyword}")]
    if keyword == "required":  # the names are the schema's
        names, sent = cast("list[str]", fault.validator_value), cast("dict[str, Any]", fault.instance)
        problems = [f"lacks {name}" for name in names if name not in sent]
    for problem in problems:
        yield Issue(fault.json_path, problem, "see /openapi.yaml", "structure")
