"""Inputs made for secrets, and whether the program gives them as secrets.

Packs can't judge this: they get secrets decrypted and unmarked. The recorded plan has the marks.
"""

from collections.abc import Iterator
from typing import Any

from plan.model import Plan, Resource, Secret

RULE = "sensitive-inputs-are-secret"
INPUTS: dict[str, tuple[str, ...]] = {
    "cloudflare:index/hyperdriveConfig:HyperdriveConfig": ("origin.password", "origin.accessClientSecret"),
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": ("tunnelSecret",),
}


def in_the_clear(plan: Plan) -> Iterator[tuple[Resource, str]]:
    """Each resource with a sensitive input that is not a secret output, and the input's path."""
    for resource in plan.resources:
        for path in INPUTS.get(resource.type, ()):
            if not _is_secret(resource.inputs, path.split(".")):
                yield resource, path


def _is_secret(value: Any, steps: list[str]) -> bool:
    """An input that is left out is nobody's secret."""
    if isinstance(value, Secret) or value is None:
        return True
    return bool(steps) and isinstance(value, dict) and _is_secret(value.get(steps[0]), steps[1:])
