"""What the last drill or operation on this stack took; for estimates and for the status."""

import json
from pathlib import Path
from typing import Any


def last_drill(folder: Path) -> dict[str, Any] | None:
    """The newest drill's evidence; None where there is none, or none that can be read."""
    for path in sorted(folder.glob("failover-drill-*.json"), reverse=True):
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(found, dict) and "started_at" in found:
            return found
    return None


def last_switch_seconds(folder: Path) -> float | None:
    """By route, as the last drill measured it."""
    found = last_drill(folder) or {}
    seconds = found.get("slowest_switch_seconds")
    return float(seconds) if isinstance(seconds, int | float) and found.get("via") == "route" else None
