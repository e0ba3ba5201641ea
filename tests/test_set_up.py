"""./cds: sets up once, repairs what was interrupted, says what to do when it cannot. Only the installer is replaced."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = ("cds", "pyproject.toml", "requirements.txt", "requirements-build.txt")

# Stands in for `uv`: counts the set-ups, and gives the environment a `cds` command that repeats its arguments.
INSTALLER = """#!/bin/sh
case "$*" in *" -e "*) ;; *) exit 0 ;; esac
sleep "${SLOW:-0}"
echo set-up >>"$COUNT"
while [ "$1" != --python ]; do shift; done
printf '#!/bin/sh\\necho ran "$@"\\n' >"${2%/python}/cds"
chmod +x "${2%/python}/cds"
"""


class Checkout:
    """A copy of what ./cds needs, with a stand-in for the installer."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"
        self.root.mkdir()
        for name in FILES:
            shutil.copy(ROOT / name, self.root / name)
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.count = folder / "count"
        self.environment = {**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}", "COUNT": str(self.count)}
        self.put("uv", INSTALLER)

    def put(self, program: str, text: str) -> None:
        (self.programs / program).write_text(text)
        (self.programs / program).chmod(0o755)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.root / "cds"), *arguments], cwd="/", env={**self.environment, **environment},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    @property
    def set_ups(self) -> int:
        return len(self.count.read_text().splitlines()) if self.count.exists() else 0


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_first_run_sets_up_in_one_line_and_the_second_says_nothing(checkout: Checkout) -> None:
    status, out, err = checkout.run("assess", "a file.json", "--json")
    assert (status, out) == (0, "ran assess a file.json --json\n")
    assert re.fullmatch(r"\./cds: setting up .*\n", err)
    assert checkout.run("--help") == (0, "ran --help\n", "")


def test_the_command_is_told_how_it_was_called(checkout: Checkout) -> None:
    checkout.run("--help")
    (checkout.root / ".venv/bin/cds").write_text('#!/bin/sh\necho "$NEUTROPENIA_CDS_CALLED_AS"\n')
    assert checkout.run("serve") == (0, f"{checkout.root}/cds\n", "")
    assert checkout.set_ups == 1


@pytest.mark.parametrize("name", FILES[1:])
def test_changed_requirements_set_up_anew(checkout: Checkout, name: str) -> None:
    checkout.run()
    with (checkout.root / name).open("a") as file:
        file.write("# changed\n")
    assert checkout.run("x")[:2] == (0, "ran x\n")
    assert checkout.set_ups == 2


def test_an_interrupted_set_up_is_made_anew(checkout: Checkout) -> None:
    checkout.run()
    (checkout.root / ".venv/.unfinished").touch()
    (checkout.root / ".venv/half-installed").touch()
    assert checkout.run("x")[:2] == (0, "ran x\n")
    assert not (checkout.root / ".venv/half-installed").exists()


def test_a_stopped_set_up_leaves_no_lock_and_is_repaired(checkout: Checkout) -> None:
    process = checkout.start(SLOW="2")
    while not (checkout.root / ".venv/bin/python").exists():
        assert process.poll() is None
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert not (checkout.root / ".venv.lock").exists()
    assert checkout.run("x")[:2] == (0, "ran x\n")


def test_two_first_starts_make_one_set_up(checkout: Checkout) -> None:
    starts = [checkout.start(name, SLOW="1") for name in ("one", "two", "three")]
    answers = [process.communicate(timeout=60)[0] for process in starts]
    assert answers == ["ran one\n", "ran two\n", "ran three\n"]
    assert checkout.set_ups == 1


def test_the_lock_of_a_dead_process_is_taken_over(checkout: Checkout) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    (checkout.root / ".venv.lock").mkdir()
    (checkout.root / ".venv.lock/pid").write_text(f"{dead.pid}\n")
    assert checkout.run("x")[:2] == (0, "ran x\n")
    assert not (checkout.root / ".venv.lock").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(checkout: Checkout) -> None:
    checkout.run()
    python = checkout.root / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert checkout.run("x")[:2] == (0, "ran x\n")


def test_an_old_python_is_named_with_the_remedy(checkout: Checkout) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        checkout.put(name, "#!/bin/sh\n[ \"$1\" = --version ] && echo 'Python 3.9.2' && exit\nexit 1\n")
    status, out, err = checkout.run()
    assert (status, out) == (1, "")
    assert "needs Python 3.11 or newer, found Python 3.9.2" in err
    assert "apt-get install python3" in err


def test_a_failed_installation_says_what_to_check_and_is_tried_again(checkout: Checkout) -> None:
    checkout.put("uv", "#!/bin/sh\necho 'no route to host'\nexit 2\n")
    status, out, err = checkout.run()
    assert (status, out) == (1, "")
    assert "no route to host" in err
    assert "Check the network" in err
    checkout.put("uv", INSTALLER)
    assert checkout.run("x")[:2] == (0, "ran x\n")
