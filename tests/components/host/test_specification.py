"""What a host of the cloud is told: everything that host/ asks for, and no secret."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.host.specification import host_specification
from components.settings.compatibility import RELEASES
from components.settings.stack import parse
from host.specification.model import written
from host.specification.reading import SpecError, declared
from host.specification.reading import parse as parse_specification
from tests.components.settings.test_settings import given
from tests.host.specs import spec

PREFIX = "/automatonicai-dev/postgres/"
TWO_HOSTS = [
    {"name": "a", "bundle": "small_3_0"},
    {"name": "b", "bundle": "medium_3_0", "version": 16, "diskGb": 128, "origin": "new"},
]


def specification(host: str = "a", **settings: str) -> dict[str, Any]:
    stack = parse("dev", given(**settings))
    return written(host_specification(stack, next(found for found in stack.postgres_hosts if found.name == host)))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    match value:
        case {"$parameter": name}:
            yield path, name
        case dict():
            for key, item in value.items():
                yield from leaves(item, f"{path}.{key}" if path else key)
        case list():
            for index, item in enumerate(value):
                name = item["name"] if isinstance(item, dict) and "name" in item else index
                yield from leaves(item, f"{path}.{name}")
        case _:
            yield path, value


def parameters(found: dict[str, Any]) -> dict[str, str]:
    """Path in the specification and name of each parameter."""
    return {path: name for path, name in leaves(found) if str(name).startswith("/automatonicai")}


def test_secrets_are_named_and_nothing_else_is_a_secret() -> None:
    found = specification()
    with_password = ("app", "public_read", "migrator", "read_only", "monitor")
    assert parameters(found) == {
        **{f"postgres.roles.{role}.password": f"{PREFIX}passwords/{role}" for role in with_password},
        "tls.authorities": f"{PREFIX}tls-authorities",
        "tls.certificate": f"{PREFIX}tls-certificate",
        "tls.key": f"{PREFIX}tls-key",
        "tunnel.token": f"{PREFIX}tunnel-token",
        "backup.cipher_passphrase": f"{PREFIX}cipher-passphrase",
    }
    secretive = ("password", "key", "token", "passphrase", "secret", "certificate", "authorities")
    others = [(path, value) for path, value in leaves(found) if path not in parameters(found)]
    assert {value for path, value in others if path.rpartition(".")[2].endswith(secretive)} <= {None}


def test_the_host_is_what_the_settings_say() -> None:
    found = specification()
    assert found["platform"] == "lightsail"
    assert found["packages"] == {
        "source": "vendor",
        "timescaledb_edition": "community",
        "versions": {"postgresql": "17.12", "timescaledb": "2.31.2", "pgbackrest": "2.59.0"},
    }
    assert found["disk"] == {"path": "/dev/xvdf", "size_gb": 64}
    assert found["network"] == {"ssh_networks": ["203.0.113.0/24", "100::/64"], "database_networks": []}
    known = {key: found["postgres"][key] for key in ("major", "port", "memory_mb", "cpus", "database")}
    assert known == {"major": 17, "port": 5432, "memory_mb": 1536, "cpus": 2, "database": "automatonicai"}
    names = ["postgres-dev.automatonicai.com", "pooler-dev.automatonicai.com", "localhost"]
    assert found["tls"]["hostnames"] == names
    assert found["pooler"] == {"port": 6432, "roles": ["app", "public_read"], "pool_size": 20, "takes_plain": True}


def test_backups_go_to_the_stacks_bucket_without_a_key() -> None:
    backup = specification()["backup"]
    assert (backup["bucket"], backup["region"]) == ("automatonicai-dev-backups-111111111111", "ca-central-1")
    assert (backup["endpoint"], backup["uri_style"]) == ("s3.ca-central-1.amazonaws.com", "host")
    assert (backup["key_type"], backup["key_id"], backup["key_secret"]) == ("process", None, None)
    assert (backup["stanza"], backup["retention_full"], backup["ca_file"]) == ("main-17", 4, None)


def test_the_copy_and_the_schedule_are_the_settings() -> None:
    backup = specification(backupTime="23:40", backupFullDay="friday", recoveryTimeSeconds="900")["backup"]
    assert backup["copy"] == {
        "endpoint": "s3.ca-west-1.amazonaws.com",
        "bucket": "automatonicai-dev-backups-copy-111111111111",
        "region": "ca-west-1",
    }
    assert backup["schedule"] == {"full_day": "friday", "verify_day": "wednesday", "time": "23:40"}
    limits = ("archive_timeout_seconds", "archive_queue_max_mb", "recovery_point_seconds", "recovery_time_seconds")
    assert [backup[key] for key in limits] == [60, 8192, 120, 900]
    assert (backup["alarm_namespace"], backup["alarm_host"]) == ("automatonicai-dev/postgres", "a")


def test_each_host_is_itself_and_one_serves() -> None:
    hosts = {name: specification(name, postgresHosts=json.dumps(TWO_HOSTS), postgresServing="a") for name in "ab"}
    assert [hosts[name]["postgres"]["is_serving"] for name in "ab"] == [True, False]
    # Two connectors of one tunnel would share the connections.
    assert hosts["a"]["tunnel"]
    assert hosts["b"]["tunnel"] is None
    assert hosts["b"]["packages"]["versions"] == RELEASES[16].versions
    assert (hosts["b"]["postgres"]["memory_mb"], hosts["b"]["disk"]["size_gb"]) == (3584, 128)


STANDBY = {"name": "b", "bundle": "medium_3_0", "origin": "backup"}


@pytest.mark.parametrize(
    ("second", "serving", "followed"), [(STANDBY, "a", ""), (STANDBY, "b", "a"), (TWO_HOSTS[1], "b", "")]
)
def test_who_gives_way_to_a_standby_waits_until_it_follows(second: Any, serving: str, followed: str) -> None:
    hosts = json.dumps([TWO_HOSTS[0], second])
    found = {name: specification(name, postgresHosts=hosts, postgresServing=serving) for name in "ab"}
    assert "".join(name for name, one in found.items() if one["postgres"]["is_followed"]) == followed


def test_a_host_is_restored_from_the_backup_that_the_settings_name() -> None:
    hosts = json.dumps([TWO_HOSTS[0], {**STANDBY, "restoredFrom": "20261121-093000F"}])
    found = [specification(name, postgresHosts=hosts, postgresServing="a")["postgres"] for name in "ab"]
    assert [one["restored_from"] for one in found] == [None, "20261121-093000F"]


def test_without_a_tunnel_cloudflares_networks_reach_the_database() -> None:
    found = specification(databaseRoute="direct", hyperdriveFallback="false")
    assert found["tunnel"] is None
    assert found["pooler"]["takes_plain"] is False
    assert found["tls"]["hostnames"] == ["postgres-dev.automatonicai.com", "localhost"]
    networks = found["network"]["database_networks"]
    assert {"104.16.0.0/13", "2606:4700::/32"} <= set(networks)
    assert not {"0.0.0.0/0", "::/0"} & set(networks)


@pytest.mark.parametrize("route", ["tunnel", "direct"])
def test_the_host_understands_it_once_its_secrets_are_in_place(route: str) -> None:
    # It refuses a key that is missing, and one that it does not know.
    realised = _realised(specification(databaseRoute=route, hyperdriveFallback="false"), spec()["tls"])
    assert parse_specification(realised).postgres.roles[0].name == "owner"


def test_what_is_declared_is_read_back_and_is_not_enough_for_a_host() -> None:
    found = specification()
    assert written(declared(found)) == found
    with pytest.raises(SpecError, match=r"spec\.tls\.key: input should be a valid string"):
        parse_specification(found)


def _realised(value: Any, tls: dict[str, Any]) -> Any:
    """The specification with some value in place of each parameter."""
    match value:
        case {"$parameter": name}:
            kind = name.rpartition("/")[2].removeprefix("tls-")
            return tls.get(kind, "long-enough-secret")
        case dict():
            return {key: _realised(item, tls) for key, item in value.items()}
        case list():
            return [_realised(item, tls) for item in value]
        case _:
            return value
