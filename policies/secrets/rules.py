"""The rules of secrets."""

import re
from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs, Severity

from policies import sensitive
from policies.rule import Rule, StackRule, texts

# What a secret looks like wherever it stands; each by the issuer's published format.
PATTERNS: dict[str, re.Pattern[str]] = {
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a GitHub token": re.compile(r"\b(ghp|gho|ghs|ghr|github_pat)_[A-Za-z0-9_]{20,}\b"),
    "a connection string with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s:/@]+:[^\s/@]+@"),
}
SECRET_NAME = re.compile(r"(pass(word|wd|phrase)?|secret|token|credential|private_?key|api_?key)", re.IGNORECASE)


def _found(text: str) -> Iterator[str]:
    return (what for what, pattern in PATTERNS.items() if pattern.search(text))


def _user_data_is_clean(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type != "aws:lightsail/instance:Instance":
        return
    text = args.props.get("userData") or ""
    assigned = re.compile(rf"{SECRET_NAME.pattern}\w*\s*[=:]\s*\S", re.IGNORECASE)
    if assigned.search(text) or any(_found(text)):
        yield "This instance's user data sets something that is called, or looks like, a secret."


def _bindings_are_clean(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type != "cloudflare:index/workerVersion:WorkerVersion":
        return
    for index, binding in enumerate(args.props.get("bindings") or []):
        if binding["type"] in ("plain_text", "json") and SECRET_NAME.search(binding["name"]):
            yield f"Binding {index} of this Worker is called like a secret and is plain text."


def _inputs_are_clean(args: ResourceValidationArgs) -> Iterator[str]:
    allowed = sensitive.INPUTS.get(args.resource_type, ())
    for path, text in texts(args.props):
        for what in _found(text) if path not in allowed else ():
            yield f"Property {path} holds {what}."


def _key_pair_is_given(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type == "aws:lightsail/keyPair:KeyPair" and not args.props.get("publicKey"):
        yield "This key pair is generated, so its private half would stand in the state."


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="user-data-holds-no-secret",
        description="User data can be read by whoever can look at the instance.",
        severity=Severity.CRITICAL,
        remediation="Hand it over as an SSM SecureString.",
        check=_user_data_is_clean,
    ),
    Rule(
        name="plain-text-bindings-hold-no-secret",
        description="A Worker's plain-text bindings can be read in the dashboard.",
        severity=Severity.HIGH,
        remediation="Bind it as secret_text.",
        check=_bindings_are_clean,
    ),
    Rule(
        name="inputs-hold-no-known-secret",
        description="Nothing that looks like a key, a token or a password stands where it is not kept secret.",
        severity=Severity.CRITICAL,
        remediation="Make it a secret setting, or generate it with RandomPassword; then renew it, it has been seen.",
        check=_inputs_are_clean,
    ),
    Rule(
        name="key-pairs-are-given",
        description="SSH key pairs are made elsewhere; only the public half is declared.",
        severity=Severity.HIGH,
        remediation="Set publicKey.",
        check=_key_pair_is_given,
    ),
)
