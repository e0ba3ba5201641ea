"""The clinical knowledge: TOML files, their types and their loader."""

from service.clinical.knowledge.loader import InvalidKnowledge, load, profiles

__all__ = ["InvalidKnowledge", "load", "profiles"]
