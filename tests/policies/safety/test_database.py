"""The rules about the routes to the database, on the stack that has no tunnel, and about its host's user data."""

from collections.abc import Callable
from dataclasses import replace

from plan.model import Computed, Plan, Secret
from tests.policies.changes import Inputs, broken, cloudflare_port, having, mtls, without
from tests.policies.running import rules

HYPERDRIVE_IS_OPEN = {"hyperdrive-is-known", "database-port-asks-for-certificates"}
# The same stack without a tunnel, broken one way at a time.
DIRECT_CASES: dict[str, tuple[str, Callable[[Inputs], Inputs], set[str]]] = {
    "no verification": ("hyperdrive-regulated", mtls(sslmode="require"), HYPERDRIVE_IS_OPEN),
    "half a verification": ("hyperdrive-regulated", mtls(sslmode="verify-ca"), HYPERDRIVE_IS_OPEN),
    "no mode": ("hyperdrive-public", mtls(sslmode=None), HYPERDRIVE_IS_OPEN),
    "mode unknown": ("hyperdrive-public", mtls(sslmode=Computed()), HYPERDRIVE_IS_OPEN),
    "no authority": ("hyperdrive-public", mtls(caCertificateId=None), HYPERDRIVE_IS_OPEN),
    "no certificate": ("hyperdrive-public", mtls(mtlsCertificateId=None), HYPERDRIVE_IS_OPEN),
    "no TLS": ("hyperdrive-public", without("mtls"), HYPERDRIVE_IS_OPEN),
    "open to the world": (
        "postgres-a-ports",
        cloudflare_port(cidrs=["0.0.0.0/0"]),
        {"database-port-is-closed", "firewall-names-networks"},
    ),
    "networks unknown": (
        "postgres-a-ports",
        cloudflare_port(cidrs=Computed()),
        {"database-port-is-closed", "firewall-names-networks"},
    ),
    "a client's key in the clear": (
        "public-database-client-app",
        having(privateKey="hunter2"),
        {"sensitive-inputs-are-secret"},
    ),
}


def test_without_a_tunnel_the_port_is_for_cloudflare_with_certificates(direct_plan: Plan) -> None:
    plans = [broken(direct_plan, name, change) for name, change, _ in DIRECT_CASES.values()]
    found = rules([direct_plan, *plans])
    assert found[0] == set()
    assert dict(zip(DIRECT_CASES, found[1:], strict=True)) == {
        case: found for case, (_, _, found) in DIRECT_CASES.items()
    }


def test_user_data_is_made_of_an_activation_for_one_machine(dev_plan: Plan) -> None:
    (password, *_) = dev_plan.of_type("random:index/randomPassword:RandomPassword")
    (instance,) = dev_plan.of_type("aws:lightsail/instance:Instance")
    (activation,) = dev_plan.of_type("aws:ssm/activation:Activation")
    lasting = replace(instance, property_dependencies={"userData": (activation.urn, password.urn)})
    plans = [
        replace(dev_plan, resources=tuple(lasting if found is instance else found for found in dev_plan.resources)),
        broken(dev_plan, activation.name, having(registrationLimit=2)),
        broken(dev_plan, activation.name, having(registrationLimit=Computed())),
    ]
    assert rules(plans) == [{"user-data-registers-and-nothing-else"}] * 3


def test_keys_pass_where_they_belong_and_nowhere_else(direct_plan: Plan) -> None:
    key = Secret("-----BEGIN EC " + "PRIVATE KEY-----")
    good = [
        broken(direct_plan, "authority-2026-certificate", having(privateKeyPem=key)),
        broken(direct_plan, "authority-server-certificate", having(caPrivateKeyPem=key)),
        broken(direct_plan, "authority-server-request", having(privateKeyPem=key)),
        broken(direct_plan, "public-database-client-app", having(privateKey=key)),
    ]
    bad = [
        broken(direct_plan, "authority-server-certificate", having(caCertPem=key)),
        broken(direct_plan, "public-database-authority", having(certificates=key)),
    ]
    kept = {"inputs-hold-no-known-secret", "secrets-go-only-where-they-are-kept"}
    assert rules([*good, *bad]) == [set()] * 4 + [kept] * 2
