"""The context of a hook: who looks at whom, and what is being worked on.

In: the raw `context` and the hook that says what it must hold. Out: a Context, or every fault of it.
Sources: CDS Hooks 2.0 "HTTP Request"; the context tables of the hook library; FHIR R4 id and reference grammars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Raw

from cds_hooks.door import ABSENT, Decoder, first_byte, is_null, text_of
from cds_hooks.errors import Issue
from cds_hooks.grammar import is_id, is_printable, is_reference
from cds_hooks.hooks import Field, Hook, Kind


@dataclass(frozen=True, slots=True)
class Context:
    """What a hook's context says, with bare ids. Its text form shows no id."""

    tokens: Mapping[str, str]  # what templates may name: "context.patientId", "userPractitionerId" -> value
    resources: Mapping[str, Raw]  # the fields that are no token, e.g. "draftOrders", "selections"

    def __repr__(self) -> str:
        return f"Context({', '.join((*self.tokens, *self.resources))})"

    @property
    def patient_id(self) -> str:
        """The bare id of the patient; every hook of the library has one."""
        return self.tokens["context.patientId"]

    @property
    def user(self) -> str | None:
        """`Type/id` of the user, None for hooks without one."""
        return self.tokens.get("context.userId")

    @property
    def user_type(self) -> str | None:
        """The type of the user, e.g. Practitioner; a Patient or RelatedPerson may look on some hooks."""
        return self.user.partition("/")[0] if self.user else None


class _Kind(msgspec.Struct):
    resourceType: str = ""


_FIELDS = Decoder(dict[str, Raw])
_LIST = Decoder(list[Raw])
_KIND = Decoder(_Kind)


def read(raw: Raw, hook: Hook, faults: list[Issue]) -> Context:
    """The context; what is wrong with it is added to `faults`, and then the Context is not to be used."""
    tokens: dict[str, str] = {}
    resources: dict[str, Raw] = {}
    if first_byte(raw) != "{":
        faults.append(Issue("context", "is missing or no object", f"{hook.name} requires it", "required"))
        return Context(tokens, resources)
    sent = _FIELDS.decode(raw)
    for field in hook.fields:
        value = sent.get(field.name, ABSENT)
        if is_null(value):
            if field.required:
                faults.append(Issue(field.path, "is missing", f"{hook.name} requires it", "required"))
        elif field.is_token:
            _read_token(value, field, hook, tokens, faults)
        elif _HOLDS[field.kind](value):
            resources[field.name] = value
        else:
            faults.append(Issue(field.path, f"is not {field.kind.value}", "see the hook's context", "value"))
    return Context(tokens, resources)


def _read_token(raw: Raw, field: Field, hook: Hook, tokens: dict[str, str], faults: list[Issue]) -> None:
    text = text_of(raw) or ""
    if field.kind is Kind.ID:
        text = text.removeprefix(f"{field.resource}/")
        fits = is_id(text)
    else:
        fits = is_reference(text)
    if fits and field.kind is Kind.USER:
        kind, _, bare = text.partition("/")
        fits = kind in hook.user_types
        tokens[f"user{kind}Id"] = bare
    tokens[field.path] = text
    if not fits:
        hint = ("one of " + ", ".join(hook.user_types) + "; " if field.kind is Kind.USER else "") + _ID_HINT
        faults.append(Issue(field.path, f"is not {field.kind.value}", hint, "value"))


_ID_HINT = "ids are 1 to 64 letters, digits, - and ."


def _are_references(value: Raw) -> bool:
    """A list of texts: some clients send none, or addresses, and what they name is looked up by whoever reads them."""
    return first_byte(value) == "[" and all(is_printable(text_of(one)) for one in _LIST.decode(value))


def _is_bundle(value: Raw) -> bool:
    try:
        return first_byte(value) == "{" and _KIND.decode(value).resourceType == "Bundle"
    except msgspec.ValidationError:
        return False


def _are_objects(value: Raw) -> bool:
    return _is_list(value) and all(first_byte(one) == "{" for one in _LIST.decode(value))


def _is_list(value: Raw) -> bool:
    return first_byte(value) == "[" and bool(_LIST.decode(value))


_HOLDS: dict[Kind, Callable[[Raw], bool]] = {
    Kind.REFERENCES: _are_references,
    Kind.BUNDLE: _is_bundle,
    Kind.OBJECTS: _are_objects,
}
