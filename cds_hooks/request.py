"""The call of a CDS service: bytes in, a HookRequest out, or one InvalidRequest with every fault of it.

CDS Hooks 2.0 "HTTP Request", "Passing the Access Token", "Prefetch". What is said under keys that the specification
does not name, `extension` included, is not read. Prefetch values stay bytes here; `prefetch.read` opens them.
For optional fields null counts as absent; a prefetch value of null means "looked, and found nothing".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec import Raw

from cds_hooks import context as context_of
from cds_hooks.context import Context
from cds_hooks.door import ABSENT, Decoder, decode, first_byte, is_null, text_of
from cds_hooks.errors import InvalidRequest, Issue
from cds_hooks.grammar import MAX_TEXT, is_base_url, is_id, is_printable, is_uuid
from cds_hooks.hooks import HOOKS
from cds_hooks.services import Service


@dataclass(frozen=True, slots=True)
class Authorization:
    """The bearer token for the client's FHIR server. Its text form does not show the token."""

    access_token: str = field(repr=False)
    expires_in: int  # seconds; 0: already of no use
    scope: str
    subject: str
    patient: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A checked call. Its text form shows no id of a patient, no result and no token."""

    hook: str
    hook_instance: str
    hook_instance_is_uuid: bool  # False: worth a log line, not worth a refusal
    context: Context
    fhir_server: str | None
    authorization: Authorization | None
    prefetch: Mapping[str, Raw] = field(repr=False)  # the keys of the service that were sent
    other_keys: tuple[str, ...] = field(default=(), repr=False)  # those that were sent beside them, as they came


class _Loose(msgspec.Struct):
    """The top level, each field by itself, so that one fault does not hide the others."""

    hook: Raw = ABSENT
    hookInstance: Raw = ABSENT
    fhirServer: Raw = ABSENT
    fhirAuthorization: Raw = ABSENT
    context: Raw = ABSENT


class _Envelope(_Loose):
    """The same with prefetch split into its keys in the same pass over the bytes."""

    prefetch: dict[str, Raw] | None = None


class _Authorization(msgspec.Struct):
    access_token: Raw = ABSENT
    token_type: Raw = ABSENT
    expires_in: Raw = ABSENT
    scope: Raw = ABSENT
    subject: Raw = ABSENT
    patient: Raw = ABSENT


_LOOSE = Decoder(_Loose)
_ENVELOPE = Decoder(_Envelope)
_AUTHORIZATION = Decoder(_Authorization)
_INTEGER = Decoder(int)


def parse(body: bytes, service: Service) -> HookRequest:
    """The call in `body` of `service`; InvalidRequest otherwise, with all faults at once when it is JSON at all."""
    faults: list[Issue] = []
    try:
        envelope = _open(body, faults)
        request = _read(envelope, service, faults)
    except RecursionError:
        raise InvalidRequest(path="$", problem="is nested too deeply", code="structure") from None
    if faults:
        raise InvalidRequest(*faults)
    return request


def _open(body: bytes, faults: list[Issue]) -> _Envelope:
    try:
        return decode(body, _ENVELOPE)
    except msgspec.ValidationError:
        faults.append(Issue("prefetch", "is no object", "map each key to a FHIR resource or null", "structure"))
    try:
        loose = decode(body, _LOOSE)  # the first fault of type may have hidden a fault of syntax behind it
    except msgspec.ValidationError:
        raise InvalidRequest(path="$", problem="is no JSON object", code="structure") from None
    return _Envelope(loose.hook, loose.hookInstance, loose.fhirServer, loose.fhirAuthorization, loose.context)


def _read(envelope: _Envelope, service: Service, faults: list[Issue]) -> HookRequest:
    instance = _instance(envelope.hookInstance, faults)
    sent = envelope.prefetch or {}
    return HookRequest(
        hook=_hook(envelope.hook, service, faults),
        hook_instance=instance,
        hook_instance_is_uuid=is_uuid(instance),
        context=context_of.read(envelope.context, HOOKS[service.hook], faults),
        fhir_server=_server(envelope, faults),
        authorization=_authorization(envelope.fhirAuthorization, faults),
        prefetch=_prefetch(sent, service, faults),
        other_keys=tuple(key for key in sent if key not in service.prefetch),
    )


def _hook(raw: Raw, service: Service, faults: list[Issue]) -> str:
    if is_null(raw):
        faults.append(Issue("hook", "is missing", f"send {service.hook}", "required"))
    elif text_of(raw) != service.hook:
        faults.append(Issue("hook", "is not the hook of this service", f"it answers {service.hook}", "value"))
    return service.hook


def _instance(raw: Raw, faults: list[Issue]) -> str:
    text = text_of(raw) or ""
    if is_null(raw):
        faults.append(Issue("hookInstance", "is missing", "send a UUID", "required"))
    elif not is_printable(text):
        faults.append(Issue("hookInstance", f"is not 1 to {MAX_TEXT} printable characters", "send a UUID", "value"))
    return text


def _server(envelope: _Envelope, faults: list[Issue]) -> str | None:
    if is_null(envelope.fhirServer):
        if not is_null(envelope.fhirAuthorization):
            faults.append(Issue("fhirServer", "is missing", "fhirAuthorization requires it", "required"))
        return None
    text = text_of(envelope.fhirServer)
    if text is None or not is_base_url(text):
        faults.append(Issue("fhirServer", "is not the base address of a FHIR server", "http(s)://host/path", "value"))
    return text


def _authorization(raw: Raw, faults: list[Issue]) -> Authorization | None:
    if is_null(raw):
        return None
    if first_byte(raw) != "{":
        faults.append(Issue("fhirAuthorization", "is no object", "", "structure"))
        return None
    sent = _AUTHORIZATION.decode(raw)
    kind = _member(sent.token_type, "token_type", faults)
    if kind and kind.lower() != "bearer":
        faults.append(_auth_issue("token_type", "is not Bearer"))
    return Authorization(
        access_token=_token(sent.access_token, faults),
        expires_in=_seconds(sent.expires_in, faults),
        scope=_member(sent.scope, "scope", faults),
        subject=_member(sent.subject, "subject", faults),
        patient=_patient(sent.patient, faults),
    )


def _auth_issue(name: str, problem: str, code: str = "value") -> Issue:
    return Issue(f"fhirAuthorization.{name}", problem, "", code)


def _member(raw: Raw, name: str, faults: list[Issue]) -> str:
    text = text_of(raw) or ""
    if not text:
        faults.append(_auth_issue(name, "is missing or no text", "required"))
    return text


def _token(raw: Raw, faults: list[Issue]) -> str:
    text = _member(raw, "access_token", faults)
    # It becomes a header: a blank or a line break in it would be a second header.
    if not text.isascii() or not text.isprintable() or " " in text:
        faults.append(_auth_issue("access_token", "holds a character that no bearer token has"))
    return text


def _seconds(raw: Raw, faults: list[Issue]) -> int:
    try:
        seconds = _INTEGER.decode(raw) if not is_null(raw) else -1
    except msgspec.ValidationError:
        seconds = -1
    if seconds < 0:
        faults.append(_auth_issue("expires_in", "is not a whole number of seconds"))
    return seconds


def _patient(raw: Raw, faults: list[Issue]) -> str | None:
    if is_null(raw):
        return None
    bare = (text_of(raw) or "").removeprefix("Patient/")
    if not is_id(bare):
        faults.append(_auth_issue("patient", "is not a FHIR id"))
    return bare


def _prefetch(sent: dict[str, Raw], service: Service, faults: list[Issue]) -> dict[str, Raw]:
    ours = {key: sent[key] for key in service.prefetch if key in sent}
    odd = [key for key, raw in ours.items() if first_byte(raw) not in "{n"]
    faults += [Issue(f"prefetch.{key}", "is no FHIR resource", "an object, or null", "structure") for key in odd]
    return ours
