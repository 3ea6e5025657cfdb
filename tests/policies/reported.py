"""What other policy tools and secret scanners were told that they get wrong, as inputs for the gate."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.policies.changes import Change, plus

ACCOUNT, REGION = "111111111111", "ca-central-1"
BUCKET_ARN = f"arn:aws:s3:::automatonicai-dev-documents-{ACCOUNT}"
HOST = "hybrid:postgres:PostgresHost"


@dataclass(frozen=True)
class Report:
    """An input of the kind that was reported, and what is right."""

    fed: str
    change: Change
    breaks: str = ""
    """All rules that it breaks, with spaces between."""
    part: str = ""
    """The component that it changes, by its type; of the rest of the stack only the providers stay."""


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def rights(fed: str, *statements: Mapping[str, Any], breaks: str = "") -> Report:
    """A policy of what somebody may do."""
    change = plus("aws:iam/policy:Policy", "more", name="more", policy=document(*statements))
    return Report(fed, change, breaks)
