"""Append-only JSONL is the evidence; SQL is a derived view; evidentia keeps the two the same.

The package is laid out in rooms with one direction of imports; ARCHITECTURE.md names each.
"""

__version__ = "0.1.0"
