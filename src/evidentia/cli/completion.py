"""Names that the shell may complete."""

from __future__ import annotations


def complete_packs(incomplete: str) -> list[str]:
    """Installed packs whose names begin so."""
    from evidentia.pack.registry import load_packs  # noqa: PLC0415 - start-up time

    return [name for name in load_packs() if name.startswith(incomplete)]


def complete_queries(incomplete: str) -> list[str]:
    """Named queries whose names begin so."""
    from evidentia.pack.registry import load_packs  # noqa: PLC0415 - start-up time
    from evidentia.report.queries import query_names  # noqa: PLC0415 - start-up time

    return [name for name in sorted(query_names(load_packs())) if name.startswith(incomplete)]
