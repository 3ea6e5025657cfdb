"""A plan from what is deployed: the file that `pulumi stack export` writes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plan import engine_file
from plan.errors import PlanError
from plan.model import Plan

ALLOWED = "what `pulumi stack export --stack STACK` wrote"
VERSIONS = (3, 4)


def read(path: Path) -> Plan:
    """All that the state knows, default providers too. Settings are not in it. Raises PlanError."""
    document = engine_file.document(path, lambda found: isinstance(found.get("deployment"), dict), ALLOWED)
    if document.get("version") not in VERSIONS:
        raise PlanError(f"{path}: is a state of another version; allowed: {', '.join(map(str, VERSIONS))}")
    states: dict[str, Mapping[str, Any]] = {}
    with engine_file.reading(path):
        for state, why in _states(document["deployment"]):
            urn, number = state["urn"], 1
            while urn in states:
                # What has the name already is the one that lives.
                urn, number = f"{state['urn']} ({why}{f' {number}' if number > 1 else ''})", number + 1
            states[urn] = state
        return engine_file.plan(str(path), states, {}, is_deployed=True)


def _states(deployment: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The living first, then what may still be there, and why."""
    resources = deployment.get("resources") or []
    yield from ((state, "again") for state in resources if not state.get("delete"))
    yield from ((state, "to be deleted") for state in resources if state.get("delete"))
    yield from ((operation["resource"], "under way") for operation in deployment.get("pending_operations") or ())
