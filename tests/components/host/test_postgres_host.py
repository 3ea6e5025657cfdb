"""The declared host: machine, disk, address, ports, identity, secrets, and how it converges."""

import base64
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from components.common.cloudflare_ranges import IPV4, IPV6
from components.host.registration import SCRIPT
from database.declared import nodes
from plan.model import Computed, Plan, Resource, Secret, reveal
from tests.changed_stack import record_with

HOST = "automatonicai-dev-postgres-a"
PARAMETERS = {
    "postgres/cipher-passphrase": "cipherPassphrase",
    **{f"postgres/passwords/{role}": role for role in ("app", "public_read", "migrator", "read_only", "monitor")},
    "postgres/tls-authorities": "authority",
    "postgres/tls-certificate": "authority",
    "postgres/tls-key": "authority",
    "postgres/tunnel-token": "tunnel",
    "operators/access-client-id": "tunnel",
    "operators/access-client-secret": "tunnel",
    "operators/rollback-token": "failover",
}


def named(plan: Plan, name: str) -> Resource:
    (resource,) = [found for found in plan.resources if found.name == name and found.custom]
    return resource


def component(plan: Plan, name: str) -> Resource:
    (resource,) = [found for found in plan.resources if found.name == name and found.type.endswith(":PostgresHost")]
    return resource


@pytest.fixture(scope="module")
def two_hosts_plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A second host is being filled from the backups; the first one still serves."""
    hosts = [{"name": "a", "bundle": "small_3_0"}, {"name": "b", "bundle": "large_3_0", "origin": "backup"}]
    return record_with(tmp_path_factory.mktemp("two"), postgresHosts=hosts)


def test_the_machine_is_as_set_and_survives_a_changed_user_data(dev_plan: Plan) -> None:
    instance = named(dev_plan, "postgres-a-instance")
    known = {key: instance.inputs[key] for key in ("name", "availabilityZone", "blueprintId", "bundleId")}
    assert known == {
        "name": HOST,
        "availabilityZone": "ca-central-1a",
        "blueprintId": "debian_12",
        "bundleId": "small_3_0",
    }
    assert instance.options.ignore_changes == ("userData",)
    assert instance.inputs["addOn"] == {"type": "AutoSnapshot", "status": "Enabled", "snapshotTime": "07:00"}
    assert named(dev_plan, "postgres-a-key").inputs["publicKey"].startswith("ssh-ed25519 ")


def test_data_is_on_a_protected_disk_of_its_own_and_the_address_stays(dev_plan: Plan) -> None:
    disk, address = named(dev_plan, "postgres-a-data"), named(dev_plan, "postgres-a-address")
    assert (disk.inputs["name"], disk.inputs["sizeInGb"]) == (f"{HOST}-data", 64)
    assert disk.options.protect
    assert address.options.protect
    attached = named(dev_plan, "postgres-a-data-attachment").inputs
    assert (attached["diskName"], attached["instanceName"], attached["diskPath"]) == (f"{HOST}-data", HOST, "/dev/xvdf")
    assert named(dev_plan, "postgres-a-address-attachment").inputs["staticIpName"] == HOST


def test_only_ssh_is_open_and_only_to_administrators(dev_plan: Plan) -> None:
    ports = named(dev_plan, "postgres-a-ports")
    # Created first, the old list's deletion would close the ports just opened.
    assert ports.options.delete_before_replace
    known = {"protocol": "tcp", "cidrs": ["203.0.113.0/24"], "ipv6Cidrs": ["100::/64"]}
    assert ports.inputs["portInfos"] == [{**known, "fromPort": 22, "toPort": 22}]


def test_without_a_tunnel_cloudflare_alone_reaches_the_database(direct_plan: Plan) -> None:
    _, database = named(direct_plan, "postgres-a-ports").inputs["portInfos"]
    assert (database["protocol"], database["fromPort"], database["toPort"]) == ("tcp", 5432, 5432)
    assert (database["cidrs"], database["ipv6Cidrs"]) == ([*IPV4], [*IPV6])


def test_user_data_holds_the_activation_and_nothing_else_that_is_unknown(dev_plan: Plan) -> None:
    activation = named(dev_plan, "postgres-a-activation")
    user_data = named(dev_plan, "postgres-a-instance").inputs["userData"]
    assert isinstance(user_data, Secret)
    assert user_data.value.references == [(activation.urn, "id"), (activation.urn, "activationCode")]
    # Far below Lightsail's 16 KB, with more in place of the two than they are long.
    text = user_data.value.resolve(lambda urn, name: "x" * 40)
    assert len(text) < 2048
    assert len(text.splitlines()) == len(SCRIPT.read_text().splitlines())
    assert "@" not in text


def test_the_activation_registers_one_machine_with_a_complete_role(dev_plan: Plan) -> None:
    activation = named(dev_plan, "postgres-a-activation")
    assert activation.inputs["registrationLimit"] == 1
    # A date would be one that passes; without one it is a day.
    assert "expirationDate" not in activation.inputs
    assert activation.inputs["iamRole"] == "automatonicai-dev-postgres-host"
    assert activation.inputs["tags"]["host"] == HOST
    assert activation.options.additional_secret_outputs == ("activationCode",)
    policies = {f"identity-{name}" for name in ("systems-manager", "configuration", "backups")}
    assert policies <= {urn.rpartition("::")[2] for urn in activation.dependencies}


def test_every_secret_is_a_secure_string_in_montreal(dev_plan: Plan) -> None:
    declared = {found.inputs["name"]: found for found in dev_plan.of_type("aws:ssm/parameter:Parameter")}
    assert set(declared) == {f"/automatonicai-dev/{path}" for path in PARAMETERS}
    for parameter in declared.values():
        assert parameter.inputs["type"] == "SecureString"
        assert parameter.inputs["region"] == "ca-central-1"
        assert isinstance(parameter.inputs["value"], Secret)
        # AWS's own key: no other is named.
        assert not {"keyId", "tier"} & parameter.inputs.keys()


def test_each_password_is_that_roles(dev_plan: Plan) -> None:
    for role in ("app", "public_read", "migrator", "read_only", "monitor"):
        value = reveal(named(dev_plan, f"parameters-host-passwords-{role}").inputs["value"])
        assert value.reference == (named(dev_plan, f"database-{role}-password").urn, "result")


def unpacked(plan: Plan, host: str) -> dict[str, bytes]:
    content = base64.b64decode(named(plan, f"bundles-{host}").inputs["contentBase64"], validate=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]


def test_the_bundle_has_the_playbook_and_this_hosts_specification_only(two_hosts_plan: Plan) -> None:
    for host in ("a", "b"):
        files = unpacked(two_hosts_plan, host)
        assert [name for name in files if name.startswith("specification")] == [f"specification-{host}.json"]
        declared = component(two_hosts_plan, f"postgres-{host}").inputs["specification"]
        assert json.loads(files[f"specification-{host}.json"]) == declared
        assert files["host/apply.py"] == (Path(__file__).parents[3] / "host" / "apply.py").read_bytes()
        assert not [name for name in files if "__pycache__" in name]


def test_the_bundle_is_a_version_in_a_private_bucket(dev_plan: Plan) -> None:
    bundle = named(dev_plan, "bundles-a").inputs
    assert (bundle["bucket"], bundle["key"]) == ("automatonicai-dev-bundles-111111111111", "postgres-a.tar.gz")
    assert named(dev_plan, "bundles-versioning").inputs["versioningConfiguration"] == {"status": "Enabled"}
    assert named(dev_plan, "bundles-versioning").urn in named(dev_plan, "bundles-a").dependencies
    assert named(dev_plan, "bundles-public-access").inputs["restrictPublicBuckets"]


def test_the_association_applies_this_version_on_change_and_on_schedule(dev_plan: Plan) -> None:
    association = named(dev_plan, "convergence-a").inputs
    given = association["parameters"]
    content = base64.b64decode(named(dev_plan, "bundles-a").inputs["contentBase64"])
    assert given["Sha256"] == hashlib.sha256(content).hexdigest()
    assert given["VersionId"].reference == (named(dev_plan, "bundles-a").urn, "versionId")
    assert (given["Bucket"], given["Key"], given["Host"]) == (
        "automatonicai-dev-bundles-111111111111",
        "postgres-a.tar.gz",
        "a",
    )
    assert association["targets"] == [{"key": "tag:host", "values": [HOST]}]
    assert (association["scheduleExpression"], association["maxConcurrency"]) == ("rate(30 minutes)", "1")
    assert association["documentVersion"].reference == (named(dev_plan, "convergence-document").urn, "defaultVersion")


def test_a_new_version_of_any_host_secret_makes_the_host_fetch_them(dev_plan: Plan) -> None:
    version = named(dev_plan, "convergence-a").inputs["parameters"]["SecretsVersion"]
    assert isinstance(version, Computed)
    host = [path for path in PARAMETERS if path.startswith("postgres/")]
    assert {name for _, name in version.references} == {"version"}
    assert len(version.references) == len(host)
    found = {dev_plan.by_urn[urn].inputs["name"] for urn, _ in version.references}
    assert found == {f"/automatonicai-dev/{path}" for path in host}


def test_the_document_is_declared_as_it_is_written(dev_plan: Plan) -> None:
    document = named(dev_plan, "convergence-document").inputs
    assert (document["documentType"], document["documentFormat"]) == ("Command", "JSON")
    (step,) = json.loads(document["content"])["mainSteps"]
    assert "host.converge" in "\n".join(step["inputs"]["runCommand"])


def test_hyperdrive_waits_for_tunnel_and_association(dev_plan: Plan) -> None:
    for name in ("hyperdrive-regulated", "hyperdrive-public"):
        before = {urn.rpartition("::")[2] for urn in named(dev_plan, name).dependencies}
        assert {"tunnel-record", "tunnel-ingress", "convergence-a"} <= before
        assert "waitForSuccessTimeoutSeconds" not in named(dev_plan, "convergence-a").inputs


def test_without_a_tunnel_the_association_must_have_succeeded(direct_plan: Plan) -> None:
    assert named(direct_plan, "convergence-a").inputs["waitForSuccessTimeoutSeconds"] == 3600
    before = {urn.rpartition("::")[2] for urn in named(direct_plan, "hyperdrive-public").dependencies}
    assert "convergence-a" in before


def test_nothing_is_applied_before_disk_address_and_ports(two_hosts_plan: Plan) -> None:
    for host in ("a", "b"):
        before = {urn.rpartition("::")[2] for urn in named(two_hosts_plan, f"convergence-{host}").dependencies}
        own = {f"postgres-{host}-{part}" for part in ("data-attachment", "address-attachment", "ports")}
        assert own <= before
        assert not {name for name in before if name.startswith("postgres-")} - own


def test_one_stack_of_an_account_opens_session_manager(
    dev_plan: Plan, tmp_path_factory: pytest.TempPathFactory
) -> None:
    owner = record_with(tmp_path_factory.mktemp("owner"), ownsAdvancedInstancesTier=True)
    (tier,) = owner.of_type("aws:ssm/serviceSetting:ServiceSetting")
    assert (tier.inputs["settingId"], tier.inputs["settingValue"], tier.inputs["region"]) == (
        "/ssm/managed-instance/activation-tier",
        "advanced",
        "ca-central-1",
    )
    # It costs money, so not unless it is asked for.
    assert not dev_plan.of_type(tier.type)


def test_a_second_host_is_another_host_and_the_first_serves(two_hosts_plan: Plan, dev_plan: Plan) -> None:
    hosts = {name: component(two_hosts_plan, f"postgres-{name}").inputs["specification"] for name in "ab"}
    assert hosts["a"] == component(dev_plan, "postgres-a").inputs["specification"]
    assert (hosts["b"]["postgres"]["origin"], hosts["b"]["postgres"]["is_serving"]) == ("backup", False)
    assert two_hosts_plan.outputs["postgresAddress"].reference == (
        named(two_hosts_plan, "postgres-a-address").urn,
        "ipAddress",
    )
    assert set(two_hosts_plan.outputs["postgresHosts"]) == {"a", "b"}
    assert nodes(two_hosts_plan).keys() == {"postgres-a", "postgres-b"}
    assert len({str(tags) for tags in nodes(two_hosts_plan).values()}) == 2
    role: Any = named(two_hosts_plan, "identity-configuration").inputs["policy"]
    assert "postgres-b.tar.gz" in role
