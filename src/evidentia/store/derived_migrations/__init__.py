"""Numbered migrations of a pack's own database, run by Alembic through ``store.migrate``."""
