"""What the last drill or operation on this stack took; for estimates and for the status."""

import json
from typing import Any

from failover.common.place import Place

# Names end with the moment, as `20261121-120000Z`.
MOMENT_LETTERS = 16


def last_drill(place: Place, via: str | None = None) -> dict[str, Any] | None:
    """The stack's newest drill's evidence, or the newest by this way; None where there is none that can be read."""
    files = place.evidence.glob("failover-drill-*.json")
    for path in sorted(files, key=lambda one: one.stem[-MOMENT_LETTERS:], reverse=True):
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if not isinstance(found, dict) or "started_at" not in found or found.get("stack") != place.stack:
            continue
        if via in (None, found.get("via")):
            return found
    return None


def last_switch_seconds(place: Place) -> float | None:
    """By route, as the last such drill measured it."""
    seconds = (last_drill(place, "route") or {}).get("slowest_switch_seconds")
    return float(seconds) if isinstance(seconds, int | float) else None
