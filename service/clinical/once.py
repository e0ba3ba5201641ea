"""Functions that are asked at most once about one case, however many rules look at their answer.

In: a function of a case and of values that can be keys. Out: the same function, which keeps its answers on the case.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar


class _Keeper(Protocol):
    kept: dict[tuple[object, ...], Any]


Asked = TypeVar("Asked", bound=_Keeper)
About = ParamSpec("About")
Found = TypeVar("Found")


def once(work: Callable[Concatenate[Asked, About], Found]) -> Callable[Concatenate[Asked, About], Found]:
    """`work`, which each case asks at most once with the same arguments (by position)."""

    @wraps(work)
    def kept(case: Asked, /, *about: About.args, **named: About.kwargs) -> Found:
        key = (work, about)
        try:
            found: Found = case.kept[key]
        except KeyError:
            found = case.kept[key] = work(case, *about, **named)
        return found

    return kept
