"""The two routes from Hyperdrive to the database: through the tunnel, or with certificates on both sides."""

import ipaddress

import pytest

from components.common.cloudflare_ranges import IPV4, IPV6
from plan.model import Plan, Secret, reveal
from tests.changed_stack import record_with
from tests.components.declared import named

HYPERDRIVES = ("hyperdrive-regulated", "hyperdrive-public")
HYPERDRIVE = "cloudflare:index/hyperdriveConfig:HyperdriveConfig"


@pytest.mark.parametrize("name", HYPERDRIVES)
def test_with_a_tunnel_hyperdrive_waits_until_its_role_can_log_in(name: str, dev_plan: Plan) -> None:
    hooks = named(dev_plan, name).options.hooks
    assert hooks == ("before_create:hyperdrive-readiness", "before_update:hyperdrive-readiness")
    waits_for = {urn.rpartition("::")[2] for urn in named(dev_plan, name).dependencies}
    assert {"tunnel-ingress", "tunnel-record", "tunnel-application"} <= waits_for
    assert any(urn.startswith("convergence-") for urn in waits_for)


def test_the_wait_can_be_switched_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    plan = record_with(tmp_path_factory.mktemp("hasty"), waitForDatabase=False)
    assert [found.options.hooks for found in plan.of_type(HYPERDRIVE)] == [(), ()]


def test_people_have_a_token_of_their_own(dev_plan: Plan) -> None:
    application = named(dev_plan, "tunnel-application").inputs
    policies = [policy["id"].reference[0].rpartition("::")[2] for policy in application["policies"]]
    assert policies == ["tunnel-policy", "tunnel-operators-policy"]
    policy = named(dev_plan, "tunnel-operators-policy").inputs
    assert policy["decision"] == "non_identity"
    (include,) = policy["includes"]
    assert include["serviceToken"]["tokenId"].reference == (named(dev_plan, "tunnel-operators-token").urn, "id")


def test_the_pooler_has_a_name_of_its_own_for_operators_and_the_api(dev_plan: Plan) -> None:
    application = named(dev_plan, "tunnel-pooler-application")
    assert application.inputs["domain"] == "pooler-dev.automatonicai.com"
    admitted = [policy["id"].reference for policy in application.inputs["policies"]]
    assert admitted == [(named(dev_plan, f"tunnel-{who}-policy").urn, "id") for who in ("operators", "api")]
    (include,) = named(dev_plan, "tunnel-api-policy").inputs["includes"]
    assert include["serviceToken"]["tokenId"].reference == (named(dev_plan, "tunnel-api-token").urn, "id")
    record, ingress = named(dev_plan, "tunnel-pooler-record"), named(dev_plan, "tunnel-ingress")
    assert (record.inputs["name"], record.inputs["proxied"]) == ("pooler-dev.automatonicai.com", True)
    assert ingress.inputs["config"]["ingresses"] == [
        {"hostname": "postgres-dev.automatonicai.com", "service": "tcp://localhost:5432"},
        {"hostname": "pooler-dev.automatonicai.com", "service": "tcp://localhost:6432"},
        {"service": "http_status:404"},
    ]
    # Open only behind Access.
    assert all(application.urn in found.dependencies for found in (record, ingress))


def test_with_a_tunnel_nothing_is_public(dev_plan: Plan) -> None:
    assert [found.name for found in dev_plan.resources if "public-database" in found.name] == []
    assert all("mtls" not in found.inputs for found in dev_plan.of_type(HYPERDRIVE))


@pytest.mark.parametrize(("name", "role"), [("hyperdrive-regulated", "app"), ("hyperdrive-public", "public_read")])
def test_without_one_hyperdrive_verifies_to_the_full_and_shows_its_roles_certificate(
    name: str, role: str, direct_plan: Plan
) -> None:
    inputs = named(direct_plan, name).inputs
    assert inputs["mtls"]["sslmode"] == "verify-full"
    assert inputs["mtls"]["caCertificateId"].reference == (named(direct_plan, "public-database-authority").urn, "id")
    certificate = named(direct_plan, f"public-database-client-{role}")
    assert inputs["mtls"]["mtlsCertificateId"].reference == (certificate.urn, "id")
    assert inputs["origin"].keys() == {"scheme", "host", "port", "database", "user", "password"}
    assert (inputs["origin"]["host"], inputs["origin"]["port"]) == ("postgres-dev.automatonicai.com", 5432)
    assert inputs["origin"]["user"] == role
    assert isinstance(inputs["origin"]["password"], Secret)
    assert named(direct_plan, name).options.hooks == ()


def test_cloudflare_gets_the_authority_without_its_key_and_clients_with_theirs(direct_plan: Plan) -> None:
    authority = named(direct_plan, "public-database-authority").inputs
    assert authority["ca"] is True
    assert "privateKey" not in authority
    assert authority["name"] == "automatonicai-dev-postgres-authority-2026"
    assert authority["certificates"].reference == (named(direct_plan, "authority-2026-certificate").urn, "certPem")
    client = named(direct_plan, "public-database-client-app").inputs
    assert client["ca"] is False
    assert isinstance(client["privateKey"], Secret)
    key = named(direct_plan, "authority-client-app-key")
    assert reveal(client["privateKey"]).reference == (key.urn, "privateKeyPem")


def test_the_public_name_points_to_the_host_and_past_the_proxy(direct_plan: Plan) -> None:
    record = named(direct_plan, "public-database-record").inputs
    assert (record["type"], record["proxied"], record["ttl"]) == ("A", False, 60)
    assert record["name"] == "postgres-dev.automatonicai.com"
    (urn, output) = record["content"].reference
    assert (urn.rpartition("::")[2], output) == ("postgres-a-address", "ipAddress")
    assert not direct_plan.of_type("cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared")


def test_without_a_tunnel_the_port_is_open_to_cloudflare_only(direct_plan: Plan, dev_plan: Plan) -> None:
    rules = named(direct_plan, "postgres-a-ports").inputs["portInfos"]
    (rule,) = [rule for rule in rules if rule["fromPort"] != 22]
    assert (rule["protocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 5432, 5432)
    assert (rule["cidrs"], rule["ipv6Cidrs"]) == ([*IPV4], [*IPV6])
    assert [rule["fromPort"] for rule in named(dev_plan, "postgres-a-ports").inputs["portInfos"]] == [22]


def test_cloudflares_ranges_are_networks_and_none_is_the_world() -> None:
    assert (len(IPV4), len(IPV6)) == (15, 7)
    assert all(ipaddress.IPv4Network(network).prefixlen >= 12 for network in IPV4)
    assert all(ipaddress.IPv6Network(network).prefixlen >= 29 for network in IPV6)
    assert list(IPV4) == sorted(set(IPV4))
    assert list(IPV6) == sorted(set(IPV6))
