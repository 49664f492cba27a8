"""The commands of ``evidentia repair``, in the order of the help."""

from __future__ import annotations

from typing import Final

from evidentia.pack.command import PackCommand
from evidentia.packs.repair import (
    commands_change,
    commands_compare,
    commands_jobs,
    commands_look,
    commands_out,
    commands_past,
    commands_state,
)

COMMANDS: Final[tuple[PackCommand, ...]] = (
    *commands_look.COMMANDS,
    *commands_change.COMMANDS,
    *commands_past.COMMANDS,
    *commands_out.COMMANDS,
    *commands_compare.COMMANDS,
    commands_jobs.CHECK,
    *commands_state.COMMANDS,
)
