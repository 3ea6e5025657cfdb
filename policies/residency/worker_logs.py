"""What Cloudflare logs of a Worker's requests; apart from the rule, because the map does without the packs' library."""

from typing import Any


def keeps_calls(enabled: Any, logs: Any, traces: Any) -> bool:
    """Whether Cloudflare logs callers' addresses and URLs of a Worker with this observability, as declared.

    Where `enabled` is not set, nothing is observed. What is neither true nor false counts as true.
    """
    if enabled is False or (enabled is None and not _is_on(logs) and not _is_on(traces)):
        return False
    logged, traced = logs or {}, traces or {}
    has_calls = logged.get("enabled") is not False and logged.get("invocationLogs") is not False
    return has_calls or _is_on(traced)


def _is_on(part: Any) -> bool:
    return bool(part) and part.get("enabled") not in (None, False)
