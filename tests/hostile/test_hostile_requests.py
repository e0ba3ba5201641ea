"""Random requests: a few hundred in every run; from the contract, and led by coverage, with `./cds test --all`.

What was found so: the id of a draft in test_order_hooks.py, the days of a reminder in test_memory.py, the length of a
body that is thrown away in test_load.py.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import invariants
import pytest
from mutations import mutated, places
from wire import free_port, start, stop

HERE = Path(__file__).parent
SECONDS = 60
MOST_BODIES = 250  # mutated stories in a plain run


def test_mutated_stories_break_no_law() -> None:
    seeds, statuses = invariants.seeds(), set[int]()
    for seed in range(MOST_BODIES):
        random = Random(seed)
        target, body = random.choice(seeds)
        sent = json.dumps(mutated(body, random, random.choice((1, 2, 4, 8)))).encode()
        statuses.add(invariants.held(invariants.TARGETS[target], sent)[0])
    assert statuses >= {200, 400}


@pytest.mark.parametrize("law", invariants.LAWS, ids=lambda law: law.__name__)
def test_alarms_stand(law: invariants.Law) -> None:
    assert len(invariants.alarms()) >= 3
    for seed in range(25):
        law(Random(seed))


def test_a_mutation_changes_a_request_and_leaves_the_given_one_alone() -> None:
    _, body = invariants.seeds()[0]
    before = json.dumps(body)
    others = {json.dumps(mutated(body, Random(seed))) for seed in range(50)}
    assert json.dumps(body) == before
    assert len(others - {before}) > 40
    kept = [mutated(body, Random(seed), 3, ("prefetch",)) for seed in range(50)]
    assert all(one | {"prefetch": None} == body | {"prefetch": None} for one in kept)
    assert len(list(places(body))) > 100


@pytest.mark.hostile
def test_requests_made_from_the_contract_get_the_answers_of_the_contract(tmp_path: Path) -> None:
    """Schemathesis: valid and invalid requests for every operation, over a socket."""
    running = start(free_port(), CDS_DATABASE_URL=f"sqlite:///{tmp_path}/store.sqlite")
    try:
        address = f"http://127.0.0.1:{running.port}"
        options = ["--url", address, "--max-time", str(SECONDS), "--generation-database", "none"]
        config = ["--no-color", "--config-file", str(HERE / "schemathesis.toml")]
        done = run_it(tmp_path, "-m", "schemathesis.cli", *config, "run", f"{address}/openapi.yaml", *options)
    finally:
        status, said = stop(running)
    assert done.returncode == 0, done.stdout[-8000:]
    assert (status, "Traceback" in said) == (0, False), said


@pytest.mark.hostile
def test_requests_led_by_coverage_break_no_law(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this Python on this machine")
    done = run_it(
        tmp_path, str(HERE / "fuzz_requests.py"), f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/"
    )
    left = [path.read_bytes() for path in tmp_path.iterdir()]
    assert (done.returncode, left) == (0, []), done.stdout[-8000:]
    (runs,) = re.findall(r"Done (\d+) runs", done.stdout)
    assert int(runs) > 500


def run_it(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        cwd=folder, timeout=SECONDS * 4,
    )  # fmt: skip
