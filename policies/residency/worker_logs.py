"""What Cloudflare keeps of a Worker's calls, for the rule and for the map alike."""

from typing import Any


def keeps_calls(enabled: Any, logs: Any, traces: Any) -> bool:
    """Whether Cloudflare keeps callers' addresses and URLs of a Worker that is observed so; as declared.

    Without a word on the whole nothing is observed. What is neither true nor false is taken for true.
    """
    if enabled is False or (enabled is None and not _is_on(logs) and not _is_on(traces)):
        return False
    logged, traced = logs or {}, traces or {}
    has_calls = logged.get("enabled") is not False and logged.get("invocationLogs") is not False
    return has_calls or _is_on(traced)


def _is_on(part: Any) -> bool:
    return bool(part) and part.get("enabled") not in (None, False)
