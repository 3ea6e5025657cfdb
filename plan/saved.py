"""A plan from a file, whoever wrote it: this program, or Pulumi's engine as a preview or a state."""

import json
from pathlib import Path

from plan import codec, from_preview, from_state
from plan.model import Plan


def read(path: Path) -> Plan:
    """Raises PlanError."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        # Whoever reads plans knows how to say it.
        return codec.read(path)
    keys = set(document) if isinstance(document, dict) else set()
    if "deployment" in keys:
        return from_state.read(path)
    if "steps" in keys:
        return from_preview.read(path)
    return codec.read(path)
