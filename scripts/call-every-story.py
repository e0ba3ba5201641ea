"""Plays each story that travels with the service, dated for today, and compares the cards with those it should give.

Its patients are given the name CANARY first. Then the metrics have to have counted each call, and none may name one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.request import Request, urlopen

from prometheus_client.parser import text_string_to_metric_families

from service.files import find_file
from service.stories import names

URL = "http://127.0.0.1:8080/cds-services"
METRICS = "http://127.0.0.1:9464/metrics"
(CANARY,) = sys.argv[1:]


def indicators(answer: bytes) -> list[str]:
    return [card["indicator"] for card in json.loads(answer)["cards"]]


def played(name: str, services: dict[str, str]) -> list[str]:
    story = subprocess.run(["cds", "story", name], capture_output=True, check=True, text=True).stdout
    body = story.replace("story-", f"{CANARY}-").replace('"Story"', f'"{CANARY}"')
    address = f"{URL}/{services[json.loads(body)['hook']]}"
    headers = {"Content-Type": "application/json", "X-Request-Id": CANARY, "Traceparent": CANARY}
    with urlopen(Request(address, data=body.encode(), headers=headers), timeout=10) as answer:
        return indicators(answer.read())


def faults_of_the_metrics() -> list[str]:
    with urlopen(METRICS, timeout=10) as answer:
        text = answer.read().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    answered = {"kind": "call", "outcome": "answered"}.items()
    calls = sum(one.value for one in samples if one.name == "cds_calls_total" and answered <= one.labels.items())
    starts = sum(one.value for one in samples if one.name == "cds_worker_starts_total")
    print(f"container: {calls:g} calls counted on a port of its own, by {starts:g} workers together")
    wrong = {
        f"{calls:g} calls counted of {len(names())}": calls != len(names()),
        f"{starts:g} workers counted of 2": starts != 2,
        "a metric names a patient": CANARY in text,
        "no row is counted": not any(one.name == "cds_cards_total" for one in samples),
    }
    return [fault for fault, there in wrong.items() if there]


def main() -> int:
    with urlopen(URL, timeout=10) as answer:
        services = {service["hook"]: service["id"] for service in json.load(answer)["services"]}
    stories = find_file("fixtures/fhir/stories")
    wrong = [n for n in names() if played(n, services) != indicators((stories / n / "response.json").read_bytes())]
    print(f"container: {len(names())} stories answered, with other cards than expected: {wrong or 'none'}")
    faults = faults_of_the_metrics()
    for fault in faults:
        print(f"container: {fault}")
    return 1 if wrong or faults or not names() else 0


sys.exit(main())
