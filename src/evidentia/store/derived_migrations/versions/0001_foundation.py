"""A pack's own database: what keeps it true to its ledger, and what the pack declares.

The pack's part has no migrations: a database of another version is made anew from the ledger.

Revision ID: 0001
"""

from alembic import context, op

from evidentia.store.derived_schema import create_all

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables, indexes and views."""
    create_all(op.get_bind(), context.config.attributes["schema"])
