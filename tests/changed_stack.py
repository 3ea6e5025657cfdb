"""The project's own program under other settings."""

from pathlib import Path
from typing import Any

import yaml

from plan.model import Plan
from plan.project import ROOT
from plan.record import record


def record_with(folder: Path, stack: str = "dev", **settings: Any) -> Plan:
    """Records a stack in an empty folder, with changed settings; None takes one out."""
    for path in ("__main__.py", "Pulumi.yaml", "components", "host", "apps"):
        (folder / path).symlink_to(ROOT / path)
    document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    given = {**document["config"], **{f"hybrid:{key}": value for key, value in settings.items()}}
    document["config"] = {key: value for key, value in given.items() if value is not None}
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(document))
    return record(stack, folder)
