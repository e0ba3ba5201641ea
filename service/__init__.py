"""A CDS Hooks service for neutropenia and its nutritional causes."""

__version__ = "0.1.0"
