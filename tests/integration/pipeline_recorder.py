"""A process that records receipts one by one and says which of them were acknowledged."""

from __future__ import annotations

import sys

from evidentia.app.recording import open_recorder
from evidentia.packs.pipeline.kinds import kind_named
from evidentia.packs.pipeline.records import draft_of


def main(database: str, name: str, count: int) -> None:
    """Record ``count`` receipts; print the id of each once the call has returned."""
    recorder = open_recorder("pipeline", database)
    for number in range(count):
        execution_id = f"{name}-{number}"
        recorder.record(
            [
                draft_of(
                    kind_named("receipt"),
                    {
                        "execution_id": execution_id,
                        "agent_id": name,
                        "operation": "generation",
                        "status": "passed",
                        "timestamp": "2026-01-29T12:00:00Z",
                        "duration_ms": number,
                    },
                )
            ]
        )
        sys.stdout.write(f"{execution_id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
