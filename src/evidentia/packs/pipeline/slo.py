"""Service levels: rules, and what of a receipt misses them.

A rule compares one number of a receipt with a target. The numbers of a receipt are its
``duration_ms``, its ``measurements``, and for each of its stages ``<stage>_ms``. A receipt without
the numbers of a rule is not judged by it: nothing is said of what was not measured.

The rules are the upstream targets, and what ``[pack.pipeline.slo.METRIC]`` of the configuration
changes or adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import msgspec

from evidentia.errors import ConfigError
from evidentia.event.values import JsonObject, JsonValue
from evidentia.packs.pipeline.kinds import BUILDS
from evidentia.packs.pipeline.vocabulary import STAGE, plain

_PLACE: Final = "pack.pipeline.slo"


@dataclass(frozen=True, slots=True, kw_only=True)
class SloRule:
    """A service level.

    Attributes:
        metric: What a violation is called; its unit comes last.
        target: The largest value that is well.
        measure: The number of a receipt that is looked at.
        divide_by: What turns it into the unit of the target: 1000 for milliseconds to seconds.
        per: Another number of the receipt that the value is for so many of; empty for none.
        per_count: How many of them.
        build: Only for ``first`` or ``incremental`` builds; empty for all receipts.
        operations: Only for receipts that state one of these; empty for all.
        critical_factor: From so many times the target on, a violation is critical.
        description: One phrase for people.
    """

    metric: str
    target: float
    measure: str
    divide_by: float = 1.0
    per: str = ""
    per_count: float = 1.0
    build: str = ""
    operations: tuple[str, ...] = ()
    critical_factor: float = 2.0
    description: str = ""


DEFAULT_RULES: Final = (
    SloRule(
        metric="first_build_seconds",
        target=15.0,
        measure="duration_ms",
        divide_by=1000.0,
        build="first",
        description="a first build",
    ),
    SloRule(
        metric="incremental_build_seconds",
        target=2.0,
        measure="duration_ms",
        divide_by=1000.0,
        build="incremental",
        description="an incremental build",
    ),
    SloRule(
        metric="rdf_seconds_per_1000_triples",
        target=5.0,
        measure="μ₁_normalize_ms",
        divide_by=1000.0,
        per="triples",
        per_count=1000.0,
        description="reading RDF, for each 1,000 triples",
    ),
    SloRule(
        metric="memory_megabytes",
        target=100.0,
        measure="memory_bytes",
        divide_by=1_000_000.0,
        description="memory at the peak",
    ),
    SloRule(
        metric="scaffolding_seconds",
        target=3.0,
        measure="duration_ms",
        divide_by=1000.0,
        operations=("scaffold", "scaffolding"),
        description="scaffolding from end to end",
    ),
)


def violations_of(rules: Sequence[SloRule], receipt: JsonObject) -> tuple[JsonObject, ...]:
    """What a checked receipt misses, in the order of the rules.

    Each is an object as it stands in the receipt's ``slo_violations``.
    """
    numbers = _numbers(receipt)
    found = []
    for rule in rules:
        actual = _value(rule, numbers) if _is_about(rule, receipt) else None
        if actual is not None and rule.target < actual < float("inf"):
            is_critical = actual >= rule.target * rule.critical_factor
            found.append(_violation(rule, actual, "critical" if is_critical else "warning"))
    return tuple(found)


def _violation(rule: SloRule, actual: float, severity: str) -> JsonObject:
    what = f"{rule.description}: " if rule.description else ""
    return {
        "metric": rule.metric,
        "target_value": rule.target,
        "actual_value": actual,
        "severity": severity,
        "description": f"{what}{actual:g} where at most {rule.target:g} is well",
    }


def _numbers(receipt: JsonObject) -> dict[str, float]:
    numbers: dict[str, float] = {}
    stages = receipt.get("stages")
    for stage in stages if isinstance(stages, list) else ():
        if isinstance(stage, dict) and isinstance(name := stage.get("stage"), str):
            word = STAGE.find(name)
            _add(numbers, f"{name if word is None else word.value}_ms", stage.get("duration_ms"))
    measurements = receipt.get("measurements")
    for name, value in measurements.items() if isinstance(measurements, dict) else ():
        _add(numbers, name, value)
    _add(numbers, "duration_ms", receipt.get("duration_ms"))
    return numbers


def _add(numbers: dict[str, float], name: str, value: JsonValue) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        numbers[name] = float(value)


def _is_about(rule: SloRule, receipt: JsonObject) -> bool:
    if rule.build and receipt.get("build") != rule.build:
        return False
    return not rule.operations or plain(str(receipt.get("operation"))) in rule.operations


def _value(rule: SloRule, numbers: Mapping[str, float]) -> float | None:
    """The value that a rule compares; None where the receipt does not have it."""
    if rule.measure not in numbers:
        return None
    value = numbers[rule.measure] / rule.divide_by
    if not rule.per:
        return value
    count = numbers.get(rule.per, 0.0)
    # A value for each of no triples is no value.
    return value / (count / rule.per_count) if count > 0 else None


class _RuleTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a table of the configuration may say; what it leaves out stays as it is."""

    target: float | msgspec.UnsetType = msgspec.UNSET
    measure: str | msgspec.UnsetType = msgspec.UNSET
    divide_by: float | msgspec.UnsetType = msgspec.UNSET
    per: str | msgspec.UnsetType = msgspec.UNSET
    per_count: float | msgspec.UnsetType = msgspec.UNSET
    build: str | msgspec.UnsetType = msgspec.UNSET
    operations: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    critical_factor: float | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    enabled: bool = True


def rules_from(settings: Mapping[str, object]) -> tuple[SloRule, ...]:
    """The rules that the pack's settings leave: the defaults, changed, switched off or added to.

    Args:
        settings: What ``[pack.pipeline]`` says; only ``slo`` is looked at.

    Raises:
        ConfigError: A rule is not understood; the message names it.
    """
    tables = settings.get("slo", {})
    if not isinstance(tables, Mapping):
        raise ConfigError("the service levels are no table", where=_PLACE, fix=_FIX)
    rules = {rule.metric: rule for rule in DEFAULT_RULES}
    for metric, table in tables.items():
        rule = _rule(metric, table, rules.get(metric))
        rules.pop(metric, None)
        if rule is not None:
            rules[metric] = rule
    return tuple(rules.values())


_FIX: Final = "see docs/how-to/record-pipeline-receipts.md"


def _rule(metric: str, table: object, known: SloRule | None) -> SloRule | None:
    """The rule that a table describes; None where it is switched off."""
    where = f"{_PLACE}.{metric}"
    try:
        stated = msgspec.convert(table, _RuleTable)
    except msgspec.ValidationError as error:
        raise ConfigError(f"not understood: {error}", where=where, fix=_FIX) from error
    if not stated.enabled:
        return None
    changes = {
        name: value
        for name, value in msgspec.structs.asdict(stated).items()
        if value is not msgspec.UNSET and name != "enabled"
    }
    missing = {"target", "measure"} - changes.keys() if known is None else set()
    if missing:
        raise ConfigError(
            f"a new service level needs {' and '.join(sorted(missing))}", where=where, fix=_FIX
        )
    start = known or SloRule(metric=metric, target=0.0, measure="")
    rule = msgspec.convert({**asdict(start), **changes}, SloRule)
    for problem in _rule_problems(rule):
        raise ConfigError(problem, where=where, fix=_FIX)
    return replace(rule, operations=tuple(plain(each) for each in rule.operations))


def _rule_problems(rule: SloRule) -> Iterator[str]:
    if not rule.metric.isprintable() or not rule.metric:
        yield "a metric needs a printable name"
    for name in ("divide_by", "per_count"):
        if not 0 < getattr(rule, name) < float("inf"):
            yield f"{name} must be more than 0"
    if not 0 <= rule.target < float("inf"):
        yield "target must be 0 or more"
    if not rule.critical_factor >= 1:
        yield "critical_factor must be 1 or more"
    if rule.build and rule.build not in BUILDS.values:
        yield f"build is {rule.build!r}, not one of {BUILDS}"
