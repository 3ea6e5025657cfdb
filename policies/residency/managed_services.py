"""Services outside of AWS that are in Canada by a declared region, which their host names do not show."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs, Severity
from pulumi_policy.proxy import UnknownValueError

from components.resource_types.table import RESOURCE_TYPES, of
from policies.rules.rule import Rule

JUDGED = tuple(token for token, row in RESOURCE_TYPES.items() if row.canadian)


def _is_in_canada(args: ResourceValidationArgs) -> Iterator[str]:
    yield from _faults(args.resource_type, args.props)


def _faults(type_token: str, props: Mapping[str, Any]) -> Iterator[str]:
    """Raises UnknownValueError for a region that is not known yet."""
    allowed = of(type_token).canadian
    said = [(path, value) for path in allowed for value in _values(props, path.split("."))]
    for path, value in said:
        if not any(_fits(value, one) for one in allowed[path]):
            yield f"Property {path} names a place that is not Canadian; allowed: {', '.join(allowed[path])}."
    # A global database is where its other regions are.
    if not [value for _, value in said if value != "global"]:
        yield f"This does not say where it is; {', '.join(allowed)} would."


def _values(values: Any, steps: list[str]) -> Iterator[str]:
    if not steps:
        yield str(values)
        return
    first, *rest = steps
    if first == "0":
        for index in range(len(values)):
            yield from _values(values[index], rest)
    elif isinstance(values, Mapping) and values.get(first) is not None:
        yield from _values(values[first], rest)


def _fits(value: str, allowed: str) -> bool:
    return value.endswith(allowed[1:]) if allowed.startswith("*") else value == allowed


def canadian(resources: Iterable[PolicyResource]) -> frozenset[str]:
    """Packages, such as `upstash`, of which the stack declares something, all of it in Canada."""
    found: dict[str, bool] = {}
    for resource in resources:
        if resource.resource_type in JUDGED:
            package = resource.resource_type.removeprefix("pulumi:providers:").partition(":")[0]
            found[package] = found.get(package, True) and _is_canadian(resource)
    return frozenset(package for package, is_in_canada in found.items() if is_in_canada)


def _is_canadian(resource: PolicyResource) -> bool:
    try:
        return not any(_faults(resource.resource_type, resource.props))
    except UnknownValueError:
        return False


RULES: tuple[Rule, ...] = (
    Rule(
        name="managed-services-are-in-canada",
        description="A service whose host names show no region is declared in a Canadian one.",
        reason=(
            "Atlas, Upstash and others serve all regions under one domain, so a connection string does not say where "
            "its data are; the property that the service was made with does (MongoDB Atlas, Cloud Providers)."
        ),
        severity=Severity.CRITICAL,
        remediation="Set its region to Montreal's; a service keeps the one that it was made with.",
        types=JUDGED,
        check=_is_in_canada,
    ),
)
