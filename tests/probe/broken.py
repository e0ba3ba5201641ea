"""The toy with one fault each: which lines of the checklist it breaks, and how.

A row is (name, lines that turn red, mutation, whether the toy asks for tokens); `!` marks a line that fails, the others
warn. `in_discovery` changes a service of discovery, `in_card` the first card,
`in_answer` the whole answer, `when` the reply to certain requests.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from toy import Asked, Mutation, Reply, Toy, mint, parts, refusal

USUAL = ["Practitioner/cds-check-user", "cds-check-patient"]
FIXED = "11111111-1111-4111-8111-111111111111"


class Mutant(NamedTuple):
    """A broken toy."""

    name: str
    lines: str  # red, separated by blanks; 46! fails, 7 warns
    mutation: Mutation
    closed: bool = False


def in_discovery(change: Callable[[dict[str, Any]], object]) -> Mutation:
    def mutation(asked: Asked, reply: Reply) -> Reply:
        if asked.path == "/cds-services" and reply.status == 200:
            change(reply.body["services"][0])
        return reply

    return mutation


def discovery(body: Any, status: int = 200) -> Mutation:
    def mutation(asked: Asked, reply: Reply) -> Reply:
        return replace(reply, status=status, body=body) if asked.path == "/cds-services" else reply

    return mutation


def in_answer(change: Callable[[dict[str, Any]], object]) -> Mutation:
    def mutation(asked: Asked, reply: Reply) -> Reply:
        if asked.is_call and reply.status == 200:
            change(reply.body)
        return reply

    return mutation


def in_card(change: Callable[[dict[str, Any]], object]) -> Mutation:
    return in_answer(lambda body: change(body["cards"][0]))


def in_suggestion(change: Callable[[dict[str, Any]], object]) -> Mutation:
    return in_card(lambda card: change(card["suggestions"][0]))


def in_create(change: Callable[[dict[str, Any]], object]) -> Mutation:
    return in_suggestion(lambda one: change(one["actions"][0]))


def in_sign(at: int, change: Callable[[dict[str, Any]], object]) -> Mutation:
    """An action that only toy-sign has: 1 update, 2 delete."""

    def changed(one: dict[str, Any]) -> None:
        if len(one["actions"]) > 1:
            change(one["actions"][at])

    return in_suggestion(changed)


def when(test: Callable[[Asked], object], then: Reply | Callable[[Asked, Reply], Reply]) -> Mutation:
    def mutation(asked: Asked, reply: Reply) -> Reply:
        if not test(asked):
            return reply
        return then if isinstance(then, Reply) else then(asked, reply)

    return mutation


def on_call(test: Callable[[dict[str, Any]], object], status: int, path: str = "$") -> Mutation:
    """Answer calls that are right, and whose JSON passes a test, with a status."""
    wrong = refusal(status, path, "is odd")
    return when(
        lambda a: a.is_call and isinstance(a.body, dict),
        lambda a, r: wrong if r.status in (200, 412) and test(a.body) else r,
    )


def lenient(test: Callable[[dict[str, Any]], object]) -> Mutation:
    """Take what should be refused."""
    return when(lambda a: a.is_call and isinstance(a.body, dict) and test(a.body), Reply(200, {"cards": []}))


def on_feedback(test: Callable[[dict[str, Any]], object], reply: Reply) -> Mutation:
    def fits(asked: Asked) -> bool:
        body = asked.body
        items = body.get("feedback") if asked.is_feedback and isinstance(body, dict) else None
        return isinstance(items, list) and any(test(one) for one in items)

    return when(fits, reply)


def only_known(status: int) -> Mutation:
    """Refuse feedback on cards that were not answered."""
    known: set[str] = set()

    def mutation(asked: Asked, reply: Reply) -> Reply:
        if asked.is_call and reply.status == 200:
            known.update(one["uuid"] for one in reply.body["cards"])
        given = asked.body.get("feedback") if asked.is_feedback and isinstance(asked.body, dict) else None
        strange = isinstance(given, list) and any(one["card"] not in known for one in given)
        return refusal(status, "card", "is unknown") if strange else reply

    return mutation


def let_in(test: Callable[[dict[str, Any], dict[str, Any]], object]) -> Mutation:
    """Take tokens that pass a test, whoever signed them."""

    def fits(asked: Asked) -> bool:
        read = parts(asked.headers.get("authorization", ""))
        return read is not None and bool(test(*read))

    return when(fits, lambda asked, reply: Toy(closed=False).answer(asked) if reply.status == 401 else reply)


def is_signed(asked: Asked) -> bool:
    read = parts(asked.headers.get("authorization", ""))
    return read is not None and asked.headers["authorization"] == f"Bearer {mint(read[1])}"


def template(text: str) -> Mutation:
    return in_discovery(lambda one: one.update(prefetch={"patient": text, "count": one["prefetch"]["count"]}))


def query(more: str) -> Mutation:
    return template("Observation?patient={{context.patientId}}&category=laboratory" + more)


def by_the_book(asked: Asked) -> bool:
    body = asked.body
    plain = body.keys() == {"hook", "hookInstance", "context", "prefetch"} and not body["hookInstance"].isupper()
    as_json = asked.headers["content-type"] == "application/json" and "authorization" not in asked.headers
    usual = body["hook"] != "cds-check-secret" and list(body["context"].values())[:2] == USUAL
    return plain and as_json and usual and body["prefetch"] == {"patient": None, "count": None}


def slowly(asked: Asked, reply: Reply) -> Reply:
    time.sleep(0.6)
    return reply


def headers(**changed: str | None) -> Mutation:
    named = {name.replace("_", "-"): value for name, value in changed.items()}

    def mutation(_: Asked, reply: Reply) -> Reply:
        kept = {name: value for name, value in (reply.headers | named).items() if value is not None}
        return replace(reply, headers=kept)

    return mutation


def preflights(change: Mutation) -> Mutation:
    return when(lambda asked: asked.method == "OPTIONS", change)


def prefetch(body: dict[str, Any]) -> Any:
    return body.get("prefetch", {})


def holds(body: dict[str, Any], kind: str) -> bool:
    sent = prefetch(body).get("count")
    return isinstance(sent, dict) and sent["resourceType"] == kind


def entries(body: dict[str, Any]) -> list[Any]:
    sent = prefetch(body).get("count")
    return list(sent.get("entry", [])) if isinstance(sent, dict) else []


def warns(body: dict[str, Any]) -> bool:
    return any(one["resource"]["resourceType"] == "OperationOutcome" for one in entries(body))


def _strangers(asked: Asked, reply: Reply) -> Reply:
    if reply.status == 200 and entries(asked.body) and not warns(asked.body):
        reply.body["cards"][0]["summary"] = f"{len(entries(asked.body))} results"
    return reply


_topics = iter(range(1_000_000))

DISCOVERY = [
    Mutant("discovery is HTML", "5!", discovery(b"<html></html>")),
    Mutant("discovery is elsewhere", "5! A1", discovery(None, 404)),
    Mutant("discovery is a list", "5!", discovery([])),
    Mutant("discovery redirects", "5!", discovery(None, 302)),
    Mutant("services is an object", "5!", discovery({"services": {"id": "toy"}})),
    Mutant("services is left out", "6!", discovery({})),
    Mutant("services is null", "2! 6!", discovery({"services": None})),
    Mutant("no description", "7!", in_discovery(lambda one: one.pop("description"))),
    Mutant("no title", "7", in_discovery(lambda one: one.pop("title"))),
    Mutant("title is a number", "7!", in_discovery(lambda one: one.update(title=5))),
    Mutant("hook is a list", "7!", in_discovery(lambda one: one.update(hook=["patient-view"]))),
    Mutant("prefetch holds a list", "7!", in_discovery(lambda one: one["prefetch"].update(more=["Patient"]))),
    Mutant("id with a slash", "8!", in_discovery(lambda one: one.update(id="toy/view"))),
    Mutant("id with a blank", "8!", in_discovery(lambda one: one.update(id="toy view"))),
    Mutant(
        "the same service twice",
        "9",
        when(
            lambda a: a.path == "/cds-services" and a.method == "GET",
            lambda _, r: replace(r, body={"services": [*r.body["services"], r.body["services"][0]]}),
        ),
    ),
    Mutant("version is STU3", "11", in_discovery(lambda one: one.update(version="STU3"))),
    Mutant("a null in discovery", "3!", in_discovery(lambda one: one.update(usageRequirements=None))),
    Mutant("an empty title", "3!", in_discovery(lambda one: one.update(title=""))),
    Mutant("extension is a list", "81!", in_discovery(lambda one: one.update(extension=[{"url": "x"}]))),
    Mutant("unknown token", "35!", template("Patient/{{context.patient}}")),
    Mutant("token of another hook", "35!", template("Encounter/{{context.performer}}")),
    Mutant("path within a token", "35!", template("Patient/{{context.draftOrders.entry}}")),
    Mutant("stray brace", "35!", query("&date={5")),
    Mutant("neither read nor search", "36", template("https://fhir.example.org/Patient")),
    Mutant("chained parameter", "36", query("&subject.name=x")),
    Mutant("include", "36", query("&_include=Observation:subject")),
    Mutant("modifier", "36", query("&code:not=1-8")),
    Mutant("prefix of a date", "36", query("&date=sa2020-01-01")),
    Mutant("today()", "37", query("&date=ge{{today() - 90 days}}")),
    Mutant("sort of DSTU2", "38", query("&sort:desc=date")),
    Mutant("repeated parameter", "39", query("&date=ge2020-01-01&date=le2021-01-01")),
    Mutant("wide search", "40", template("Observation?patient={{context.patientId}}")),
    Mutant("large page", "40", query("&_count=1000")),
]

REQUEST = [
    Mutant(
        "POST is not found",
        "12!",
        when(lambda a: a.path == "/cds-services/toy-view" and a.method == "POST", refusal(404, "id", "?")),
    ),
    Mutant(
        "charset is refused",
        "12!",
        when(lambda a: "charset" in a.headers.get("content-type", ""), refusal(415, "$", "?")),
    ),
    Mutant(
        "FHIR's JSON is refused",
        "12",
        when(lambda a: "fhir" in a.headers.get("content-type", ""), refusal(415, "$", "?")),
    ),
    Mutant("any hook is taken", "13", lenient(lambda b: b.get("hook") not in ("patient-view", "order-sign"))),
    Mutant(
        "an unknown hook crashes",
        "13",
        when(lambda a: a.is_call and b'"hook": "cds-check-secret"' in a.raw, refusal(500, "$", "?")),
    ),
    Mutant("hookInstance in capitals is refused", "14!", on_call(lambda b: b.get("hookInstance", "").isupper(), 400)),
    Mutant("hookInstance is not looked at", "14", lenient(lambda b: "hookInstance" not in b)),
    Mutant(
        "fhirAuthorization alone is taken", "15", lenient(lambda b: "fhirAuthorization" in b and "fhirServer" not in b)
    ),
    Mutant("fhirAuthorization crashes", "16!", on_call(lambda b: {"fhirAuthorization", "fhirServer"} <= b.keys(), 500)),
    Mutant("extension is refused", "17!", on_call(lambda b: "extension" in b, 400)),
    Mutant("unknown fields are refused", "18!", on_call(lambda b: "cdsCheckUnknown" in b, 400)),
    Mutant("unknown context is refused", "18!", on_call(lambda b: "cdsCheck" in b["context"], 400)),
    Mutant(
        "the access token comes back",
        "19!",
        when(
            lambda a: a.is_call and b"access_token" in a.raw and b"fhirServer" in a.raw,
            lambda a, r: replace(r, headers=r.headers | {"X-Debug": a.body["fhirAuthorization"]["access_token"]}),
        ),
    ),
    Mutant("slow", "20", when(lambda a: a.is_call and isinstance(a.body, dict) and by_the_book(a), slowly)),
    Mutant(
        "a patient as user is refused", "21!", on_call(lambda b: b["context"]["userId"].startswith("Patient/"), 400)
    ),
    Mutant("Patient/id is refused", "22", on_call(lambda b: "/" in b["context"]["patientId"], 400)),
]

PREFETCH = [
    Mutant("an absent key crashes", "26!", on_call(lambda b: len(prefetch(b)) == 1, 500)),
    Mutant(
        "null is taken for missing",
        "27!",
        on_call(lambda b: "count" in prefetch(b) and prefetch(b)["count"] is None, 412, "prefetch.count"),
    ),
    Mutant("an outcome crashes", "28", on_call(lambda b: holds(b, "OperationOutcome"), 500)),
    Mutant("a warning crashes", "28", on_call(warns, 500)),
    Mutant("an empty Bundle crashes", "29!", on_call(lambda b: holds(b, "Bundle") and not entries(b), 500)),
    Mutant("a bare resource is refused", "29", on_call(lambda b: holds(b, "Observation"), 400)),
    Mutant("results crash", "29!", on_call(lambda b: entries(b) and not warns(b), 500)),
    Mutant("lack is a 400", "30!", on_call(lambda b: not prefetch(b), 400)),
    Mutant(
        "412 names no key",
        "30",
        when(lambda a: a.is_call, lambda _, r: refusal(412, "$", "?") if r.status == 412 else r),
    ),
    Mutant(
        "412 is text",
        "A1",
        when(lambda a: a.is_call, lambda _, r: replace(r, body=b"missing") if r.status == 412 else r),
    ),
    Mutant("results of anyone are used", "33", when(lambda a: a.is_call, _strangers)),
    Mutant("no prefetch crashes", "34!", on_call(lambda b: "prefetch" not in b, 500)),
    Mutant("prefetch {} crashes", "34!", on_call(lambda b: b.get("prefetch") == {}, 500)),
]


RESPONSE = [
    Mutant("cards are left out", "42!", in_answer(lambda b: b.pop("cards"))),
    Mutant("a card is text", "42!", in_answer(lambda b: b["cards"].append("card"))),
    Mutant(
        "204 for nothing to say", "42!", when(lambda a: a.is_call, lambda _, r: Reply(204) if r.status == 200 else r)
    ),
    Mutant(
        "200 without JSON",
        "42!",
        when(lambda a: a.is_call, lambda _, r: replace(r, body=b"<html>") if r.status == 200 else r),
    ),
    Mutant(
        "deep JSON",
        "42!",
        when(
            lambda a: a.is_call, lambda _, r: replace(r, body=b'{"cards":' + b"[" * 200_000) if r.status == 200 else r
        ),
    ),
    Mutant(
        "a crash for every call",
        "42!",
        when(lambda a: a.is_call, lambda _, r: refusal(500, "$", "?") if r.status in (200, 412) else r),
    ),
    Mutant("systemActions is an object", "43!", in_answer(lambda b: b.update(systemActions={"type": "update"}))),
    Mutant("systemActions is empty", "3!", in_answer(lambda b: b.update(systemActions=[]))),
    Mutant(
        "500 for malformed JSON", "44", when(lambda a: a.is_call and a.body is None and a.raw, refusal(500, "$", "?"))
    ),
    Mutant("hangs up on a list", "44", when(lambda a: a.is_call and a.body == [], Reply(0))),
    Mutant("200 for a list", "44", when(lambda a: a.is_call and a.body == [], Reply(200, {"cards": []}))),
    Mutant(
        "any content type",
        "44",
        when(lambda a: "text/plain" in a.headers.get("content-type", ""), Reply(200, {"cards": []})),
    ),
    Mutant("GET of a service", "44", when(lambda a: a.method == "GET" and "/toy" in a.path, Reply(200, {}))),
    Mutant("400 for an unknown id", "44", when(lambda a: "no-such" in a.path, refusal(400, "id", "?"))),
    Mutant("topic changes", "45", in_card(lambda c: c["source"]["topic"].update(code=f"toy{next(_topics)}"))),
    Mutant(
        "HTML for errors", "A1", when(lambda a: "no-such" in a.path, lambda _, r: replace(r, body=b"<h1>Not found"))
    ),
    Mutant(
        "an error repeats the hook",
        "A2",
        when(lambda a: b'"hook": "cds-check-secret"' in a.raw, refusal(400, "hook", "cds-check-secret")),
    ),
    Mutant(
        "an error repeats the patient",
        "A2",
        when(
            lambda a: a.is_call and b"text/plain" in a.headers.get("content-type", "").encode(),
            refusal(415, "cds-check-patient", "?"),
        ),
    ),
    Mutant("answers may be kept", "A3", headers(Cache_Control=None)),
    Mutant("types may be sniffed", "A3", headers(X_Content_Type_Options=None)),
]

CARD = [
    Mutant("null in a card", "3!", in_card(lambda c: c.update(detail=None))),
    Mutant("empty inside a resource", "2!", in_create(lambda a: a["resource"].update(note=[]))),
    Mutant("an empty label", "2!", in_suggestion(lambda s: s.update(label=""))),
    Mutant("suggestions: []", "3!", in_card(lambda c: (c.update(suggestions=[]), c.pop("selectionBehavior")))),
    Mutant("links: []", "3!", in_card(lambda c: c.update(links=[]))),
    Mutant("detail is empty", "3!", in_card(lambda c: c.update(detail=""))),
    Mutant("overrideReasons: []", "3!", in_card(lambda c: c.update(overrideReasons=[]))),
    Mutant("140 characters", "46!", in_card(lambda c: c.update(summary="x" * 140))),
    Mutant("no summary", "46!", in_card(lambda c: c.pop("summary"))),
    Mutant("hard-stop", "47!", in_card(lambda c: c.update(indicator="hard-stop"))),
    Mutant("indicator in capitals", "47!", in_card(lambda c: c.update(indicator="INFO"))),
    Mutant("indicator is an object", "47!", in_card(lambda c: c.update(indicator={"is": 1}))),
    Mutant("no source", "48! 60", in_card(lambda c: c.pop("source"))),
    Mutant("no label of the source", "48!", in_card(lambda c: c["source"].pop("label"))),
    Mutant("relative url of the source", "48!", in_card(lambda c: c["source"].update(url="/about"))),
    Mutant("relative icon", "48!", in_card(lambda c: c["source"].update(icon="icon.png"))),
    Mutant("topic without system", "48!", in_card(lambda c: c["source"]["topic"].pop("system"))),
    Mutant("no topic", "60", in_card(lambda c: c["source"].pop("topic"))),
    Mutant("detail is a list", "49!", in_card(lambda c: c.update(detail=["**All**"]))),
    Mutant("a script in detail", "49", in_card(lambda c: c.update(detail="<script>alert(1)</script>"))),
    Mutant("uuid is none", "50!", in_card(lambda c: c.update(uuid=f"card-{next(_topics)}"))),
    Mutant("no uuid", "50", in_card(lambda c: c.pop("uuid"))),
    Mutant("uuid of old", "50", in_card(lambda c: c.update(uuid=FIXED))),
    Mutant("one uuid for two", "50!", in_card(lambda c: c.update(uuid=c["suggestions"][0]["uuid"]))),
    Mutant("selectionBehavior is missing", "51!", in_card(lambda c: c.pop("selectionBehavior"))),
    Mutant("selectionBehavior all", "51!", in_card(lambda c: c.update(selectionBehavior="all"))),
    Mutant("selectionBehavior of nothing", "51", in_answer(lambda b: b["cards"][1].update(selectionBehavior="any"))),
    Mutant("reason without display", "52!", in_card(lambda c: c["overrideReasons"][0].pop("display"))),
    Mutant("reasons are texts", "52!", in_card(lambda c: c.update(overrideReasons=["no"]))),
    Mutant("link without type", "53!", in_card(lambda c: c["links"][0].pop("type"))),
    Mutant("link without label", "53!", in_card(lambda c: c["links"][0].pop("label"))),
    Mutant("relative link", "53!", in_card(lambda c: c["links"][0].update(url="page"))),
    Mutant("appContext of a page", "53!", in_card(lambda c: c["links"][0].update(appContext="x"))),
    Mutant("links are an object", "53!", in_card(lambda c: c.update(links={"url": "x"}))),
    Mutant(
        "suggestions are text", "54! 51!", in_card(lambda c: (c.update(suggestions="do"), c.pop("selectionBehavior")))
    ),
    Mutant("suggestion without label", "54!", in_suggestion(lambda s: s.pop("label"))),
    Mutant("isRecommended is text", "54!", in_suggestion(lambda s: s.update(isRecommended="true"))),
    Mutant("two recommended", "55!", in_card(lambda c: c["suggestions"][1].update(isRecommended=True))),
    Mutant("actions are an object", "57!", in_suggestion(lambda s: s.update(actions={"type": "create"}))),
    Mutant("CREATE in capitals", "57!", in_create(lambda a: a.update(type="CREATE"))),
    Mutant("action without description", "57!", in_create(lambda a: a.pop("description"))),
    Mutant("resource as text", "4!", in_create(lambda a: a.update(resource="{}"))),
    Mutant("resource without type", "4!", in_create(lambda a: a["resource"].pop("resourceType"))),
    Mutant("create without resource", "58!", in_create(lambda a: a.pop("resource"))),
    Mutant("update without id", "58! 60", in_sign(1, lambda a: a["resource"].pop("id"))),
    Mutant("delete without resourceId", "58! 60", in_sign(2, lambda a: a.pop("resourceId"))),
    Mutant("delete with a resource", "58!", in_sign(2, lambda a: a.update(resource={"resourceType": "Task"}))),
    Mutant("delete of what was not drafted", "60", in_sign(2, lambda a: a.update(resourceId="ServiceRequest/other"))),
    Mutant("an active order", "59", in_create(lambda a: a["resource"].update(status="active"))),
    Mutant(
        "an order for another patient",
        "59",
        in_create(lambda a: a["resource"].update(subject={"reference": "Patient/x"})),
    ),
    Mutant("an order with odd intent", "59", in_create(lambda a: a["resource"].update(intent="filler-order"))),
    Mutant("extension is text", "81!", in_card(lambda c: c.update(extension="x"))),
    Mutant("extension has a plain key", "81", in_card(lambda c: c.update(extension={"rule": 1}))),
]

FEEDBACK = [
    Mutant(
        "only the first time",
        "61",
        when(
            lambda a: (
                a.is_feedback and a.raw.count(b'"card"') == 2 and len({one["card"] for one in a.body["feedback"]}) == 1
            ),
            refusal(409, "feedback", "?"),
        ),
    ),
    Mutant(
        "accepted is refused",
        "62!",
        on_feedback(lambda f: f.get("acceptedSuggestions"), refusal(400, "feedback", "?")),
    ),
    Mutant("any outcome", "62", on_feedback(lambda f: f["outcome"] == "cds-check-secret", Reply(200))),
    Mutant("any timestamp", "62", on_feedback(lambda f: f["outcomeTimestamp"] == "cds-check-secret", Reply(200))),
    Mutant(
        "accepted, but what?",
        "63",
        on_feedback(lambda f: f["outcome"] == "accepted" and "acceptedSuggestions" not in f, Reply(200)),
    ),
    Mutant(
        "reason needs display",
        "64!",
        on_feedback(lambda f: f.get("overrideReason", {}).get("reason"), refusal(400, "feedback", "?")),
    ),
    Mutant(
        "comment needs reason",
        "64!",
        on_feedback(lambda f: "userComment" in f.get("overrideReason", {}), refusal(400, "feedback", "?")),
    ),
    Mutant(
        "malformed feedback crashes", "67", when(lambda a: a.is_feedback and a.body is None, refusal(500, "$", "?"))
    ),
    Mutant("feedback may be anything", "67", when(lambda a: a.is_feedback and a.body == {"feedback": 5}, Reply(200))),
    Mutant("unknown cards are refused", "67", only_known(400)),
    Mutant("unknown cards are not found", "67", only_known(404)),
    Mutant(
        "Epic's spelling is refused", "68", on_feedback(lambda f: "overrideReasons" in f, refusal(400, "feedback", "?"))
    ),
    Mutant(
        "feedback alone is closed",
        "66!",
        when(lambda a: a.is_feedback and "authorization" not in a.headers, Reply(401)),
    ),
    Mutant(
        "feedback alone is open",
        "66!",
        when(lambda a: a.is_feedback and "authorization" not in a.headers, Reply(200)),
        True,
    ),
]

SECURITY = [
    Mutant(
        "one service is closed",
        "66! 69 70",
        when(lambda a: a.path == "/cds-services/toy-sign" and a.method == "POST", Reply(401)),
    ),
    Mutant(
        "a garbage token crashes",
        "70!",
        when(lambda a: a.headers.get("authorization") == "Bearer cds-check-secret", refusal(500, "$", "?")),
    ),
    Mutant(
        "Basic is taken",
        "70!",
        when(lambda a: a.headers.get("authorization", "").startswith("Basic"), Reply(200, {"cards": []})),
        True,
    ),
    Mutant("alg none is taken", "71!", let_in(lambda head, _: head["alg"] == "none"), True),
    Mutant("HS256 is taken", "71!", let_in(lambda head, _: head["alg"] == "HS256"), True),
    Mutant("an expired token is taken", "72!", let_in(lambda _, claims: claims.get("exp", 1e12) < time.time()), True),
    Mutant("a token without claims is taken", "72!", let_in(lambda _, claims: not claims), True),
    Mutant(
        "nobody looks at signatures",
        "71! 75",
        let_in(lambda head, claims: head["alg"] == "ES384" and claims.get("exp", 0) > time.time()),
        True,
    ),
    Mutant("tokens are taken twice", "75", when(is_signed, lambda a, _: Toy(closed=False).answer(a)), True),
    Mutant("401 says why", "76", lambda _, r: replace(r, body=b"expired") if r.status == 401 else r, True),
    Mutant("403 instead of 401", "76", lambda _, r: replace(r, status=403) if r.status == 401 else r, True),
    Mutant("preflight needs a token", "80!", preflights(Reply(401))),
    Mutant("preflight knows no origin", "80!", preflights(headers(Access_Control_Allow_Origin=None))),
    Mutant("preflight without Authorization", "80!", preflights(headers(Access_Control_Allow_Headers="Content-Type"))),
    Mutant(
        "any origin with credentials",
        "80!",
        preflights(headers(Access_Control_Allow_Origin="*", Access_Control_Allow_Credentials="true")),
    ),
    Mutant(
        "the answer knows no origin",
        "80!",
        when(lambda a: a.method == "GET", headers(Access_Control_Allow_Origin=None)),
    ),
]

MUTANTS = [*DISCOVERY, *REQUEST, *PREFETCH, *RESPONSE, *CARD, *FEEDBACK, *SECURITY]
