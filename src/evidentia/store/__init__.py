"""SQL: schema, migrations, engines, row writes, read-only query runs.

The only room that imports SQLAlchemy or a database driver. Driver errors are translated at its
door; a raw ``sqlite3.Error`` that reaches a caller is a bug.
"""
