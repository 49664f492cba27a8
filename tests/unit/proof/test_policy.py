"""The policy lattice: the strongest wins, nothing is forgotten, and no decision slips through."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidentia.errors import PolicyError
from evidentia.proof.policy import (
    PARITY_RULE,
    BreakGlass,
    Ceiling,
    Contribution,
    Outcome,
    PolicyDecision,
    ReasonCode,
    ceiling,
    check_decision,
    compose,
    merge,
    require_contributors,
    require_proceeds,
)

GRANTED = BreakGlass(
    scope=("ledger.append",),
    attestation="duty officer, ticket 4711",
    reason_code=ReasonCode.INCIDENT,
    reason="the gate itself is down",
)


def said(rule_id: str, outcome: Outcome, reason: str = "because") -> Contribution:
    """One contribution."""
    return Contribution(rule_id=rule_id, outcome=outcome, reason=reason)


RULES = st.sampled_from(["a.one", "a.two", "b.one", PARITY_RULE])
CONTRIBUTIONS = st.builds(
    said, RULES, st.sampled_from(list(Outcome)), st.sampled_from(["because", "other"])
)
PARTS = st.lists(CONTRIBUTIONS, min_size=1, max_size=8)


def decided(parts: list[Contribution]) -> PolicyDecision:
    """The decision, with the authorization wherever one may be given."""
    is_broken = any(each.outcome is Outcome.BREAK_GLASS for each in parts)
    return compose(parts, GRANTED if is_broken else None)


@given(PARTS)
def test_the_strongest_outcome_wins_and_every_contribution_is_kept(
    parts: list[Contribution],
) -> None:
    """The final outcome is the maximum, and no contribution is lost or stands in both places."""
    decision = decided(parts)

    assert decision.final_outcome == max(each.outcome for each in parts)
    assert {each.outcome for each in decision.contributing} == {decision.final_outcome}
    assert all(each.outcome < decision.final_outcome for each in decision.discarded)
    assert set(decision.parts) == set(parts)


@given(PARTS, st.randoms(use_true_random=False))
def test_composition_does_not_depend_on_order(parts: list[Contribution], random) -> None:
    """Commutative: shuffled contributions make the equal decision."""
    shuffled = list(parts)
    random.shuffle(shuffled)

    assert decided(shuffled) == decided(parts)


@given(PARTS, PARTS, PARTS)
def test_composition_does_not_depend_on_grouping(first, second, third) -> None:
    """Associative: merging decisions in either grouping is composing everything at once."""
    left = merge(merge(decided(first), decided(second)), decided(third))
    right = merge(decided(first), merge(decided(second), decided(third)))

    assert left == right == decided([*first, *second, *third])


@given(PARTS)
def test_composition_is_idempotent(parts: list[Contribution]) -> None:
    """A decision merged with itself, or of contributions given twice, is the equal decision."""
    decision = decided(parts)

    assert decided([*parts, *parts]) == decision
    assert merge(decision, decision) == decision


@given(PARTS, CONTRIBUTIONS)
def test_another_contribution_never_weakens_a_decision(parts, more) -> None:
    """Monotone: asking one rule more gives the same outcome or a stronger one."""
    assert decided([*parts, more]).final_outcome >= decided(parts).final_outcome


def test_the_outcomes_stand_in_the_order_of_the_seed() -> None:
    """Allow < warn < break_glass < quarantine < reject, and the ceiling drops at quarantine."""
    words = [each.word for each in sorted(Outcome)]

    assert words == ["allow", "warn", "break_glass", "quarantine", "reject"]
    assert [ceiling(each) for each in sorted(Outcome)] == [
        Ceiling.AUTHORITY_GRADE,
        Ceiling.AUTHORITY_GRADE,
        Ceiling.AUTHORITY_GRADE,
        Ceiling.DEV_ONLY,
        Ceiling.DEV_ONLY,
    ]
    assert compose([said("a.one", Outcome.REJECT)]).ceiling == "DevOnly"


def test_nothing_to_decide_by_is_refused() -> None:
    """An empty list of contributions is not an allow."""
    with pytest.raises(PolicyError, match="no policy rule contributed"):
        compose([])


@pytest.mark.parametrize("rule_id", ["", "parity", "a..b", ".a", "a.", "A.b", "a b.c", "a.b\n"])
def test_a_rule_without_a_dotted_id_is_refused(rule_id: str) -> None:
    """A contribution says which rule it is of, by a dotted id."""
    with pytest.raises(PolicyError, match="not the id of a policy rule"):
        said(rule_id, Outcome.ALLOW)


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_contribution_without_a_reason_is_refused(reason: str) -> None:
    """An outcome without a reason cannot be acted upon later."""
    with pytest.raises(PolicyError, match="gives no reason"):
        said("a.one", Outcome.ALLOW, reason)


def test_break_glass_without_an_authorization_is_refused() -> None:
    """Glass is not broken unless someone vouches."""
    with pytest.raises(PolicyError, match=r"needs an authorization: a\.one \(because\)"):
        compose([said("a.one", Outcome.BREAK_GLASS)])


def test_an_authorization_that_no_rule_asked_for_is_refused() -> None:
    """An idle authorization is a mistake of the caller, not something to carry along."""
    with pytest.raises(PolicyError, match="no rule asked"):
        compose([said("a.one", Outcome.WARN)], GRANTED)


def test_an_authorization_does_not_lift_a_stronger_outcome() -> None:
    """Beside a reject the authorization is kept in the decision, and the append stays blocked."""
    parts = [said("a.one", Outcome.BREAK_GLASS), said("b.one", Outcome.REJECT, "keys revoked")]

    decision = compose(parts, GRANTED)

    assert decision.break_glass is GRANTED
    with pytest.raises(PolicyError, match=r"outcome reject blocks .*: b\.one \(keys revoked\)"):
        require_proceeds(decision, "ledger.append")


@pytest.mark.parametrize(
    ("scope", "is_covered"),
    [
        (("ledger.append",), True),
        (("ledger",), True),
        (("mirror.append", "ledger"), True),
        (("ledger.app",), False),
        (("ledger.append.batch",), False),
        (("mirror.append",), False),
    ],
)
def test_an_authorization_goes_as_far_as_its_scope(scope, is_covered) -> None:
    """A surface is covered by its own name or by the beginning of it at a dot."""
    decision = compose([said("a.one", Outcome.BREAK_GLASS)], replace(GRANTED, scope=scope))

    if is_covered:
        require_proceeds(decision, "ledger.append")
    else:
        with pytest.raises(PolicyError, match=r"not ledger\.append"):
            require_proceeds(decision, "ledger.append")


@pytest.mark.parametrize(
    "change",
    [
        {"scope": ()},
        {"scope": ("",)},
        {"scope": "ledger"},
        {"scope": ("*",)},
        {"attestation": " "},
        {"reason": ""},
    ],
)
def test_an_authorization_needs_scope_attestation_and_reason(change) -> None:
    """What would authorize everything, or is vouched for by nobody, is refused."""
    with pytest.raises(PolicyError):
        replace(GRANTED, **change)


@pytest.mark.parametrize("outcome", [Outcome.ALLOW, Outcome.WARN])
def test_allow_and_warn_proceed(outcome: Outcome) -> None:
    """Neither blocks an append through any surface."""
    require_proceeds(compose([said("a.one", outcome)]), "ledger.append")


@pytest.mark.parametrize("outcome", [Outcome.QUARANTINE, Outcome.REJECT])
def test_quarantine_and_reject_block(outcome: Outcome) -> None:
    """The refusal names surface, outcome, rule and reason."""
    decision = compose([said("a.one", outcome, "drift seen"), said("b.one", Outcome.ALLOW)])

    with pytest.raises(
        PolicyError, match=rf"{outcome.word} blocks mirror\.append: a\.one \(drift seen\)"
    ):
        require_proceeds(decision, "mirror.append")


def test_a_required_rule_may_be_decisive_or_discarded() -> None:
    """A rule that was heard is present, whichever way the decision went."""
    decision = compose([said(PARITY_RULE, Outcome.ALLOW), said("a.one", Outcome.WARN)])

    require_contributors(decision, [PARITY_RULE, "a.one"])


def test_a_rule_that_was_skipped_is_named() -> None:
    """A missing contributor refuses the append, by its id."""
    decision = compose([said("a.one", Outcome.ALLOW)])

    with pytest.raises(PolicyError, match=rf"lacks the required contributor {PARITY_RULE}"):
        require_contributors(decision, ["a.one", PARITY_RULE])


HONEST = compose([said("a.one", Outcome.REJECT), said(PARITY_RULE, Outcome.ALLOW)])
BROKEN = compose([said("a.one", Outcome.BREAK_GLASS)], GRANTED)
BY_HAND = [
    replace(HONEST, final_outcome=Outcome.ALLOW),
    replace(HONEST, contributing=HONEST.discarded, discarded=HONEST.contributing),
    replace(HONEST, contributing=HONEST.parts, discarded=()),
    replace(HONEST, contributing=(), discarded=()),
    replace(HONEST, final_outcome="allow"),
    replace(HONEST, break_glass=GRANTED),
    replace(BROKEN, break_glass=None),
    replace(BROKEN, final_outcome=Outcome.WARN),
]


@pytest.mark.parametrize("decision", BY_HAND)
def test_a_decision_made_by_hand_does_not_slip_through(decision: PolicyDecision) -> None:
    """What is not the composition of its own parts is refused wherever a decision is used."""
    with pytest.raises(PolicyError):
        check_decision(decision)
    with pytest.raises(PolicyError):
        require_contributors(decision, [])
    with pytest.raises(PolicyError):
        require_proceeds(decision, "ledger.append")


def test_two_authorizations_do_not_merge() -> None:
    """Which of two people vouched must stay clear."""
    other = replace(BROKEN, break_glass=replace(GRANTED, attestation="somebody else"))

    with pytest.raises(PolicyError, match="do not merge"):
        merge(BROKEN, other)
