"""Whether the stand-by stays for as long as somebody may have to go back to it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from pulumi_policy import PolicyResource, Severity, StackValidationArgs

from policies.rule import Rule, StackRule
from policies.safety.failover import COMPONENT, RECORDS, ROUTE
from policies.safety.reading import each, is_prod, of_type, parents, value


def _standby_is_kept(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    today = datetime.now(UTC).date()

    def check(component: PolicyResource) -> Iterator[str]:
        until = _date(value(component.props, "keepUntil"))
        if until is None:
            yield "This host does not say until which day its stand-by has to stay."
        elif today <= until and is_prod(component.urn):
            way_back = [found for found in of_type(args.resources, *RECORDS, ROUTE) if component in parents(found)]
            if not all(found.opts.protect for found in way_back):
                yield "The engine would delete this host's way back before its day."

    yield from each(of_type(args.resources, COMPONENT), check)


def _date(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="standby-is-kept-until-its-day",
        description="A host says until when its stand-by stays; till then the engine refuses to take it away.",
        reason=(
            "In the first weeks after a cut-over the stand-by is the only way out of a fault that nobody foresaw. What "
            "is protected the engine does not delete, and the gate refuses to see it go (protected-data-is-kept)."
        ),
        severity=Severity.CRITICAL,
        remediation="Set standbyKeepUntil to 30 days after the cut-over or later, and leave protectData on.",
        check=_standby_is_kept,
    ),
)
