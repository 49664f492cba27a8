"""What is wrong with the seal of one row, collected until all of it is known."""

from __future__ import annotations

from dataclasses import dataclass, field

from evidentia.pack.seal import SealReading, SealReason, SealVerdict
from evidentia.proof.claims import Level

_TEXT_CHARACTERS = 200
"""How much of what a row states is quoted: a hash is shorter, anything else is noise."""


@dataclass(slots=True)
class SealProblems:
    """The failures of one row in the order they were found."""

    reasons: list[SealReason] = field(default_factory=list)
    expected: str = ""
    observed: str = ""

    def add(self, reason: SealReason, expected: str = "", observed: str | None = "") -> None:
        """Add a failure; the values of the first one are kept."""
        if not self.reasons:
            self.expected = expected
            self.observed = "nothing" if observed is None else observed[:_TEXT_CHARACTERS]
        self.reasons.append(reason)

    def link(self, stated: str | None, previous: str | None, heads: frozenset[str]) -> None:
        """Judge what a row names as the row before it.

        Args:
            stated: The hash it names; None for none.
            previous: The hash of the row before; None where this is the first row of its file.
            heads: What a first row may go on with.
        """
        if previous is not None and stated != previous:
            self.add(SealReason.HASH_CHAIN_BREAK, previous, stated)
        elif previous is None and stated is not None and stated not in heads:
            self.add(SealReason.ORPHAN, "null", stated)

    def reading(
        self, *, level: Level, verdict: SealVerdict = SealVerdict.VALID, detail: str = ""
    ) -> SealReading:
        """Invalid with all reasons; what is given where there are none."""
        if not self.reasons:
            return SealReading(verdict=verdict, level=level, detail=detail)
        return SealReading(
            verdict=SealVerdict.INVALID,
            reason=self.reasons[0],
            also=tuple(self.reasons[1:]),
            expected=self.expected,
            observed=self.observed,
        )
