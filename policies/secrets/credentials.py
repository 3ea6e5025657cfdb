"""Where keys and passwords come from, and where they are kept."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import ResourceValidationArgs, Severity

from components.resource_types import tokens
from policies.rules.networks import admit_strangers
from policies.rules.reading import known
from policies.rules.rule import Rule
from policies.scan import scanner

ONE_ZONE = re.compile(r"com\.cloudflare\.api\.account\.zone\.[0-9a-f]{32}")
# Resources that make a credential that nobody renews; the state keeps it.
MADE = {
    "aws:iam/accessKey:AccessKey": "This access key never expires, and its secret half would stand in the state.",
    tokens.SERVICE_CREDENTIAL: "This credential would stand in the state.",
    tokens.LOGIN_PROFILE: "This person's password would stand in the state.",
    "aws:lightsail/bucketAccessKey:BucketAccessKey": "This access key never expires, and would stand in the state.",
    tokens.ACCOUNT_TOKEN: "This token would stand in the state, and is not bound to networks, zones and an end.",
    tokens.API_TOKEN: "This token would stand in the state.",
}
KEY_PAIRS = ("aws:lightsail/keyPair:KeyPair", "aws:ec2/keyPair:KeyPair")
BYTES = "random:index/randomBytes:RandomBytes"
RANDOM_IN_THE_CLEAR = (
    "random:index/randomId:RandomId",
    "random:index/randomString:RandomString",
    "random:index/randomUuid:RandomUuid",
    "random:index/randomPet:RandomPet",
    "random:index/randomInteger:RandomInteger",
)


def _key_pair_is_given(args: ResourceValidationArgs) -> Iterator[str]:
    if not args.props.get("publicKey"):
        yield "This key pair is generated, so its private half would stand in the state."


def _parameter_is_secure(args: ResourceValidationArgs) -> Iterator[str]:
    if args.props.get("type") == "SecureString":
        return
    called = [args.props.get("name") or "", args.name]
    value = known(args.props, "value") or known(args.props, "insecureValue")
    if any(
        scanner.is_secret(name, value) if isinstance(value, str) else scanner.is_secret_name(name) for name in called
    ):
        yield "This parameter is called like a secret and is not encrypted."


def _credential_is_made_elsewhere(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type != tokens.ACCOUNT_TOKEN or not _is_bound(args.props):
        yield MADE[args.resource_type]


def _is_bound(props: Mapping[str, Any]) -> bool:
    """Whether a token is of use to nobody elsewhere: from some networks, for single zones, for a time."""
    networks = ((props.get("condition") or {}).get("requestIp") or {}).get("ins") or ()
    reached = [name for policy in props.get("policies") or () for name in _resources(policy.get("resources"))]
    is_narrow = bool(reached) and all(ONE_ZONE.fullmatch(name) for name in reached)
    is_near = bool(networks) and not admit_strangers(str(network) for network in networks)
    return is_near and is_narrow and bool(props.get("expiresOn"))


def _resources(resources: object) -> Iterator[str]:
    """What a policy is about, from JSON in a text; nothing narrow where it can't be read."""
    try:
        found = json.loads(resources) if isinstance(resources, str) else None
    except ValueError:
        found = None
    yield from found if isinstance(found, dict) else ("*",)


def _secret_is_a_password(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type == BYTES:
        yield "The ID of RandomBytes is the value itself, in the clear in the state."
    elif scanner.is_secret_name(args.name):
        yield "This is called like a secret, and its value is not kept secret."


RULES = (
    Rule(
        name="key-pairs-are-given",
        description="SSH key pairs are made elsewhere; only the public half is declared.",
        reason="A key pair without a public key is generated, and the state keeps its private half (FACTS B4).",
        severity=Severity.HIGH,
        remediation="Set publicKey.",
        check=_key_pair_is_given,
        types=KEY_PAIRS,
    ),
    Rule(
        name="secret-parameters-are-encrypted",
        description="An SSM parameter that is called like a secret is a SecureString.",
        reason="A String parameter is shown in the console and kept without a key (AWS, Parameter Store).",
        severity=Severity.HIGH,
        remediation="Set its type to SecureString.",
        check=_parameter_is_secure,
        types=(tokens.PARAMETER,),
    ),
    Rule(
        name="access-keys-are-made-elsewhere",
        description="No static access key or login is declared; a token only for some networks, zones and a time.",
        reason="What a resource makes stands in the state as long as the resource does, and nothing renews it.",
        severity=Severity.HIGH,
        remediation="Let a role be assumed; where only a key will do, make it by hand, or bind it as Failover does.",
        check=_credential_is_made_elsewhere,
        types=tuple(MADE),
    ),
    Rule(
        name="secrets-are-generated-as-passwords",
        description="Random secrets are RandomPassword: of the others the state shows the value.",
        reason=(
            "The ID of RandomBytes is its value in base64, and RandomId and RandomString are not secret at all; a "
            "RandomPassword's ID says nothing (seen on the engine, FACTS I)."
        ),
        severity=Severity.CRITICAL,
        remediation="Use RandomPassword.",
        check=_secret_is_a_password,
        types=(BYTES, *RANDOM_IN_THE_CLEAR),
    ),
)
