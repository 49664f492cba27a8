"""What comes of every attack, as the tables of docs/explanation/attacks.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evidentia.ledger.statements import Signing
from evidentia.ledger.verifying import LedgerVerdict

from .attacks import CAREFUL, CARELESS
from .scene import Holding, Scene

UNTOUCHED = next(iter(CAREFUL))
Results = Mapping[tuple[str, Signing, Holding], LedgerVerdict]
TITLES = {
    Signing.NONE: "signs nothing",
    Signing.HMAC: "signs heads under a secret",
    Signing.HEADS: "signs heads",
    Signing.ROWS: "signs heads and rows",
}


@dataclass(frozen=True, slots=True)
class Attacked:
    """A scene after an attack."""

    name: str
    scene: Scene


def attacked(scenes: Mapping[Signing, Scene], folder: Path) -> Iterator[Attacked]:
    """Every attack on every sort of ledger that it makes sense for."""
    for name, (attack, signings) in (CARELESS | CAREFUL).items():
        for signing in signings:
            scene = scenes[signing].at(folder / f"{name.replace('/', '')} {signing}")
            attack(scene)
            yield Attacked(name, scene)


def careless_table(results: Results) -> str:
    """What is found in every ledger, by whoever looks."""
    rows = ["| attack | found by everybody as |", "|---|---|"]
    for name in CARELESS:
        found = [kinds(verdict) for (each, _, _), verdict in results.items() if each == name]
        everywhere = set[str].intersection(*map(set, found))
        rows.append(f"| {name} | {', '.join(f'`{kind}`' for kind in sorted(everywhere))} |")
    return "\n".join(rows)


def careful_table(results: Results, signing: Signing, holdings: tuple[Holding, ...]) -> str:
    """What comes of the other attacks on a ledger of one sort."""
    rows = [f"| attack | {' | '.join(holdings)} |", f"|---{'|---' * len(holdings)}|"]
    for name, (_, signings) in CAREFUL.items():
        if signing in signings:
            found = [cell(results, name, signing, holding) for holding in holdings]
            rows.append(f"| {name} | {' | '.join(found)} |")
    return "\n".join(rows)


def cell(results: Results, name: str, signing: Signing, holding: Holding) -> str:
    """The finding; else what is claimed, beside what is claimed of the untouched ledger."""
    verdict, honest = (results[each, signing, holding] for each in (name, UNTOUCHED))
    if verdict.level is None or honest.level is None:
        return ", ".join(f"`{kind}`" for kind in kinds(verdict))
    upto = "" if verdict.covered == honest.covered else f" up to {verdict.covered}"
    if name == UNTOUCHED:
        return f"level {verdict.level}"
    word = "falls to" if verdict.level < honest.level else "not seen:"
    return f"{word} {verdict.level}{upto}"


def kinds(verdict: LedgerVerdict) -> list[str]:
    """The kinds of failure, each once."""
    return sorted({failure.kind.value for failure in verdict.failures})
