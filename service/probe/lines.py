"""What the probe looks for: the lines of the checklist that can be seen from outside, and why the others cannot.

The numbers are those of the project's checklist for CDS Hooks 2.0; A1 to A3 are what good practice asks of any answer.
A line may hold sentences of several levels: a finding carries that of its sentence, the line that of the strictest.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How strictly the specification asks. A MUST that is not met fails, anything else warns."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    PRACTICE = "PRACTICE"


class Line(NamedTuple):
    """One line: where it belongs, what it asks, and what has to turn up before it can be judged."""

    section: str
    level: Level
    asks: str
    needs: str


_M, _S, _O, _P = Level
_NO_CARD = "no card was seen: send a request that leads to one with --request"
_NO_PART = "no card with such a part was seen: send a request that leads to one with --request"
_NO_CALL = "no call could be made"
_NO_TEMPLATE = "no prefetch template is advertised"
_NO_FEEDBACK = "there is no feedback endpoint"
_OPEN = "the service is open: it asks for no token"

LINES: dict[str, Line] = {
    "1": Line("JSON", _M, "HTTPS in production", "plain HTTP on this machine: put TLS in front in production"),
    "2": Line("JSON", _M, "no null and no empty value", "no JSON was seen"),
    "3": Line("JSON", _M, "optional fields without value are left out", "no JSON was seen"),
    "4": Line("JSON", _M, "FHIR resources are objects, not text", "no action with a resource was seen"),
    "5": Line("Discovery", _M, "GET {base}/cds-services gives 200 and an object with services", _NO_CALL),
    "6": Line("Discovery", _M, "services is there even when there are none", "discovery gave no JSON object"),
    "7": Line("Discovery", _M, "each service has hook, id, description", "no service is advertised"),
    "8": Line("Discovery", _M, "ids are safe in an address", "no service is advertised"),
    "9": Line("Discovery", _O, "an id occurs once per hook", "no service is advertised"),
    "11": Line("Discovery", _S, "version is that of the specification (3.0)", "no version is advertised"),
    "12": Line("Request", _M, "POST of application/json to the service's address", _NO_CALL),
    "13": Line("Request", _S, "a hook that the service does not have is refused", _NO_CALL),
    "14": Line("Request", _M, "hookInstance is any UUID, and required", _NO_CALL),
    "15": Line("Request", _S, "fhirAuthorization without fhirServer is refused", _NO_CALL),
    "16": Line("Request", _M, "fhirAuthorization is understood", _NO_CALL),
    "17": Line("Request", _M, "extension is ignored", _NO_CALL),
    "18": Line("Request", _M, "unknown fields are ignored", _NO_CALL),
    "19": Line("Request", _M, "the access token comes back in no answer", _NO_CALL),
    "20": Line("Request", _S, "about 500 ms per call", _NO_CALL),
    "21": Line("Context", _M, "a patient may be the user of patient-view", "no service of such a hook was called"),
    "22": Line("Context", _S, "Patient/id is taken for the bare id", _NO_CALL),
    "26": Line("Prefetch", _M, "a key that is absent leads to 200 or 412", _NO_TEMPLATE),
    "27": Line("Prefetch", _M, "null means that there is nothing, and is no failure", _NO_TEMPLATE),
    "28": Line("Prefetch", _S, "an OperationOutcome as value is understood", _NO_TEMPLATE),
    "29": Line("Prefetch", _M, "Bundles, empty Bundles and bare resources are understood", _NO_TEMPLATE),
    "30": Line("Prefetch", _M, "required data that is absent leads to 412, naming the key", _NO_TEMPLATE),
    "33": Line("Prefetch", _S, "results of another patient are not used", "made-up results changed no answer"),
    "34": Line("Prefetch", _M, "prefetch missing or without keys leads to 200 or 412", _NO_TEMPLATE),
    "35": Line("Templates", _M, "tokens are first-level context fields or the user's id", _NO_TEMPLATE),
    "36": Line("Templates", _S, "queries stay in the subset", _NO_TEMPLATE),
    "37": Line("Templates", _S, "no today()", _NO_TEMPLATE),
    "38": Line("Templates", _S, "sorting is written _sort=-date", _NO_TEMPLATE),
    "39": Line("Templates", _S, "no parameter is repeated", _NO_TEMPLATE),
    "40": Line("Templates", _S, "searches of Observation are narrowed, _count is at most 200", _NO_TEMPLATE),
    "42": Line("Response", _M, "200 with an object that holds cards", _NO_CALL),
    "43": Line("Response", _M, "systemActions is a list of actions", "no systemActions were seen"),
    "44": Line("Response", _S, "faults of the request get the status that names them", _NO_CALL),
    "45": Line("Response", _S, "source.topic stays the same from call to call", "no card with a topic was seen twice"),
    "46": Line("Card", _M, "summary has less than 140 characters", _NO_CARD),
    "47": Line("Card", _M, "indicator is info, warning or critical", _NO_CARD),
    "48": Line("Card", _M, "source has a label; addresses are absolute; topic has code and system", _NO_CARD),
    "49": Line("Card", _M, "detail is Markdown", _NO_PART),
    "50": Line("Card", _M, "uuid is a UUID, of its own on each card and in each answer", _NO_CARD),
    "51": Line("Card", _M, "selectionBehavior is there with suggestions", _NO_PART),
    "52": Line("Card", _M, "override reasons have code, system, display", _NO_PART),
    "53": Line("Card", _M, "links have label, url, type", _NO_PART),
    "54": Line("Suggestion", _M, "suggestions have a label", _NO_PART),
    "55": Line("Suggestion", _M, "one of at-most-one is recommended", _NO_PART),
    "57": Line("Suggestion", _M, "actions have type and description", _NO_PART),
    "58": Line("Suggestion", _M, "create and update have the resource, delete its id", _NO_PART),
    "59": Line("Suggestion", _S, "created orders are drafts for the patient of the call", "no created order was seen"),
    "60": Line("Suggestion", _O, "topic is there; what is changed was drafted (Inferno)", _NO_CARD),
    "61": Line("Feedback", _O, "feedback may come twice", _NO_FEEDBACK),
    "62": Line("Feedback", _M, "accepted and overridden are taken, nothing else", _NO_FEEDBACK),
    "63": Line("Feedback", _S, "accepted needs acceptedSuggestions", _NO_FEEDBACK),
    "64": Line("Feedback", _M, "overridden may come with reason, comment or neither", _NO_FEEDBACK),
    "66": Line("Feedback", _M, "feedback asks for the same token as the call", _NO_FEEDBACK),
    "67": Line("Feedback", _S, "malformed gets 400; an unknown card is no fault", _NO_FEEDBACK),
    "68": Line("Feedback", _S, "overrideReasons (Epic) is taken too", _NO_FEEDBACK),
    "69": Line("Security", _S, "a token is asked for beyond this machine", "open, on this machine alone"),
    "70": Line("Security", _M, "every service asks for a token, or none", _NO_CALL),
    "71": Line("Security", _M, "unsigned, HMAC-signed and forged tokens are refused", _OPEN),
    "72": Line("Security", _M, "expired tokens and tokens without claims are refused", _OPEN),
    "75": Line("Security", _P, "a token is taken once", "needs a token that is taken (--token)"),
    "76": Line("Security", _P, "a refused token gets a bare 401", _OPEN),
    "80": Line("Web", _M, "browsers from --origin may call, and * goes without credentials", "give --origin"),
    "81": Line("Web", _M, "extension is an object with reverse-domain keys", "no extension was seen"),
    "A1": Line("Answers", _S, "errors are an OperationOutcome (3.0)", "no error was seen"),
    "A2": Line("Answers", _P, "errors repeat nothing of what was sent", "no error was seen"),
    "A3": Line("Answers", _P, "no-store and nosniff on answers about a patient", _NO_CALL),
}

UNSEEN: dict[str, str] = {
    "10": "whether discovery needs a token is a choice",
    "23": "the FHIR version of what is sent is the client's",
    "24": "whether a suggestion repeats a drafted order takes clinical judgement",
    "25": "fetching what is missing takes a FHIR server that the service may call",
    "31": "following pages takes a FHIR server that the service may call",
    "32": "what a service is sent is the client's",
    "41": "how many keys are few is a matter of judgement",
    "56": "taking actions together is the client's",
    "65": "counting what was shown happens inside",
    "73": "which issuers are listed, and what is fetched, happens inside",
    "74": "how keys are picked and kept happens inside",
    "77": "the configured address happens inside; a wrong one refuses every token",
    "78": "trying the sandbox's key takes the key",
    "79": "calls to FHIR servers go out of the service's other side",
    "82": "whether a text names the time of the result takes a reader",
}
