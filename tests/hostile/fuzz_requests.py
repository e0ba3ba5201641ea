"""Coverage-guided fuzzing of requests (atheris, libFuzzer): bytes in, one of the laws of invariants.py broken or not.

`.venv/bin/python tests/hostile/fuzz_requests.py -max_total_time=600` starts from the stories; options are libFuzzer's.
Give a folder first to keep what was reached (`... tests/hostile/fuzz_requests.py corpus -max_total_time=600`). An input
that breaks a law is left as crash-*; that file as the only argument runs it again.

An input is one byte for the target and the body; from LAWS_FROM on it is a seed for one of the laws about alarms.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import NoReturn

import atheris

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

with atheris.instrument_imports(include=["cds_hooks", "service"]):
    import service.app

import invariants
from mutations import mutated

assert service.app
LAWS_FROM = 224
LONGEST = 65_536
SEEDS = "FUZZ_SEEDS"  # names the folder of the seeds to the process that fuzzes


def run(data: bytes) -> None:
    """One input."""
    if not data:
        return
    if data[0] >= LAWS_FROM:
        invariants.LAWS[data[0] % len(invariants.LAWS)](Random(data[1:]))
    else:
        invariants.held(invariants.TARGETS[data[0] % len(invariants.TARGETS)], data[1:])


def mutate(data: bytes, longest: int, seed: int) -> bytes:
    """Half of the time in the structure of the JSON, half in the bytes."""
    random = Random(seed)
    if data and data[0] < LAWS_FROM and random.random() < 0.6:
        try:
            body = json.dumps(mutated(json.loads(data[1:]), random, random.choice((1, 1, 2, 4)))).encode()
        except (ValueError, RecursionError):  # no JSON any more
            body = data[1:]
        if len(body) < longest:
            return data[:1] + body
    return bytes(atheris.Mutate(data, longest))


def main() -> None:
    """Write the seeds, and fuzz in a process of its own: libFuzzer ends it without a word to Python."""
    if SEEDS in os.environ:
        fuzz(os.environ[SEEDS])
    with tempfile.TemporaryDirectory(prefix="cds-seeds-") as folder:
        for at, (target, body) in enumerate(invariants.seeds()):
            (Path(folder) / f"story-{at}").write_bytes(bytes([target]) + json.dumps(body).encode())
        for law in range(LAWS_FROM, LAWS_FROM + len(invariants.LAWS)):
            (Path(folder) / f"law-{law}").write_bytes(bytes([law]) + b"seed")
        done = subprocess.run([sys.executable, *sys.argv], env=os.environ | {SEEDS: folder}, check=False)
    sys.exit(done.returncode)


def fuzz(folder: str) -> NoReturn:
    invariants.alarms()  # what is made once, before any coverage counts
    once = [] if any(Path(argument).is_file() for argument in sys.argv[1:]) else [folder]
    atheris.Setup([*sys.argv, *once, f"-max_len={LONGEST}"], run, custom_mutator=mutate, internal_libfuzzer=True)
    atheris.Fuzz()
    raise AssertionError("libFuzzer came back")


if __name__ == "__main__":
    main()
