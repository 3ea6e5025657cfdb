"""What the last drill or operation on this stack took; for estimates and for the status."""

import json
from pathlib import Path
from typing import Any


def last_drill(folder: Path, via: str | None = None) -> dict[str, Any] | None:
    """The newest drill's evidence, or the newest by this way; None where there is none that can be read."""
    for path in sorted(folder.glob("failover-drill-*.json"), reverse=True):
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(found, dict) and "started_at" in found and via in (None, found.get("via")):
            return found
    return None


def last_switch_seconds(folder: Path) -> float | None:
    """By route, as the last such drill measured it."""
    seconds = (last_drill(folder, "route") or {}).get("slowest_switch_seconds")
    return float(seconds) if isinstance(seconds, int | float) else None
