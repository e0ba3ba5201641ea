"""Plays each story that travels with the service, dated for today, and compares the cards with those it should give."""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.request import Request, urlopen

from service.files import find_file
from service.stories import names

URL = "http://127.0.0.1:8080/cds-services"


def indicators(answer: bytes) -> list[str]:
    return [card["indicator"] for card in json.loads(answer)["cards"]]


def played(name: str, services: dict[str, str]) -> list[str]:
    body = subprocess.run(["cds", "story", name], capture_output=True, check=True).stdout
    address = f"{URL}/{services[json.loads(body)['hook']]}"
    with urlopen(Request(address, data=body, headers={"Content-Type": "application/json"}), timeout=10) as answer:
        return indicators(answer.read())


def main() -> int:
    with urlopen(URL, timeout=10) as answer:
        services = {service["hook"]: service["id"] for service in json.load(answer)["services"]}
    stories = find_file("fixtures/fhir/stories")
    wrong = [n for n in names() if played(n, services) != indicators((stories / n / "response.json").read_bytes())]
    print(f"container: {len(names())} stories answered, with other cards than expected: {wrong or 'none'}")
    return 1 if wrong or not names() else 0


sys.exit(main())
