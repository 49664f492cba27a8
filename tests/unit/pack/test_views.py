"""Views of a pack's database come from its own .sql files."""

from __future__ import annotations

import pytest

from evidentia.errors import PackError
from evidentia.pack import queries
from evidentia.pack.views import load_views


def test_views_are_read_with_their_columns() -> None:
    """In name order; the columns are those of the header."""
    views = load_views("evidentia.packs.pipeline")

    assert [each.name for each in views] == [
        *("agent_performance_summary", "pipeline_stage_performance", "recent_executions"),
    ]
    assert views[1].columns[:2] == ("stage", "executions")
    assert all(each.sql.startswith("SELECT") and each.description for each in views)


def test_a_package_without_views_is_named() -> None:
    """Asking for views where there are none is a mistake of the pack."""
    with pytest.raises(PackError, match=r"there is no views/\*\.sql"):
        load_views("evidentia.packs.world")


def test_a_view_has_no_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could give them a value."""
    monkeypatch.setattr("evidentia.pack.views._FOLDER", queries.QUERIES)

    with pytest.raises(PackError, match="has parameters"):
        load_views("evidentia.packs.world")
