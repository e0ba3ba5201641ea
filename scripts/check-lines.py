"""Of the log of a service that was called by call-every-story.py CANARY, on standard input: one line of JSON per call.

Each has what a call is looked up by, and no line has the canary. Prints what it found; exit status 1 with each fault.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from service.stories import names
from service.telemetry.logs import KEYS

TOLD = {"timestamp", "level", "event", "request_id", "service", "status", "outcome", "ms", "cards", "knowledge"}


def read(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


text = sys.stdin.read()
lines = [read(line) for line in text.splitlines()]
calls = [line for line in lines if line and line["event"] == "call"]
wrong = {
    f"{len(calls)} lines of {len(names())} calls": len(calls) != len(names()),
    "two calls have one id": len({line["request_id"] for line in calls}) != len(calls),
    f"a call's line lacks one of {sorted(TOLD)}": not all(line.keys() >= TOLD for line in calls),
    f"{lines.count(None)} lines are no JSON": None in lines,
    "a line has a key that is not allowed": not all(line.keys() <= set(KEYS) for line in lines if line),
    "a line names a patient": sys.argv[1] in text,
}
faults = [fault for fault, there in wrong.items() if there]
for said in faults or [f"{len(calls)} calls, each a line of JSON in the log, none with a name"]:
    print(f"container: {said}")
sys.exit(bool(faults))
