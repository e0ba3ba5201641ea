"""The clinical knowledge: TOML files, their types and their loader."""

from service.clinical.knowledge.loader import load, profiles
from service.clinical.knowledge.rules import InvalidKnowledge

__all__ = ["InvalidKnowledge", "load", "profiles"]
