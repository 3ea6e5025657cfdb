"""A plan from what the engine would do: the file that `pulumi preview --json --show-sames` writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plan import engine_file
from plan.errors import PlanError
from plan.model import STACK_TYPE, Plan

COMMAND = "`pulumi preview --json --show-sames --stack STACK`"
ALLOWED = f"what {COMMAND} wrote"
# Of a replacement the step that makes the new resource is the one that counts.
_ENDING = frozenset(
    {"delete", "delete-replaced", "discard", "discard-replaced", "read-discard", "remove-pending-replace"}
)

_REPLACING = frozenset({"replace", "create-replacement", "import-replacement", "read-replacement"})


def read(path: Path) -> Plan:
    """The stack as it would be. Raises PlanError, also for a preview that failed or does not show everything."""
    document = _document(path)
    with engine_file.reading(path):
        _require_all(path, document)
        states = {
            step["urn"]: step["newState"]
            for step in document["steps"]
            if step["op"] not in _ENDING and step.get("newState")
        }
        return engine_file.plan(str(path), states, document.get("config") or {}, is_deployed=False)


def read_previous(path: Path) -> Plan | None:
    """The stack as it was before; None where there was none. Raises PlanError."""
    document = _document(path)
    states: dict[str, Mapping[str, Any]] = {}
    with engine_file.reading(path):
        for step in document["steps"]:
            old = step.get("oldState") or {}
            # The engine marks what it will replace as to be deleted; so it does what was left over from another time.
            if old and (step["op"] in _REPLACING or not old.get("delete")):
                states.setdefault(step["urn"], old)
        # A stack that was never up has no more than itself.
        if all(state["type"] == STACK_TYPE for state in states.values()):
            return None
        return engine_file.plan(str(path), states, {}, is_deployed=True)


def _document(path: Path) -> dict[str, Any]:
    document = engine_file.document(
        path,
        lambda found: isinstance(found.get("steps"), list) and isinstance(found.get("changeSummary"), dict),
        ALLOWED,
    )
    if any(found.get("severity") == "error" for found in document.get("diagnostics") or ()):
        raise PlanError(f"{path}: is a preview that failed, so it does not show everything; mend the program first")
    return document


def _require_all(path: Path, document: Mapping[str, Any]) -> None:
    """Without --show-sames what stays as it is would not be judged, and nobody would see it."""
    counted = document["changeSummary"].get("same", 0)
    shown = sum(step["op"] == "same" for step in document["steps"])
    if shown < counted:
        raise PlanError(
            f"{path}: shows {shown} of the {counted} resources that stay as they are; make it with {COMMAND}"
        )
