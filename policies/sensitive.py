"""Places made for secrets, and whether the program gives them, and only them, what is secret.

Packs can't judge this: they get secrets decrypted and unmarked. The recorded plan has the marks.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from plan.model import Computed, Plan, Resource, Secret
from policies import patterns

INPUTS_RULE = "sensitive-inputs-are-secret"
EXPORTS_RULE = "exports-hold-no-secret"
RULES = (INPUTS_RULE, EXPORTS_RULE)

WORKER_VERSION = "cloudflare:index/workerVersion:WorkerVersion"
PARAMETER = "aws:ssm/parameter:Parameter"
INPUTS: dict[str, tuple[str, ...]] = {
    "cloudflare:index/hyperdriveConfig:HyperdriveConfig": ("origin.password", "origin.accessClientSecret"),
    "cloudflare:index/mtlsCertificate:MtlsCertificate": ("privateKey",),
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": ("tunnelSecret",),
    # It holds the activation's code, which registers one machine.
    "aws:lightsail/instance:Instance": ("userData",),
    "tls:index/certRequest:CertRequest": ("privateKeyPem",),
    "tls:index/locallySignedCert:LocallySignedCert": ("caPrivateKeyPem",),
    "tls:index/selfSignedCert:SelfSignedCert": ("privateKeyPem",),
}
OUTPUTS: dict[str, tuple[str, ...]] = {
    "random:index/randomPassword:RandomPassword": ("result", "bcryptHash"),
    "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken": ("clientSecret",),
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": ("tunnelSecret",),
    "aws:iam/accessKey:AccessKey": ("secret", "sesSmtpPasswordV4"),
    "aws:lightsail/keyPair:KeyPair": ("privateKey",),
    "aws:ssm/activation:Activation": ("activationCode",),
    "tls:index/privateKey:PrivateKey": ("privateKeyOpenssh", "privateKeyPem", "privateKeyPemPkcs8"),
}


def paths(type_token: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """Where this resource takes secrets; `inputs` without marks, or with them."""
    if type_token == PARAMETER:
        return ("value",) if inputs.get("type") == "SecureString" else ()
    if type_token == WORKER_VERSION:
        bindings = inputs.get("bindings") or []
        # A list that is secret as a whole is one place.
        kinds = [] if isinstance(bindings, Secret | Computed) else [binding["type"] for binding in bindings]
        return tuple(f"bindings[{index}].text" for index, kind in enumerate(kinds) if kind == "secret_text")
    return INPUTS.get(type_token, ())


def in_the_clear(plan: Plan) -> Iterator[tuple[Resource, str]]:
    """Each resource with a sensitive input that is not a secret output, and the input's path."""
    for resource in plan.resources:
        for path in paths(resource.type, resource.inputs):
            if not _is_secret(resource.inputs, path.replace("[", ".").replace("]", "").split(".")):
                yield resource, path


def _is_secret(value: Any, steps: list[str]) -> bool:
    """An input that is left out is nobody's secret."""
    if isinstance(value, Secret) or value is None:
        return True
    if not steps:
        return False
    if isinstance(value, list):
        return _is_secret(value[int(steps[0])], steps[1:])
    return isinstance(value, dict) and _is_secret(value.get(steps[0]), steps[1:])


def exported(plan: Plan) -> Iterator[tuple[str, str]]:
    """Name of each export that is not secret and holds a secret all the same, and what it holds."""
    for name, value in sorted(plan.outputs.items()):
        for what in sorted(set(_held(plan, value))):
            yield name, what


def _held(plan: Plan, value: Any) -> Iterator[str]:
    match value:
        case str():
            yield from patterns.found(value)
        case Computed():
            for urn, output in value.references:
                resource = plan.by_urn.get(urn)
                if resource and output in OUTPUTS.get(resource.type, ()):
                    yield f"{resource.name}'s {output}"
        case dict():
            for item in value.values():
                yield from _held(plan, item)
        case list():
            for item in value:
                yield from _held(plan, item)
