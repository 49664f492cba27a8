"""The option ``--as-of``, and the batch that an answer is as of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from evidentia.cli.output import Json, Output
from evidentia.cli.plain import shown, shown_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evidentia.store.scope import AsOf

AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="BATCH|TIME",
        help="As the store was after this batch, or after the last one committed by this time.",
    ),
]
"""The option of everything that can be asked about an earlier moment."""


def as_of_text(moment: AsOf) -> str:
    """The batch of an answer, or the ledger's size, for people."""
    if moment.is_ledger:
        applied = shown_time(moment.committed_us)
        return f"as of the ledger's first {moment.batch_id:,} events, applied {applied}"
    if not moment.batch_id:
        return "before the first batch"
    return f"as of batch {moment.batch_id}, committed {shown_time(moment.committed_us)}"


def note_computed(computed: Mapping[str, str], output: Output) -> None:
    """Say on standard error which summaries were computed from the events, and why."""
    for name, reason in computed.items():
        output.note(
            f"{name} was computed from the events, for {shown(reason)}; any ingest catches up, "
            f"'evidentia projection rebuild {name}' makes it anew"
        )


def as_of_json(moment: AsOf) -> Json:
    """The batch of an answer, or the ledger's size, as part of a JSON object."""
    if moment.is_ledger:
        return {"ledger_size": moment.batch_id, "applied": shown_time(moment.committed_us)}
    return {
        "batch": moment.batch_id,
        "committed": shown_time(moment.committed_us) if moment.batch_id else None,
        "is_newest": moment.is_newest,
    }
