"""Numbered migrations, run by Alembic through ``store.migrate``."""
