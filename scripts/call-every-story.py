"""Sends each story that travels with the service to the one on this machine and compares how many cards come back."""

from __future__ import annotations

import json
import sys
from urllib.request import Request, urlopen

from service.files import find_file

URL = "http://127.0.0.1:8080/cds-services"


def cards_for(body: bytes, service: str) -> int:
    request = Request(f"{URL}/{service}", data=body, headers={"Content-Type": "application/json"})
    with urlopen(request, timeout=10) as answer:
        return len(json.load(answer)["cards"])


def main() -> int:
    with urlopen(URL, timeout=10) as answer:
        services = {service["hook"]: service["id"] for service in json.load(answer)["services"]}
    stories = sorted(path.parent for path in find_file("fixtures/fhir/stories").glob("*/request.json"))
    wrong = []
    for story in stories:
        body = (story / "request.json").read_bytes()
        expected = len(json.loads((story / "response.json").read_bytes())["cards"])
        if cards_for(body, services[json.loads(body)["hook"]]) != expected:
            wrong.append(story.name)
    print(f"container: {len(stories)} stories answered, with other cards than expected: {wrong or 'none'}")
    return 1 if wrong or not stories else 0


sys.exit(main())
