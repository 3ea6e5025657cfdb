"""The rules of secrets."""

import re
from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs, Severity, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from policies import sensitive
from policies.patterns import SECRET_NAME, found
from policies.rule import Rule, StackRule, texts

ACTIVATION = "aws:ssm/activation:Activation"
INSTANCE = "aws:lightsail/instance:Instance"


def _user_data_is_clean(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type != INSTANCE:
        return
    try:
        text = args.props.get("userData") or ""
    except UnknownValueError:
        # The next rule says what it may be made of; once it is made, and before the instance is, it is read here.
        return
    assigned = re.compile(rf"{SECRET_NAME.pattern}\w*\s*[=:]\s*\S", re.IGNORECASE)
    if assigned.search(text) or any(found(text)):
        yield "This instance's user data sets something that is called, or looks like, a secret."


def _user_data_registers_only(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    for resource in args.resources:
        sources = resource.property_dependencies.get("userData", []) if resource.resource_type == INSTANCE else []
        for source in sources:
            if source.resource_type != ACTIVATION:
                yield "This instance's user data is made of something that outlives its first start.", resource.urn
            elif source.props.get("registrationLimit", 1) != 1:
                yield "The activation in this instance's user data registers more than one machine.", resource.urn


def _bindings_are_clean(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type != "cloudflare:index/workerVersion:WorkerVersion":
        return
    for index, binding in enumerate(args.props.get("bindings") or []):
        if binding["type"] in ("plain_text", "json") and SECRET_NAME.search(binding["name"]):
            yield f"Binding {index} of this Worker is called like a secret and is plain text."


def _inputs_are_clean(args: ResourceValidationArgs) -> Iterator[str]:
    allowed = sensitive.paths(args.resource_type, args.props)
    for path, text in texts(args.props):
        for what in found(text) if path not in allowed else ():
            yield f"Property {path} holds {what}."


def _key_pair_is_given(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type == "aws:lightsail/keyPair:KeyPair" and not args.props.get("publicKey"):
        yield "This key pair is generated, so its private half would stand in the state."


def _parameter_is_secure(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type != sensitive.PARAMETER or args.props.get("type") == "SecureString":
        return
    if SECRET_NAME.search(args.props.get("name") or "") or SECRET_NAME.search(args.name):
        yield "This parameter is called like a secret and is not encrypted."


def _access_key_is_made_elsewhere(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type == "aws:iam/accessKey:AccessKey":
        yield "This access key never expires, and its secret half would stand in the state."


def _secret_is_a_password(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type == "random:index/randomBytes:RandomBytes":
        yield "The ID of RandomBytes is the value itself, in the clear in the state."
    public = ("random:index/randomId:RandomId", "random:index/randomString:RandomString")
    if args.resource_type in public and SECRET_NAME.search(args.name):
        yield "This is called like a secret, and its value is not kept secret."


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="user-data-holds-no-secret",
        description="User data can be read by whoever can look at the instance.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Hand it over as an SSM SecureString.",
        check=_user_data_is_clean,
    ),
    StackRule(
        name="user-data-registers-and-nothing-else",
        description="What user data takes from other resources is the code of an activation for one machine.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Hand everything else over as an SSM SecureString, and leave registrationLimit at 1.",
        check=_user_data_registers_only,
    ),
    Rule(
        name="plain-text-bindings-hold-no-secret",
        description="A Worker's plain-text bindings can be read in the dashboard.",
        reason="",
        severity=Severity.HIGH,
        remediation="Bind it as secret_text.",
        check=_bindings_are_clean,
    ),
    Rule(
        name="inputs-hold-no-known-secret",
        description="Nothing that looks like a key, a token or a password stands where it is not kept secret.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Make it a secret setting, or generate it with RandomPassword; then renew it, it has been seen.",
        check=_inputs_are_clean,
    ),
    Rule(
        name="key-pairs-are-given",
        description="SSH key pairs are made elsewhere; only the public half is declared.",
        reason="",
        severity=Severity.HIGH,
        remediation="Set publicKey.",
        check=_key_pair_is_given,
    ),
    Rule(
        name="secret-parameters-are-encrypted",
        description="An SSM parameter that is called like a secret is a SecureString.",
        reason="",
        severity=Severity.HIGH,
        remediation="Set its type to SecureString.",
        check=_parameter_is_secure,
    ),
    Rule(
        name="access-keys-are-made-elsewhere",
        description="No static AWS access key is declared.",
        reason="",
        severity=Severity.HIGH,
        remediation="Let a role be assumed; where only a key will do, make it by hand and rotate it.",
        check=_access_key_is_made_elsewhere,
    ),
    Rule(
        name="secrets-are-generated-as-passwords",
        description="Random secrets are RandomPassword: of the others the state shows the value.",
        reason="",
        severity=Severity.CRITICAL,
        remediation="Use RandomPassword.",
        check=_secret_is_a_password,
    ),
)
