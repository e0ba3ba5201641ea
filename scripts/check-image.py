"""Inside a running container: the VERSION KNOWLEDGE_VERSION of its labels are those of the code, the SBOM is complete.

Prints what it found; exit status 1 with each fault.
"""

from __future__ import annotations

import json
import os
import re
import sys
from importlib.metadata import distributions
from pathlib import Path
from urllib.request import urlopen

SBOM = Path("/opt/cds/sbom.cdx.json")
OF_THE_ENGINE = {"/dev/mqueue", "/dev/shm"}
SCHEMA = "http://cyclonedx.org/schema/"


def key(name: str, version: str) -> str:
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"


def writable() -> set[str]:
    """The topmost folders in which it can write."""
    found: set[str] = set()
    for folder, inside, _ in os.walk("/"):
        if folder == "/":
            inside[:] = [name for name in inside if name not in ("proc", "sys")]
        if os.access(folder, os.W_OK):
            found.add(folder)
            inside.clear()
    return found


def faults(version: str, knowledge: str) -> list[str]:
    with urlopen("http://127.0.0.1:8080/readyz", timeout=5) as answer:
        ready = json.load(answer)
    text = SBOM.read_text("utf-8")
    document = json.loads(text)
    ours = document["metadata"]["component"]
    listed = {key(one["name"], one["version"]) for one in (*document["components"], ours)}
    installed = {key(one.metadata["Name"], one.version) for one in distributions()}
    addresses = [line.strip() for line in text.splitlines() if "://" in line and SCHEMA not in line]
    found = {
        f"the label says version {version}, the service {ready['version']}": version != ready["version"],
        f"the label says knowledge {knowledge}, the service {ready['knowledge']['version']}":
            knowledge != ready["knowledge"]["version"],
        f"the SBOM and what is installed differ: {sorted(listed ^ installed)}": listed != installed,
        f"the SBOM holds addresses: {addresses}": bool(addresses),
        "it runs as root": os.getuid() == 0 or os.getgid() == 0,
        f"it can write to {sorted(writable())}": writable() != {"/tmp", "/var/lib/cds", *OF_THE_ENGINE},
    }  # fmt: skip
    return [fault for fault, there in found.items() if there]


wrong = faults(*sys.argv[1:])
print(f"container: version {sys.argv[1]}, knowledge {sys.argv[2]}; an SBOM of {len(list(distributions()))} packages")
for fault in wrong:
    print(f"container: {fault}")
sys.exit(bool(wrong))
