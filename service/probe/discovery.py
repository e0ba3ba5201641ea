"""What discovery says: its shape, the ids, the prefetch templates. Checklist 5 to 11 and 35 to 40.

In: the answer to GET {base}/cds-services. Out: sights, and the services that can be called.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from cds_hooks.hooks import HOOKS
from service.probe.findings import Sight
from service.probe.json_rules import are_objects, empties, extensions, given, is_text, members
from service.probe.lines import Level
from service.probe.made_up import Offer
from service.probe.wire import NOTHING, Answer

MOST_COUNT = 200  # the largest page that Millennium gives

_SAFE_ID = re.compile(r"[A-Za-z0-9._~-]+\Z")
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?([-+][0-9A-Za-z.-]+)?\Z")
_TOKEN = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_ANY_TOKEN = re.compile(r"(context\.\w+|user(Practitioner|PractitionerRole|Patient|RelatedPerson)Id)\Z")
_READ = re.compile(r"([A-Z]\w*/[A-Za-z0-9.-]+|T)\Z")
_SEARCH = re.compile(r"([A-Z]\w*)\?(.+)\Z", re.DOTALL)
_PARAMETER = re.compile(r"([a-z][A-Za-z-]*|_id|_lastUpdated|_count|_sort)(:in)?\Z")
_ODD_DATE = re.compile(r"(ne|sa|eb|ap)\d{4}(-|\Z)")


def look(answer: Answer) -> Iterator[Sight]:
    """Everything that the answer alone shows."""
    body, place = answer.json, answer.asked
    served = answer.status == 200 and isinstance(body, dict)
    what = "status " + answer.shown + ("" if answer.status != 200 or served else ", no JSON object")
    yield Sight("5", served, place, f"answer 200 and an object with services (seen: {what})")
    if not served:
        return
    listed = body.get("services")
    yield Sight("6", listed is not None, place, 'say {"services": []} when there are none')
    yield Sight("5", listed is None or are_objects(listed), f"{place}: services", "make it a list of objects")
    yield from empties(body, place)
    yield from extensions(body, place)
    for at, service in members(body, "services"):
        yield from _service(service, f"{place}: services[{at}]")
    pairs = Counter((str(one.get("id")), str(one.get("hook"))) for _, one in members(body, "services"))
    for (_, _), times in pairs.items():
        yield Sight("9", times == 1, f"{place}: services", "let an id occur once per hook: clients keep one of them")


def offers(answer: Answer) -> list[Offer]:
    """The services that can be called: an id that an address can hold, a hook whose context is known."""
    body = answer.json if answer.status == 200 else NOTHING
    found: dict[tuple[str, str], Offer] = {}
    for _, one in members(body, "services"):
        id, hook, sent = one.get("id"), one.get("hook"), one.get("prefetch")
        if is_text(id) and _SAFE_ID.match(id) and isinstance(hook, str) and hook in HOOKS:
            templates = sent if isinstance(sent, dict) else {}
            found[(id, hook)] = Offer(id, hook, {key: text for key, text in templates.items() if is_text(text)})
    return list(found.values())


def ids(answer: Answer) -> list[str]:
    """The ids of all services, as far as they are text."""
    return [one["id"] for _, one in members(answer.json, "services") if is_text(one.get("id"))]


def _service(service: dict[str, Any], place: str) -> Iterator[Sight]:
    for name in ("hook", "id", "description"):
        yield Sight("7", is_text(service.get(name)), f"{place}.{name}", "give it, as text: it is required")
    yield Sight("7", "title" in service, f"{place}.title", "give the service a title", Level.SHOULD)
    for name in ("title", "usageRequirements"):
        yield Sight("7", not given(service, name) or is_text(service[name]), f"{place}.{name}", "make it text")
    if is_text(id := service.get("id")):
        yield Sight("8", _SAFE_ID.match(id) is not None, f"{place}.id", "use letters, digits, - . _ ~ alone")
    if given(service, "version"):
        version = service["version"]
        fits = is_text(version) and _VERSION.match(version) is not None
        yield Sight("11", fits, f"{place}.version", "give the version of CDS Hooks that is held, as in 2.0.1")
    prefetch = service.get("prefetch")
    if prefetch is None:
        return
    fits = isinstance(prefetch, dict) and all(is_text(one) for one in prefetch.values())
    yield Sight("7", fits, f"{place}.prefetch", "make it an object: key to template, as text")
    for key, template in prefetch.items() if isinstance(prefetch, dict) else ():
        if is_text(template):
            yield from _template(template, str(service.get("hook")), f"{place}.prefetch.{key}")


def _template(template: str, hook: str, place: str) -> Iterator[Sight]:
    tokens = [one.strip() for one in _TOKEN.findall(template)]
    dated = [one for one in tokens if one.startswith("today(")]
    yield Sight("37", not dated, place, "filter by date in the service: most clients leave today() unresolved")
    known = HOOKS[hook].tokens if hook in HOOKS else None
    fits = all(one in known if known else _ANY_TOKEN.match(one) for one in tokens if one not in dated)
    plain = _TOKEN.sub("T", template)
    closed = "{" not in plain and "}" not in plain
    yield Sight(
        "35", fits and closed, place, "name {{context.<first-level field>}} or {{user...Id}} of this hook alone"
    )
    search = _SEARCH.match(plain)
    if search:
        yield from _query(search[1], search[2], place)
    else:
        remedy = "write Type/id or Type?name=value, relative to the FHIR base"
        yield Sight("36", _READ.match(plain) is not None, place, remedy, Level.SHOULD)


def _query(kind: str, query: str, place: str) -> Iterator[Sight]:
    pairs = [one.partition("=") for one in query.split("&")]
    names = [name for name, _, _ in pairs]
    sorted_oddly = [one for one in names if one.startswith(("sort", "_sort:"))]
    yield Sight("38", not sorted_oddly, place, "write _sort=-date: this spelling is of DSTU2")
    odd = [one for one in names if not _PARAMETER.match(one) and one not in sorted_oddly]
    dates = [one for _, _, value in pairs for one in value.split(",") if _ODD_DATE.match(one)]
    remedy = "no chains, _include, _has, modifiers but :in, date prefixes but eq lt gt ge le"
    yield Sight("36", not odd and not dates, place, remedy)
    yield Sight("39", len(names) == len(set(names)), place, "name each parameter once: clients fold repeats into OR")
    narrowed = kind != "Observation" or bool({"category", "code", "code:in", "_id"} & set(names))
    yield Sight("40", narrowed, place, "narrow the search by category or code: some servers refuse it otherwise")
    counts = [value for name, _, value in pairs if name == "_count"]
    within = all(one.isdecimal() and len(one) < 9 and 1 <= int(one) <= MOST_COUNT for one in counts)
    yield Sight("40", within, place, f"ask for a _count of 1 to {MOST_COUNT}")
