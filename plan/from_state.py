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
        for state in _states(document["deployment"]):
            states.setdefault(state["urn"], state)
        return engine_file.plan(str(path), states, {}, is_deployed=True)


def _states(deployment: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The living first, then what waits for its deletion or was under way at an interruption: it may still be there."""
    resources = deployment.get("resources") or []
    yield from (state for state in resources if not state.get("delete"))
    yield from (state for state in resources if state.get("delete"))
    yield from (operation["resource"] for operation in deployment.get("pending_operations") or ())
