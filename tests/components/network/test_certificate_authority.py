"""The database's own authority: what it signs, what is protected, and what stays secret."""

import pytest

from plan.model import Plan, Secret, reveal
from tests.changed_stack import record_with
from tests.components.declared import named

DAY_HOURS = 24


@pytest.fixture(scope="module")
def rotating_plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Two generations: the next one is trusted and signs."""
    return record_with(tmp_path_factory.mktemp("rotating"), databaseAuthorities=["2026", "2027"])


def test_an_authority_lasts_ten_years_and_signs_certificates_only(dev_plan: Plan) -> None:
    authority = named(dev_plan, "authority-2026-certificate").inputs
    assert authority["isCaCertificate"] is True
    assert authority["allowedUses"] == ["cert_signing", "crl_signing"]
    assert authority["validityPeriodHours"] == 3650 * DAY_HOURS
    assert authority["subject"] == {"commonName": "automatonicai-dev database 2026"}
    # Without both, a strict client can't build the chain.
    assert authority["setSubjectKeyId"] is True
    assert authority["setAuthorityKeyId"] is True


@pytest.mark.parametrize("stack", ["dev_plan", "prod_plan"])
def test_the_authority_is_protected_and_what_it_signs_can_be_renewed(
    stack: str, request: pytest.FixtureRequest
) -> None:
    plan: Plan = request.getfixturevalue(stack)
    for name in ("authority-2026-key", "authority-2026-certificate"):
        assert named(plan, name).options.protect
        assert named(plan, name).options.retain_on_delete == (plan.stack == "prod")
    for name in ("authority-server-key", "authority-server-request", "authority-server-certificate"):
        assert not named(plan, name).options.protect


def test_the_servers_certificate_is_for_the_names_that_clients_use(dev_plan: Plan) -> None:
    request = named(dev_plan, "authority-server-request").inputs
    names = ["postgres-dev.automatonicai.com", "pooler-dev.automatonicai.com", "localhost"]
    assert request["dnsNames"] == names
    assert request["ipAddresses"] == ["127.0.0.1"]
    certificate = named(dev_plan, "authority-server-certificate").inputs
    assert certificate["allowedUses"] == ["digital_signature", "server_auth"]
    assert certificate["validityPeriodHours"] == 825 * DAY_HOURS
    assert certificate["earlyRenewalHours"] == 180 * DAY_HOURS


def test_with_a_tunnel_there_are_no_client_certificates(dev_plan: Plan) -> None:
    assert [found.name for found in dev_plan.resources if found.name.startswith("authority-client")] == []


def test_without_one_each_role_behind_hyperdrive_has_a_certificate_in_its_name(direct_plan: Plan) -> None:
    for role in ("app", "public_read"):
        request = named(direct_plan, f"authority-client-{role}-request").inputs
        assert request["subject"] == {"commonName": role}
        assert "dnsNames" not in request
        certificate = named(direct_plan, f"authority-client-{role}-certificate").inputs
        assert certificate["allowedUses"] == ["digital_signature", "client_auth"]


def test_every_generation_is_trusted_and_the_last_one_signs(rotating_plan: Plan) -> None:
    trusted = [named(rotating_plan, f"authority-{year}-certificate").urn for year in (2026, 2027)]
    outputs = named(rotating_plan, "authority", "CertificateAuthority").outputs
    assert outputs["authoritiesPem"].references == [(urn, "certPem") for urn in trusted]
    signed = named(rotating_plan, "authority-server-certificate").inputs
    assert signed["caCertPem"].reference == (trusted[1], "certPem")


def test_a_new_generation_replaces_no_authority(dev_plan: Plan, rotating_plan: Plan) -> None:
    for name in ("authority-2026-key", "authority-2026-certificate"):
        assert named(dev_plan, name).inputs == named(rotating_plan, name).inputs


def test_no_key_is_in_the_clear_or_leaves_the_component(dev_plan: Plan) -> None:
    key = named(dev_plan, "authority-2026-key")
    for name, path in (("2026-certificate", "privateKeyPem"), ("server-certificate", "caPrivateKeyPem")):
        given = named(dev_plan, f"authority-{name}").inputs[path]
        assert isinstance(given, Secret)
        assert reveal(given).reference == (key.urn, "privateKeyPem")
    users = {found.name for found in dev_plan.resources if (key.urn, "privateKeyPem") in _references(found.inputs)}
    assert users == {"authority-2026-certificate", "authority-server-certificate"}


def _references(value: object) -> list[tuple[str, str]]:
    value = reveal(value)
    if isinstance(value, dict):
        return [found for item in value.values() for found in _references(item)]
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    return list(getattr(value, "references", ()))
