"""A provider that makes nothing: it gives back what it is given, with the outputs that a cloud would make up.

The engine starts it through an executable `pulumi-resource-NAME`, which adds two arguments: version and journal.
"""

import json
import secrets
import string
import sys
from pathlib import Path

from pulumi.provider.experimental import server
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    ConfigureRequest,
    ConfigureResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    Provider,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)

from plan.diff import replaces
from plan.model import Resource

Properties = dict[str, PropertyValue]

PASSWORD = "random:index/randomPassword:RandomPassword"
SERVICE_TOKEN = "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken"
PRIVATE_KEY = "tls:index/privateKey:PrivateKey"
# What real providers make up and this program reads. A type that is not here gets an `arn`, and an ID like any other.
PLAIN_OUTPUTS = {
    PASSWORD: (),
    PRIVATE_KEY: (),
    SERVICE_TOKEN: ("clientId",),
    "aws:lightsail/staticIp:StaticIp": ("ipAddress",),
    "tls:index/certRequest:CertRequest": ("certRequestPem",),
    "tls:index/locallySignedCert:LocallySignedCert": ("certPem",),
    "tls:index/selfSignedCert:SelfSignedCert": ("certPem",),
}
SECRET_OUTPUTS = {
    PASSWORD: ("result", "bcryptHash"),
    PRIVATE_KEY: ("privateKeyPem",),
    SERVICE_TOKEN: ("clientSecret",),
    "aws:cognito/userPoolClient:UserPoolClient": ("clientSecret",),
    "aws:ssm/activation:Activation": ("activationCode",),
    "cloudflare:index/accountToken:AccountToken": ("value",),
}
# Outputs that count the changes, as a number or as a text; the wire has no integers.
VERSIONS: dict[str, tuple[str, type]] = {
    "aws:ssm/parameter:Parameter": ("version", float),
    "aws:ssm/document:Document": ("defaultVersion", str),
    "aws:s3/bucketObjectv2:BucketObjectv2": ("versionId", str),
}
ALPHABET = string.ascii_letters + string.digits
SECRET_LENGTH = 40
# As Systems Manager makes them: the packs know one by that.
LENGTHS = {"activationCode": 20}


class PassThroughProvider(Provider):
    """Writes all that it does into a journal, secrets too, so that a test can look for them where they must not be."""

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self.outside = outside(journal)

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:
        # As the real ones: they see secrets in the clear and the engine carries the marks over to the outputs.
        return ConfigureResponse(accept_secrets=False, supports_preview=True)

    async def create(self, request: CreateRequest) -> CreateResponse:
        if request.preview:
            return CreateResponse("", request.properties)
        type_ = own_type(request.urn)
        secret = {name: generated(LENGTHS.get(name, SECRET_LENGTH)) for name in SECRET_OUTPUTS.get(type_, ())}
        plain = {name: f"{request.name}-{name}" for name in plain_outputs(type_)}
        self._note("create", request.urn, [*secret.values()])
        made = {name: PropertyValue(text, is_secret=name in secret) for name, text in {**plain, **secret}.items()}
        made |= counted(type_, 1)
        # A real password's ID says nothing either.
        identifier = "none" if type_ == PASSWORD else f"{request.name}-{secrets.token_hex(4)}"
        return CreateResponse(identifier, {**request.properties, **made})

    async def diff(self, request: DiffRequest) -> DiffResponse:
        type_ = own_type(request.urn)
        old = {name: value for name, value in request.old_state.items() if name not in made_up(type_)}
        names = sorted({*old, *request.new_inputs})
        changed = [name for name in names if old.get(name) != request.new_inputs.get(name)]
        resource = Resource(urn=request.urn, type=type_, name=request.name, custom=True)
        replacing = [name for name in changed if replaces(resource, name)]
        return DiffResponse(changes=bool(changed), diffs=changed, replaces=replacing)

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        if not request.preview:
            self._note("update", request.urn)
        type_ = own_type(request.urn)
        kept = {name: value for name, value in request.olds.items() if name in made_up(type_)}
        name, _ = VERSIONS.get(type_, ("", str))
        number = int(kept[name].value) + 1 if name else 0  # type: ignore[arg-type]
        return UpdateResponse({**request.news, **kept, **counted(type_, number)})

    async def read(self, request: ReadRequest) -> ReadResponse:
        """Reads what was made, with what a test says that somebody changed outside of Pulumi."""
        changes = json.loads(self.outside.read_text()) if self.outside.exists() else {}
        state, inputs = dict(request.properties), dict(request.inputs)
        for name, value in changes.get(request.name, {}).items():
            for found in (state, inputs):
                found.pop(name, None)
                if value is not None:
                    found[name] = PropertyValue(value)
        return ReadResponse(request.resource_id, state, inputs)

    async def delete(self, request: DeleteRequest) -> None:
        self._note("delete", request.urn)

    def _note(self, act: str, urn: str, secret_values: list[str] | None = None) -> None:
        entry = {"act": act, "urn": urn, "secrets": secret_values or []}
        with self.journal.open("a") as journal:
            journal.write(json.dumps(entry) + "\n")


def outside(journal: Path) -> Path:
    """What was changed outside of Pulumi, by resource and property; null takes a property away."""
    return journal.with_name("outside.json")


def own_type(urn: str) -> str:
    """The type without those of its ancestors."""
    return urn.split("::")[2].rpartition("$")[2]


def plain_outputs(type_: str) -> tuple[str, ...]:
    return PLAIN_OUTPUTS.get(type_, ("arn",))


def made_up(type_: str) -> set[str]:
    """Names of all outputs that are no inputs."""
    return {*plain_outputs(type_), *SECRET_OUTPUTS.get(type_, ()), *counted(type_, 1)}


def counted(type_: str, number: int) -> Properties:
    """The output that counts this type's changes, if it has one."""
    if type_ not in VERSIONS:
        return {}
    name, kind = VERSIONS[type_]
    return {name: PropertyValue(kind(number))}


def generated(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


if __name__ == "__main__":
    # The SDK reads the engine's address from the first argument.
    version, journal_file = sys.argv[1:3]
    del sys.argv[1:3]
    server.main(sys.argv[1:], version, PassThroughProvider(Path(journal_file)))
