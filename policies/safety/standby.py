"""Whether the stand-by stays for as long as somebody may have to go back to it."""

import re
from collections.abc import Iterator
from datetime import date

from pulumi_policy import PolicyResource, Severity, StackValidationArgs

from policies import exemptions
from policies.rule import Rule, StackRule
from policies.safety.failover import COMPONENT, ROUTE, pages_records, standbys
from policies.safety.reading import each, is_prod, of_type, parents, value

# As components/edge/failover_host.py writes it.
UNTIL = re.compile(r"\buntil (\d{4}-\d{2}-\d{2})\b")


def _standby_is_kept(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    today = exemptions.current_day()

    def check(record: PolicyResource) -> Iterator[str]:
        until = _day(value(record.props, "comment"))
        if until is None:
            yield "This stand-by's record does not say in its comment until which day it has to stay."
        elif today <= until and is_prod(record.urn):
            component = next((found for found in parents(record) if found.resource_type == COMPONENT), None)
            routes = [found for found in of_type(args.resources, ROUTE) if component and component in parents(found)]
            if not all(found.opts.protect for found in (record, *routes)):
                yield "The engine would delete this host's way back before its day."

    yield from each([*standbys(args), *pages_records(args)], check)


def _day(comment: object) -> date | None:
    found = UNTIL.search(str(comment))
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="standby-is-kept-until-its-day",
        description="A stand-by's record says until when it stays; till then the engine refuses to take it away.",
        reason=(
            "In the first weeks after a cut-over the stand-by is the only way out of a fault that nobody foresaw. What "
            "is protected the engine does not delete, and the gate refuses to see it go (protected-data-is-kept)."
        ),
        severity=Severity.CRITICAL,
        remediation="Set standbyKeepUntil to 30 days after the cut-over or later, and leave protectData on.",
        check=_standby_is_kept,
    ),
)
