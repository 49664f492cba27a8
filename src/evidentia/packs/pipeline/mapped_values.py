"""The table of values that were not stated as the pipeline's tables hold them."""

from __future__ import annotations

from typing import Final

from evidentia.pack.tables import (
    CellType,
    Column,
    DerivedTable,
    Retention,
    Stamp,
    TableIndex,
    up,
)
from evidentia.packs.pipeline.vocabulary import Rule

_TEXT: Final = CellType.TEXT
_RULES: Final = tuple(rule.value for rule in Rule if rule is not Rule.AS_STATED)

MAPPED_VALUES: Final = DerivedTable(
    name="mapped_values",
    columns=(
        Column(name="table_name", type=_TEXT, is_required=True),
        # The execution, agent or session that the row is about.
        Column(name="row_key", type=_TEXT, is_required=True),
        Column(name="column_name", type=_TEXT, is_required=True),
        Column(name="stated_value", type=_TEXT, is_required=True),
        Column(name="stored_value", type=_TEXT, is_required=True),
        Column(name="rule", type=_TEXT, is_required=True, values=_RULES),
        Column(name="created_at", type=CellType.TIMESTAMP, is_required=True, stamp=Stamp.CREATED),
    ),
    indexes=(
        TableIndex(name="idx_mapped_values_row_key", parts=(up("row_key"),)),
        TableIndex(
            name="idx_mapped_values_stated_value",
            # All that is counted by, so that nothing but the index is read.
            parts=(
                up("table_name"),
                up("column_name"),
                up("stated_value"),
                up("stored_value"),
                up("rule"),
            ),
        ),
    ),
    # Made with the row that it is about, so it is as old.
    retention=Retention(age="created_at"),
)
