"""Where text for people goes: the terminal with its width and colours, or a file of a fixed width without.

In: nothing. Out: a rich Console. COLUMNS gives another width; NO_COLOR takes the colours away.
"""

from __future__ import annotations

import io
import os
import sys

from rich.console import Console

WIDTH = 120  # where there is no terminal to ask
LEAST = 60


def screen() -> Console:
    """The console of standard output."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a Latin-1 terminal has no "≥"
    asked = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    console = Console(highlight=False, soft_wrap=False)
    console.width = max(console.width if asked else WIDTH, LEAST)
    return console
