"""A folder with a conversation, a ledger of repairs and a store, and the pack's commands in it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evidentia.app import load_config
from evidentia.app.ledgers import Ledgers
from evidentia.app.pack_workspace import PackWorkspace
from evidentia.app.workspace import Workspace
from evidentia.ledger.layout import segment_files
from evidentia.ledger.statements import Signing
from evidentia.packs.repair import PACK

COMMANDS = {command.name: command for command in PACK.commands}
START = 1_767_225_600
WORDS = ("parser", "date", "error", "branch", "merge", "test", "cache", "index", "retry", "queue")

Row = dict[str, Any]


class Desk:
    """Runs commands in a folder, as the command line would."""

    def __init__(self, folder: Path, *, is_mirrored: bool = True) -> None:
        self.folder = folder
        (folder / "evidentia.toml").write_text(
            '[store]\nurl = "sqlite:///s.db"\n[[ledgers]]\nname = "repairs"\npath = "repairs"\n'
            f'pack = "repair"\nmirror = {str(is_mirrored).lower()}\n'
        )
        config = load_config(folder / "evidentia.toml")
        self.workspace = Workspace(config=config, packs={"repair": PACK})
        ledgers = Ledgers(self.workspace)
        ledgers.create(config.ledgers[0], "example.org/repairs", Signing.NONE)

    def desk(self, name: str = "apply") -> PackWorkspace:
        """The workspace of a command."""
        appends = name not in COMMANDS or COMMANDS[name].appends
        return PackWorkspace(
            workspace=self.workspace, pack=PACK, command=f"repair {name}", appends=appends
        )

    def run(self, name: str, /, **given: object) -> dict[str, Any]:
        """A command's document, as ``--json`` would print it."""
        result = COMMANDS[name].run(self.desk(name), **given)
        document = json.loads(json.dumps(result.document))
        assert isinstance(document, dict)
        return document | {"is_finding": result.is_finding}

    def put(self, name: str, rows: Sequence[Mapping[str, object]]) -> str:
        """A conversation's file."""
        path = self.folder / name
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return str(path)

    @property
    def segment(self) -> Path:
        """The ledger's file."""
        return segment_files(self.folder / "repairs")[0].path


def conversation(seed: int, count: int = 40, session: str = "s-1") -> list[Row]:
    """A conversation with forks, side chains and messages that lost their parents."""
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    rows: list[Row] = []
    for number in range(count):
        parent = None if not rows else chance.choice(rows[-3:])["uuid"]
        lost = chance.random()
        if number and lost < 0.1:
            parent = None
        elif number and lost < 0.2:
            parent = f"gone-{number}"
        speaker = "user" if number % 2 == 0 else "assistant"
        when = START + number * 30 + chance.randrange(20)
        rows.append(
            {
                "parentUuid": parent,
                "sessionId": session,
                "type": speaker,
                "message": {"role": speaker, "content": " ".join(chance.choices(WORDS, k=6))},
                "uuid": f"{session}-m{number}",
                "timestamp": _iso(when),
            }
        )
    return rows


def _iso(seconds: int) -> str:
    minutes, second = divmod(seconds - START, 60)
    hour, minute = divmod(minutes, 60)
    return f"2026-01-01T{hour:02d}:{minute:02d}:{second:02d}Z"
