"""Settings of the hosts: what one may be, and what must hold between two."""

import json
from typing import Any

import pytest

from components.settings.stack import parse
from tests.components.settings.test_settings import faults, given


def host(**changes: Any) -> dict[str, Any]:
    """One host of dev, with changes; None leaves one out."""
    whole = {"name": "a", "bundle": "small_3_0", **changes}
    return {key: value for key, value in whole.items() if value is not None}


def hosts(*several: dict[str, Any]) -> str:
    return json.dumps(several)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"bundle": "enormous"}, "bundle: is not a known bundle; allowed: nano_3_0"),
        (
            {"bundle": "nano_3_0"},
            "bundle: has 512 MB of memory; dev needs at least 1024 MB for PostgreSQL and its extensions: "
            "micro_3_0 or larger",
        ),
        ({"bundle": None}, "bundle: is missing; add it in Pulumi.dev.yaml"),
        ({"bundel": "x"}, "bundel: is not a setting; did you mean bundle?"),
        (
            {"colour": "x"},
            "colour: is not a setting; allowed: name, version, blueprint, bundle, diskGb, origin, restoredFrom",
        ),
        ({"diskGb": 4}, "diskGb: is too small; allowed: at least 8"),
        ({"diskGb": 20000}, "diskGb: is too large; allowed: at most 16384"),
        ({"version": 14}, "version: is not in the table of versions; allowed: 15, 16, 17, 18"),
        (
            {"version": 18},
            "version: is not among the versions that Hyperdrive is known to work with; "
            "allowed: 15, 16, 17, or this one with allowUntestedHyperdrive: true",
        ),
        (
            {"blueprint": "debian_13"},
            "blueprint: is not an operating system that the host runs on; allowed: debian_12, ubuntu_24_04",
        ),
        (
            {"restoredFrom": "newest", "origin": "backup"},
            "restoredFrom: a backup's label such as 20261121-093000F is needed",
        ),
        ({"restoredFrom": "20261121-093000F"}, "restoredFrom: names a backup for a new cluster; allowed with origin"),
        ({"origin": "snapshot"}, "origin: is not one of the allowed words; allowed: 'new' or 'backup'"),
    ],
)
def test_a_wrong_host_is_refused_with_what_is_allowed(change: dict[str, Any], fault: str) -> None:
    (found,) = faults(postgresHosts=hosts(host(**change)))
    assert found.startswith(f"postgresHosts.0.{fault}")


@pytest.mark.parametrize(
    ("serving", "given_hosts", "fault"),
    [
        ("b", [host()], "postgresServing: is not a host of this stack; allowed: a"),
        ("a", [host(), host(origin="backup")], "postgresHosts: names a host twice; allowed: each name once"),
        (
            "a",
            [host(), *(host(name=name, origin="backup") for name in "bc")],
            "postgresHosts: has 3 hosts; allowed: one, and a second one while it replaces the first",
        ),
        (
            "a",
            [host(version=16), host(name="b", origin="backup")],
            "postgresHosts.1.origin: backup can't change PostgreSQL's major version from 16 to 17; "
            "allowed: new, and its data from a dump",
        ),
        (
            "a",
            [host(), host(name="b", version="17")],
            "postgresHosts.1.origin: new makes a second cluster of PostgreSQL 17 beside host a's, "
            "and their backups have one place; allowed: backup, or another version",
        ),
    ],
)
def test_hosts_that_do_not_go_together_are_refused(serving: str, given_hosts: list[Any], fault: str) -> None:
    assert faults(postgresServing=serving, postgresHosts=hosts(*given_hosts)) == [fault]


def test_faults_of_and_between_hosts_come_together() -> None:
    found = faults(postgresServing="c", postgresHosts=hosts(host(bundle="x", diskGb=1), host(version=18, bundle="y")))
    assert [fault.partition(":")[0] for fault in found] == [
        "postgresHosts.0.bundle",
        "postgresHosts.0.diskGb",
        "postgresHosts.1.bundle",
        "postgresHosts",
        "postgresServing",
        "postgresHosts.1.version",
    ]


@pytest.mark.parametrize("bundle", ["nano_3_0", "micro_3_0", "micro_4_0"])
def test_prod_refuses_the_smallest_sizes_by_name(bundle: str) -> None:
    (found,) = faults("prod", environment="prod", postgresHosts=hosts(host(bundle=bundle)))
    allowed = "small_3_0, medium_3_0, large_3_0, xlarge_3_0, 2xlarge_3_0"
    assert found == f"postgresHosts.0.bundle: is a size that prod refuses; allowed: {allowed}"


def test_a_second_host_from_the_backup_may_take_over() -> None:
    both = hosts(host(), host(name="b", bundle="medium_3_0", origin="backup"))
    settings = parse("dev", given(postgresHosts=both, postgresServing="b"))
    assert settings.serving_host.bundle == "medium_3_0"
    assert [found.name for found in settings.postgres_hosts] == ["a", "b"]


def test_version_18_is_allowed_only_by_name() -> None:
    settings = parse("dev", given(postgresHosts=hosts(host(version=18)), allowUntestedHyperdrive="true"))
    assert settings.serving_host.version == 18


def test_an_older_host_may_stay_beside_a_new_major() -> None:
    settings = parse("dev", given(postgresHosts=hosts(host(version=16), host(name="b")), postgresServing="b"))
    assert settings.serving_host.version == 17
