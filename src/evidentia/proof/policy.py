"""The policy gate of an append: outcomes, the rules behind them, and what may go on.

    allow < warn < break_glass < quarantine < reject

A rule contributes one outcome with its reason; ``compose`` makes a decision of all contributions,
and the strongest wins. Nothing is forgotten: what was weaker stands in ``discarded``, and a rule
that must have been asked may stand in either place. Allow, warn and break-glass let an append go
on; quarantine and reject block it, and no authorization lifts them.

Break-glass goes on only with an authorization that names who vouches, why, and for which surfaces:

- a decision that ends in break-glass without an authorization is refused;
- an authorization while no rule contributed break-glass is refused, for it authorizes nothing;
- an authorization beside quarantine or reject is kept in the decision and lifts neither;
- an authorization goes as far as its scope: for another surface the append is refused.

A decision is a value, which anyone can build by hand: the two ``require`` functions check it first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from evidentia.errors import PolicyError

PARITY_RULE: Final = "mirror.append.parity_invariant"
"""The rule that a mirrored append requires: the store holds what the ledger holds, or less."""

_RULE_ID: Final = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")
_SURFACE: Final = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")


class Outcome(IntEnum):
    """What a rule, or all of them together, say about an append; the larger is the stronger."""

    ALLOW = 0
    WARN = 1
    BREAK_GLASS = 2
    QUARANTINE = 3
    REJECT = 4

    @property
    def word(self) -> str:
        """The outcome as it is written in events, configuration and messages."""
        return self.name.lower()

    @property
    def is_proceeding(self) -> bool:
        """Whether an append may go on; break-glass needs its authorization besides."""
        return self <= Outcome.BREAK_GLASS


class Ceiling(StrEnum):
    """The most that may be made of what an append with some outcome wrote."""

    AUTHORITY_GRADE = "AuthorityGrade"
    DEV_ONLY = "DevOnly"


class ReasonCode(StrEnum):
    """Why glass was broken: a closed list, so that such appends can be counted by cause."""

    INCIDENT = "incident"
    RECOVERY = "recovery"
    MIGRATION = "migration"
    LEGAL_ORDER = "legal_order"
    DRILL = "drill"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Contribution:
    """What one rule said, and why.

    Raises:
        PolicyError: The rule id is not dotted words of a-z, 0-9 and ``_``, or there is no reason.
    """

    rule_id: str
    outcome: Outcome
    reason: str

    def __post_init__(self) -> None:
        """Refuse what no rule can have said."""
        if not _RULE_ID.fullmatch(self.rule_id):
            raise PolicyError(
                f"{self.rule_id!r} is not the id of a policy rule",
                fix="use dotted words of a-z, 0-9 and _, such as mirror.append.parity_invariant",
            )
        if not self.reason.strip():
            raise PolicyError(f"the rule {self.rule_id} gives no reason for its outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass:
    """The authorization to go on where a rule says that glass must be broken.

    Raises:
        PolicyError: It covers no surface, or nobody vouches, or there is no reason.
    """

    scope: tuple[str, ...]
    """The surfaces covered: ``ledger.append`` that one, ``ledger`` each that begins with it."""
    attestation: str
    """Who vouches, and by what: a name, a ticket, a signature kept elsewhere."""
    reason_code: ReasonCode
    reason: str

    def __post_init__(self) -> None:
        """Refuse an authorization that would authorize anything, or nothing."""
        is_sequence = isinstance(self.scope, tuple)
        if not self.scope or not is_sequence or not all(map(_SURFACE.fullmatch, self.scope)):
            raise PolicyError(
                f"{self.scope!r} is not the scope of a break-glass authorization",
                fix='name the surfaces, such as ("ledger.append", "mirror.append")',
            )
        if not self.attestation.strip() or not self.reason.strip():
            raise PolicyError("a break-glass authorization needs an attestation and a reason")

    def covers(self, surface: str) -> bool:
        """Whether it authorizes an append through this surface."""
        return any(surface == each or surface.startswith(f"{each}.") for each in self.scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDecision:
    """What all rules together say; made by ``compose``, sorted, so that equal parts are equal."""

    final_outcome: Outcome
    contributing: tuple[Contribution, ...]
    """The contributions of the final outcome."""
    discarded: tuple[Contribution, ...]
    """The weaker ones: they were heard, and count as present."""
    break_glass: BreakGlass | None = None

    @property
    def ceiling(self) -> Ceiling:
        """The most that may be made of what is appended under this decision."""
        return ceiling(self.final_outcome)

    @property
    def parts(self) -> tuple[Contribution, ...]:
        """All contributions, the strongest first."""
        return (*self.contributing, *self.discarded)


def ceiling(outcome: Outcome) -> Ceiling:
    """The most that may be made of what was appended with an outcome."""
    return Ceiling.AUTHORITY_GRADE if outcome.is_proceeding else Ceiling.DEV_ONLY


def compose(
    contributions: Iterable[Contribution], break_glass: BreakGlass | None = None
) -> PolicyDecision:
    """The decision of all contributions, whatever their order: the strongest outcome wins.

    Raises:
        PolicyError: There are none, or break-glass and its authorization do not go together.
    """
    parts = sorted(set(contributions), key=_strongest_first)
    if not parts:
        raise PolicyError(
            "no policy rule contributed, so there is nothing to decide by",
            fix="ask at least one rule, and let it say allow with its reason",
        )
    final = parts[0].outcome
    decision = PolicyDecision(
        final_outcome=final,
        contributing=tuple(each for each in parts if each.outcome == final),
        discarded=tuple(each for each in parts if each.outcome != final),
        break_glass=break_glass,
    )
    _check_break_glass(decision)
    return decision


def merge(first: PolicyDecision, second: PolicyDecision) -> PolicyDecision:
    """The decision of what two decisions were made of, as if all had been composed at once.

    Raises:
        PolicyError: One of them is not sound, or they carry different authorizations.
    """
    check_decision(first)
    check_decision(second)
    given = {each for each in (first.break_glass, second.break_glass) if each is not None}
    if len(given) > 1:
        raise PolicyError("two decisions with different break-glass authorizations do not merge")
    return compose((*first.parts, *second.parts), next(iter(given), None))


def check_decision(decision: PolicyDecision) -> None:
    """Pass if the decision is what ``compose`` makes of its own parts.

    Raises:
        PolicyError: It is not: its outcome is not the strongest of its parts, they stand in the
            wrong place or order, or an authorization is missing or idle.
    """
    honest = compose(decision.parts, decision.break_glass)
    if decision.final_outcome != honest.final_outcome:
        raise PolicyError(
            f"a policy decision says {_word(decision.final_outcome)}, while the strongest of its"
            f" contributions is {_named(honest.contributing)}",
            fix="make decisions with compose()",
        )
    if decision != honest:
        raise PolicyError(
            "the contributions of a policy decision are not sorted into contributing and discarded",
            fix="make decisions with compose()",
        )


def require_contributors(decision: PolicyDecision, rule_ids: Sequence[str]) -> None:
    """Pass if each of these rules was heard, be its contribution decisive or discarded.

    Raises:
        PolicyError: One was not, which means that the caller skipped it; or the decision is not
            sound.
    """
    check_decision(decision)
    heard = {each.rule_id for each in decision.parts}
    missing = [each for each in rule_ids if each not in heard]
    if missing:
        raise PolicyError(
            f"the policy decision lacks the required contributor {', '.join(missing)}",
            fix="compose the decision with a contribution of each required rule",
        )


def require_proceeds(decision: PolicyDecision, surface: str) -> None:
    """Pass if an append through ``surface`` may go on.

    Raises:
        PolicyError: The outcome blocks it, its authorization does not cover the surface, or the
            decision is not sound.
    """
    check_decision(decision)
    final = decision.final_outcome
    if not final.is_proceeding:
        raise PolicyError(
            f"the policy outcome {final.word} blocks {surface}: {_named(decision.contributing)}",
            fix="see to what the rules name; no authorization lifts quarantine or reject",
        )
    granted = decision.break_glass
    if final is Outcome.BREAK_GLASS and granted is not None and not granted.covers(surface):
        raise PolicyError(
            f"the break-glass authorization covers {', '.join(granted.scope)}, not {surface}",
            fix="have the authorization name this surface",
        )


def _check_break_glass(decision: PolicyDecision) -> None:
    is_broken = any(each.outcome == Outcome.BREAK_GLASS for each in decision.parts)
    if decision.final_outcome == Outcome.BREAK_GLASS and decision.break_glass is None:
        raise PolicyError(
            "the policy outcome break_glass needs an authorization:"
            f" {_named(decision.contributing)}",
            fix="have someone vouch for it: a scope, an attestation, a reason code and a reason",
        )
    if decision.break_glass is not None and not is_broken:
        raise PolicyError(
            "a break-glass authorization was given, but no rule asked for one",
            fix="leave the authorization out",
        )


def _strongest_first(contribution: Contribution) -> tuple[int, str, str]:
    return (-contribution.outcome, contribution.rule_id, contribution.reason)


def _named(contributions: Iterable[Contribution]) -> str:
    return "; ".join(f"{each.rule_id} ({each.reason})" for each in contributions)


def _word(outcome: object) -> str:
    """The word for an outcome; a decision made by hand may carry anything."""
    return outcome.word if isinstance(outcome, Outcome) else repr(outcome)
