"""A bar on standard error while something takes its time; nothing where that is no terminal.

In: what is gone through, or how far it is. Out: a bar beside it. What is printed to a terminal meanwhile is printed
aside, so that the bar does not stand in it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Steps:
    """The bar of a run."""

    progress: Progress

    def each(self, files: Iterable[Path]) -> Iterator[Path]:
        """The files, one step each."""
        found = list(files)
        for done, file in enumerate(found):
            self.tell(file.name, done, len(found))
            yield file
            self.tell(file.name, done + 1, len(found))

    def tell(self, what: str, done: int, total: int | None) -> None:
        """How far it is, of how much."""
        task = next(iter(self.progress.task_ids), None)
        if task is None:
            task = self.progress.add_task(what)
        self.progress.update(task, description=what, completed=done, total=total)

    def aside(self, show: Callable[[], T]) -> T:
        """Do what prints, with the bar away where both share a terminal."""
        shared = not self.progress.disable and sys.stdout.isatty()
        if shared:
            self.progress.stop()
        try:
            return show()
        finally:
            if shared:
                self.progress.start()


@contextmanager
def bar(wanted: bool = True) -> Iterator[Steps]:
    """A bar, where it is wanted and can be seen."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    seen = wanted and sys.stderr.isatty()
    with Progress(*columns, console=console, transient=True, disable=not seen, redirect_stdout=False) as progress:
        yield Steps(progress)
