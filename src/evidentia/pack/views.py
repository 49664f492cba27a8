"""Views of a pack's database out of its ``views/*.sql`` files.

A file is a named query without parameters (see ``evidentia.pack.queries``); its columns, in order,
are those of the view. The SQL runs on SQLite and PostgreSQL alike.
"""

from __future__ import annotations

from evidentia.errors import PackError
from evidentia.pack.queries import load_queries
from evidentia.pack.tables import View

_FOLDER = "views"


def load_views(package: str) -> tuple[View, ...]:
    """Every view of a package, in name order.

    Args:
        package: Dotted name of the package that has a ``views`` folder.

    Raises:
        PackError: The folder is missing, or files in it are no views.
    """
    queries = load_queries(package, _FOLDER)
    for each in queries:
        if each.parameters:
            raise PackError(
                f"view {each.name} has parameters", where=f"package {package}", fix="leave them out"
            )
    return tuple(
        View(
            name=each.name,
            title=each.title,
            columns=tuple(column.name for column in each.columns),
            sql=each.sql,
            description=each.description,
        )
        for each in queries
    )
