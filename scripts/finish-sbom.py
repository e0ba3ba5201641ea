"""Makes the SBOM that goes into the image of the one that cyclonedx-py wrote: SOURCE TARGET.

It gets the version of this program, and loses every external reference: they name the index that the packages came
from, which is the builder's matter. The purl of a component says which package it is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import service


def without_references(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: without_references(value) for name, value in part.items() if name != "externalReferences"}
    return [without_references(one) for one in part] if isinstance(part, list) else part


def main(source: str, target: str) -> None:
    document = without_references(json.loads(Path(source).read_text("utf-8")))
    document["metadata"]["component"]["version"] = service.__version__
    Path(target).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", "utf-8")


main(*sys.argv[1:])
