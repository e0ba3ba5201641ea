"""Makes a value of the knowledge from its TOML table.

In: a dataclass of knowledge.model, a table. Out: the value; TypeError when the table has a key that no field has, or
lacks one: a word that nothing reads must not pass for a rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from decimal import Decimal
from typing import Any, TypeVar

Value = TypeVar("Value")


def build(kind: type[Value], table: Mapping[str, Any], *aside: str, **made: Any) -> Value:
    """The value; `made` holds the fields that are worked out, `aside` the keys that they were worked out from."""
    shapes = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # every kind is a dataclass, which type[T] cannot say
    given = {key: value for key, value in table.items() if key not in (*made, *aside)}
    needed = (name for name, f in shapes.items() if f.default is MISSING and f.default_factory is MISSING)
    faults = [f"'{name}' is missing" for name in needed if name not in given and name not in made]
    faults += [f"{key} is no word of a {kind.__name__}" for key in given if key not in shapes]
    if faults:
        raise TypeError("; ".join(faults))
    return kind(**made, **{key: _shaped(value, str(shapes[key].type)) for key, value in given.items()})


def _shaped(value: Any, shape: str) -> Any:
    """A list as the set or tuple that the field is, a whole number as a Decimal."""
    if shape.startswith(("frozenset", "tuple")):
        return frozenset(value) if shape.startswith("frozenset") else tuple(value)
    return Decimal(value) if shape.startswith("Decimal") else value
