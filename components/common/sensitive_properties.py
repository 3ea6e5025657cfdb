"""Where resources take and give out secrets: one table for the program, the packs and the gate.

A place is a property path by its names on the wire. `*` stands for every key or index, and `?kind=text` goes on
only where the part reached so far has a `kind` of that text, or of one that is not known.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from components.common.provider_secrets import PROVIDER_SECRETS

PARAMETER = "aws:ssm/parameter:Parameter"
WORKER_VERSION = "cloudflare:index/workerVersion:WorkerVersion"

_BINDINGS = (
    "bindings.*.?type=secret_text.text",
    "bindings.*.?type=secret_key.keyBase64",
    "bindings.*.?type=secret_key.keyJwk",
)
_SCIM = tuple(f"scimConfig.authentication.{name}" for name in ("password", "token", "clientSecret"))
_APPLICATION = ("saasApp.clientSecret", *_SCIM)
# What no SDK marks: nested values, and values that are secret only here. Providers mark some of them in the engine,
# too late for whoever reads the plan (FACTS B4: user data and Lambda's environment they never mark).
NESTED_INPUTS: dict[str, tuple[str, ...]] = {
    "aws:cloudwatch/eventConnection:EventConnection": (
        "authParameters.apiKey.value",
        "authParameters.basic.password",
        "authParameters.oauth.clientParameters.clientSecret",
    ),
    # It holds the activation's code, which registers one machine.
    "aws:lightsail/instance:Instance": ("userData",),
    # The SDK marks all of them; only these hold a secret.
    PARAMETER: ("?type=SecureString.value", "?type=SecureString.valueWo"),
    "cloudflare:index/accessApplication:AccessApplication": _APPLICATION,
    "cloudflare:index/accessIdentityProvider:AccessIdentityProvider": ("config.clientSecret",),
    "cloudflare:index/hyperdriveConfig:HyperdriveConfig": ("origin.password", "origin.accessClientSecret"),
    "cloudflare:index/pagesProject:PagesProject": (
        "deploymentConfigs.*.envVars.*.?type=secret_text.value",
        "deploymentConfigs.*.environmentVariables.*.?type=secret_text.value",
    ),
    "cloudflare:index/r2BucketSippy:R2BucketSippy": (
        "destination.secretAccessKey",
        "source.secretAccessKey",
        "source.privateKey",
    ),
    "cloudflare:index/workerScript:WorkerScript": _BINDINGS,
    "cloudflare:index/workerSecret:WorkerSecret": ("secretText",),
    "cloudflare:index/workersSecret:WorkersSecret": ("secretText",),
    WORKER_VERSION: _BINDINGS,
    "cloudflare:index/workersScript:WorkersScript": _BINDINGS,
    "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication": _APPLICATION,
    "cloudflare:index/zeroTrustAccessIdentityProvider:ZeroTrustAccessIdentityProvider": ("config.clientSecret",),
    "pulumi:providers:vercel": ("apiToken",),
    "vercel:index/project:Project": ("environments.*.value",),
    "vercel:index/projectEnvironmentVariable:ProjectEnvironmentVariable": ("value",),
    "vercel:index/sharedEnvironmentVariable:SharedEnvironmentVariable": ("value",),
}
# What an SDK does not mark, or not under the name that the program reads.
NESTED_OUTPUTS: dict[str, tuple[str, ...]] = {"aws:ssm/activation:Activation": ("activationCode",)}


def places(type_token: str) -> tuple[str, ...]:
    """Places where this type takes secrets, with their `*` and `?`."""
    if type_token == PARAMETER:
        return NESTED_INPUTS[PARAMETER]
    marked, _ = PROVIDER_SECRETS.get(type_token, ((), ()))
    return (*marked, *NESTED_INPUTS.get(type_token, ()))


def outputs(type_token: str) -> tuple[str, ...]:
    """Outputs of this type that are secrets; inputs among them, because the engine gives them back."""
    marked, made = PROVIDER_SECRETS.get(type_token, ((), ()))
    return (*marked, *made, *NESTED_OUTPUTS.get(type_token, ()))


def reached(value: Any, place: str, is_closed: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
    """Path and value of each part of the value that the place names.

    A part that `is_closed` ends the way: what lies in it can't be seen, and it stands for all of it.
    """
    return _reached(value, place.split("."), "", is_closed)


def _reached(value: Any, steps: list[str], path: str, is_closed: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
    if not steps or is_closed(value):
        if value is not None:
            yield path, value
        return
    step, rest = steps[0], steps[1:]
    if step.startswith("?"):
        name, _, text = step[1:].partition("=")
        # Unknown or secret is taken for a match: the safe way round.
        if isinstance(value, Mapping) and ((kind := value.get(name)) == text or is_closed(kind)):
            yield from _reached(value, rest, path, is_closed)
        return
    for key, part in _parts(value, step):
        below = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip(".")
        yield from _reached(part, rest, below, is_closed)


def _parts(value: Any, step: str) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        for name in value:
            if step in ("*", name):
                yield str(name), value[name]
    elif isinstance(value, Sequence) and not isinstance(value, str) and step == "*":
        for index in range(len(value)):
            yield index, value[index]
