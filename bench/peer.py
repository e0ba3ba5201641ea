"""HealthChain in an environment of its own, made at the first run and kept in the user's cache.

In: nothing; pip installs bench/healthchain-requirements.txt from the index that this machine is told to use. Out: its
interpreter.

    NoPeer    it cannot be installed here; measurements go on without it
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import venv
from hashlib import sha256
from pathlib import Path

__all__ = ["NoPeer", "interpreter"]

REQUIREMENTS = Path(__file__).with_name("healthchain-requirements.txt")
ATTEMPT = 600.0  # seconds

log = logging.getLogger("bench")


class NoPeer(Exception):
    """Why there is no peer to compare with."""


def interpreter() -> Path:
    """The Python that has it."""
    home = _home()
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        log.info("installing HealthChain into %s (once; about a minute)", home)
        shutil.rmtree(home, ignore_errors=True)
        try:
            venv.create(home, with_pip=True)
            _install(python)
        except (OSError, subprocess.SubprocessError) as fault:
            raise NoPeer(f"HealthChain cannot be installed: {_reason(fault)}") from None
        (home / "complete").touch()
    return python


def _home() -> Path:
    """A folder that is another one for other requirements."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "neutropenia-cds" / f"healthchain-{sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]}"


def _install(python: Path) -> None:
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    command = [str(python), "-m", "pip", "install", *quiet, "-r", str(REQUIREMENTS)]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=ATTEMPT)


def _reason(fault: Exception) -> str:
    """The last line that pip said, or what else was wrong."""
    said = (getattr(fault, "stderr", None) or "").strip().splitlines()
    return said[-1] if said else type(fault).__name__
