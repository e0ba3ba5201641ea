"""Completion as a shell does it: bash on a terminal, its Tab key pressed; zsh and fish by what they are given."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from service.stories import names


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    """A folder with `cds` in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    root = Path(__file__).resolve().parents[2]
    ours = f"sys.path.insert(0, {str(root)!r}); sys.argv[0] = 'cds'"
    program = f"import sys; {ours}; from service.cli import main; main()"
    (folder / "cds").write_text(f'#!/bin/sh\nexec {sys.executable} -c "{program}" "$@"\n')
    (folder / "cds").chmod(0o755)
    return folder


class Shell:
    """An interactive bash without anybody's own settings, in an empty folder."""

    def __init__(self, folder: Path) -> None:
        self._master, slave = pty.openpty()
        environ = {"PATH": f"{folder}:{os.environ['PATH']}", "TERM": "dumb", "PS1": "ready> ", "HOME": str(folder)}
        command = ["bash", "--norc", "--noprofile", "-i"]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environ, cwd=folder, start_new_session=True
        )
        os.close(slave)
        self.type("bind 'set enable-bracketed-paste off'\n", "ready> ")
        self.type('eval "$(cds completion bash)"; echo lo""aded\n', "loaded\r\n")

    def type(self, keys: str, until: str) -> str:
        """What the screen says after some keys; fails when it never says `until`."""
        os.write(self._master, keys.encode())
        said, end = "", time.monotonic() + 20
        while until not in said:
            assert time.monotonic() < end, said
            if select.select([self._master], [], [], 0.2)[0]:
                said += os.read(self._master, 65536).decode()
        return said

    def close(self) -> None:
        os.close(self._master)
        self.process.wait(10)


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_commands_options_stories_and_files(bin_folder: Path) -> None:
    (bin_folder / "patient-of-mine.json").write_text("{}")
    shell = Shell(bin_folder)
    try:
        shell.type("cds asse\t", "cds assess ")
        shell.type("--exit\t", "--exit-status ")
        shell.type("patient-of\t", "patient-of-mine.json ")
        shell.type("\x15cds story b12-def\t", "b12-deficient-positive-antibody ")
        shell.type("\x15cds completion f\t", "fish ")
        assert shell.type("\x15cds rep\t\t", "report").count("replay") == 1
    finally:
        shell.process.terminate()
        shell.close()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_for_cds(shell: str) -> None:
    said = CliRunner().invoke(main, ["completion", shell]).output
    assert f"_CDS_COMPLETE={shell}_complete" in said
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=said, text=True, check=True)


@pytest.mark.parametrize("arguments", [["completion"], ["completion", "tcsh"]])
def test_another_shell_is_refused_with_those_there_are(arguments: list[str]) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "bash" in done.stderr


def test_every_story_can_be_completed() -> None:
    environ = {"_CDS_COMPLETE": "bash_complete", "COMP_WORDS": "cds story ", "COMP_CWORD": "2"}
    done = CliRunner(env=environ).invoke(main, [], prog_name="cds")
    assert [line.partition(",")[2] for line in done.output.splitlines()] == names()
