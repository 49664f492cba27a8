"""Service levels of the pipeline: the rules, their configuration, what misses them."""

from __future__ import annotations

import tomllib

import pytest

from evidentia.errors import ConfigError
from evidentia.event.values import JsonObject
from evidentia.packs.pipeline.slo import DEFAULT_RULES, SloRule, rules_from, violations_of

STAGE: JsonObject = {"stage": "normalize", "status": "passed", "duration_ms": 12_000}


def _missed(receipt: JsonObject) -> list[tuple[object, ...]]:
    return [
        (each["metric"], each["target_value"], each["actual_value"], each["severity"])
        for each in violations_of(DEFAULT_RULES, receipt)
    ]


@pytest.mark.parametrize(
    ("receipt", "missed"),
    [
        ({"duration_ms": 15_000, "build": "first"}, []),
        ({"duration_ms": 15_001, "build": "first"}, [("first_build_seconds", 15, 15.001, 1)]),
        ({"duration_ms": 30_000, "build": "first"}, [("first_build_seconds", 15, 30.0, 2)]),
        ({"duration_ms": 15_001}, []),
        ({"duration_ms": 2_000, "build": "incremental"}, []),
        (
            {"duration_ms": 2_500, "build": "incremental"},
            [("incremental_build_seconds", 2, 2.5, 1)],
        ),
        (
            {"duration_ms": 1, "stages": [STAGE], "measurements": {"triples": 2_000}},
            [("rdf_seconds_per_1000_triples", 5, 6.0, 1)],
        ),
        ({"duration_ms": 1, "stages": [STAGE], "measurements": {"triples": 2_400}}, []),
        ({"duration_ms": 1, "stages": [STAGE], "measurements": {"triples": 0}}, []),
        ({"duration_ms": 1, "stages": [STAGE]}, []),
        (
            {"duration_ms": 1, "measurements": {"memory_bytes": 100_000_001}},
            [("memory_megabytes", 100, 100.000001, 1)],
        ),
        ({"duration_ms": 3_000, "operation": "scaffold"}, []),
        ({"duration_ms": 3_300, "operation": "Scaffolding"}, [("scaffolding_seconds", 3, 3.3, 1)]),
        ({"duration_ms": 3_300, "operation": "generation"}, []),
    ],
)
def test_the_upstream_targets_are_kept(
    receipt: JsonObject, missed: list[tuple[str, float, float, int]]
) -> None:
    """At the target is well, above it a warning, from twice on critical; else nothing is said."""
    severities = {1: "warning", 2: "critical"}

    assert _missed(receipt) == [(*each[:3], severities[each[3]]) for each in missed]


def test_a_violation_says_what_was_measured() -> None:
    """The description can be read by itself."""
    (violation,) = violations_of(DEFAULT_RULES, {"duration_ms": 16_500, "build": "first"})

    assert violation["description"] == "a first build: 16.5 where at most 15 is well"


CONFIGURATION = """
[slo.first_build_seconds]
target = 20
[slo.memory_megabytes]
enabled = false
[slo.emit_seconds]
target = 0.5
measure = "μ₃_emit_ms"
divide_by = 1000
operations = ["dry-run", "Watch"]
critical_factor = 10
"""


def test_the_configuration_changes_adds_and_switches_off() -> None:
    """What it does not name stays as upstream has it."""
    rules = {rule.metric: rule for rule in rules_from(tomllib.loads(CONFIGURATION))}

    assert rules["first_build_seconds"].target == 20
    assert rules["first_build_seconds"].build == "first"
    assert "memory_megabytes" not in rules
    assert rules["incremental_build_seconds"] in DEFAULT_RULES
    assert rules["emit_seconds"] == SloRule(
        metric="emit_seconds",
        target=0.5,
        measure="μ₃_emit_ms",
        divide_by=1000,
        operations=("dry_run", "watch"),
        critical_factor=10,
    )


def test_without_settings_the_upstream_rules_hold() -> None:
    """No table, no change."""
    assert rules_from({}) == DEFAULT_RULES


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("slo = 1", "the service levels are no table"),
        ("[slo]\nx = 1", "not understood: Expected `object`, got `int`"),
        ("[slo.x]\ntarget = 'a'", "not understood: Expected `float`, got `str`"),
        ("[slo.x]\ngoal = 1", "not understood: Object contains unknown field `goal`"),
        ("[slo.x]\ntarget = 1", "a new service level needs measure"),
        ("[slo.x]\ndescription = 'a'", "a new service level needs measure and target"),
        ("[slo.first_build_seconds]\ntarget = -1", "target must be 0 or more"),
        ("[slo.first_build_seconds]\ntarget = nan", "target must be 0 or more"),
        ("[slo.first_build_seconds]\ndivide_by = 0", "divide_by must be more than 0"),
        ("[slo.first_build_seconds]\nper_count = 0", "per_count must be more than 0"),
        ("[slo.first_build_seconds]\ncritical_factor = 0.5", "critical_factor must be 1 or more"),
        ("[slo.first_build_seconds]\nbuild = 'last'", "build is 'last', not one of first, incr"),
        ("[slo.'']\ntarget = 1\nmeasure = 'x'", "a metric needs a printable name"),
    ],
)
def test_a_rule_that_is_not_understood_is_named(text: str, problem: str) -> None:
    """A mistake in the configuration is no rule that silently never fails."""
    with pytest.raises(ConfigError) as error:
        rules_from(tomllib.loads(text))

    assert problem in error.value.what
    assert (error.value.where or "").startswith("pack.pipeline.slo")
