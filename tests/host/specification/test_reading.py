"""What a specification must be, and how it is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from host.specification.reading import SpecError, load, parse
from tests.host.authority import tls
from tests.host.specs import role, roles, spec


def faults(value: object) -> list[str]:
    with pytest.raises(SpecError) as refused:
        parse(value)
    return str(refused.value).splitlines()


def changed(path: str, value: Any) -> dict[str, Any]:
    whole = spec()
    *folders, last = path.split(".")
    place = whole
    for folder in folders:
        place = place[folder]
    place[last] = value
    return whole


def test_a_whole_specification_is_read() -> None:
    read = parse(spec())
    assert read.postgres.roles[1].reads == ("regulated", "public")
    assert read.backup.ca_file == "/etc/hybrid/tls/authorities.crt"


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    path.write_text(json.dumps(spec()))
    assert load(path) == parse(spec())


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_file_that_is_no_specification_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "host.json"
    path.write_text(content)
    with pytest.raises(SpecError):
        load(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"host\.json: can't be read: No such file"):
        load(tmp_path / "host.json")


def test_all_faults_of_values_are_named_at_once() -> None:
    value = spec(port="7402", memory_mb=None, size="big", roles=[role("app", connection_limit=0)])
    del value["tls"]
    assert faults(value) == [
        "spec.postgres.port: input should be a valid integer",
        "spec.postgres.memory_mb: input should be a valid integer",
        "spec.postgres.roles.app.connection_limit: input should be greater than or equal to 1",
        "spec.postgres.size: unknown",
        "spec.tls: missing",
    ]


def test_all_faults_of_meaning_are_named_at_once() -> None:
    value = spec(roles=[role("app", reads=["elsewhere"], connection_limit=1, acts_as="nobody")])
    value["backup"] |= {"key_type": "process", "key_id": None}
    assert faults(value) == [
        "spec.postgres.roles.app.reads: elsewhere is not a declared schema",
        "spec.postgres.roles.app.acts_as: nobody is not another declared role",
        "spec.pooler.pool_size: 5; app may open 1 connections at most",
        "spec.pooler.roles: public_read is not a declared role",
        "spec.backup.key_secret: only key_type shared has one",
    ]


VENDOR = {"source": "vendor", "timescaledb_edition": "community"}
PINS = {"postgresql": "17.12", "timescaledb": "2.31.2", "pgbackrest": "2.59.0"}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("platform", "laptop", "'lightsail', 'container' or 'local'"),
        ("postgres.port", 0, "greater than or equal to 1"),
        ("postgres.port", True, "valid integer"),
        ("postgres.major", 14, "15, 16, 17 or 18"),
        ("postgres.cpus", 0, "greater than or equal to 1"),
        ("postgres.memory_mb", 8, "greater than or equal to 256"),
        ("postgres.database", "Robert'); DROP", "lower case"),
        ("postgres.database", "template1", "PostgreSQL's own"),
        ("postgres.database", "pgbouncer", "PgBouncer or pg_hba.conf reserves"),
        ("postgres.extensions", ["plpython3u"], "'postgis'"),
        ("postgres.extensions", ["vector", "vector"], "declared 2 times"),
        ("postgres.schemas", [{"name": "cron", "data_class": "none"}], "taken by the host"),
        ("postgres.schemas", [{"name": "monitoring", "data_class": "none"}], "taken by the host"),
        ("postgres.schemas", "public", "valid array"),
        ("postgres.origin", "nothing", "'new' or 'backup'"),
        ("packages", VENDOR | {"versions": {"postgresql": "17.12"}}, "timescaledb: missing"),
        ("packages", VENDOR | {"versions": PINS | {"postgresql": "16.16"}}, "16.16 is not of PostgreSQL 17"),
        ("packages.versions", PINS, "leave empty"),
        ("packages.timescaledb_edition", "community", "apache edition only"),
        ("disk", {"path": "xvdf; reboot", "size_gb": 64}, "is not a device"),
        ("network.ssh_networks", ["203.0.113.7/24"], "last bits are zero"),
        ("network.database_networks", ["0.0.0.0/0"], "open to the world"),
        ("network.database_networks", ["::/0"], "open to the world"),
        ("pooler.pool_size", 11, "app may open 10 connections at most"),
        ("pooler.roles", ["owner"], "has no password"),
        ("pooler.port", 7402, "is PostgreSQL's"),
        ("backup.key_secret", "one\nrepo1-path=/elsewhere", "one line of text"),
        ("backup.key_id", None, "missing"),
        ("backup.key_type", "process", "only key_type shared"),
        ("backup.stanza", "main; reboot", "letters, digits"),
        ("backup.endpoint", "https://elsewhere", "is not a host name"),
        ("backup.ca_file", "ca.crt\nrepo1-path=/", "is not an absolute path"),
        ("backup.ca_file", 5, "valid string"),
        ("backup.copy", {"endpoint": "localhost:7404", "bucket": "backups", "region": "a"}, "is the repository itself"),
        ("backup.copy", {"endpoint": "https://elsewhere", "bucket": "b", "region": "a"}, "is not a host name"),
        ("backup.schedule.full_day", "Sunday", "'sunday'"),
        ("backup.schedule.verify_day", "daily", "'monday'"),
        ("backup.schedule.time", "24:00", "is not a time such as 07:15"),
        ("backup.schedule.time", "7:15", "is not a time such as 07:15"),
        ("backup.archive_timeout_seconds", 29, "greater than or equal to 30"),
        ("backup.archive_timeout_seconds", 301, "less than or equal to 300"),
        ("backup.archive_queue_max_mb", 63, "greater than or equal to 64"),
        ("backup.archive_queue_max_mb", 1048577, "less than or equal to 1048576"),
        ("backup.recovery_point_seconds", 29, "greater than or equal to 30"),
        ("backup.recovery_time_seconds", 86401, "less than or equal to 86400"),
        ("backup.alarm_namespace", "AWS/EC2", "not AWS/ in front"),
        ("backup.alarm_namespace", "Hybrid/Host", "the metrics need the host's name"),
        ("backup.alarm_host", "one\ntwo", "one line of text"),
        ("tls.hostnames", [], "at least 1"),
        ("tls.hostnames", ["localhost'; reboot"], "not a host name"),
        ("tls.addresses", ["127.0.0.1", "300.1.1.1"], "not an IP address"),
        ("tls.addresses", [], "127.0.0.1 is missing"),
        ("tls.certificate", "certificate", "is not a PEM file"),
        ("tls.key", tls()["certificate"], "PRIVATE KEY is needed"),
        ("tunnel", {"token": "one\ntwo"}, "one line of text"),
    ],
)
def test_a_wrong_value_is_refused(path: str, value: Any, message: str) -> None:
    assert any(message in fault for fault in faults(changed(path, value)))


def test_a_tunnel_leaves_no_network_to_reach_the_database() -> None:
    value = changed("tunnel", {"token": "token"}) | {"network": {"ssh_networks": [], "database_networks": ["::1/128"]}}
    assert "with a tunnel" in faults(value)[0]


@pytest.mark.parametrize("name", ["postgres", "public", "pg_monitor", "App", "a-b", "", "app"])
def test_a_wrong_role_name_is_refused(name: str) -> None:
    assert faults(spec(roles=[role("app"), role("public_read"), role(name)]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"acts_as": "one"}, "acts_as: one is not another declared role"),
        ({"acts_as": "migrator"}, "acts_as: migrator acts as another itself"),
        ({"acts_as": "owner", "creates": ["public"]}, "creates: what it makes belongs to owner"),
        ({"creates": ["public"]}, "2 create in the schema 'public'; it has one owner"),
        ({"password": None}, "password: missing"),
        ({"way_in": "socket", "password": "12345678"}, "password: only a role that logs in by password"),
        ({"way_in": "none", "password": "12345678"}, "password: only a role that logs in by password"),
        ({"is_backup": True, "way_in": "socket"}, "backup, one: one role at most is for backups"),
        ({"way_in": "cellar"}, "way_in: input should be 'password', 'socket' or 'none'"),
    ],
)
def test_a_role_that_contradicts_itself_or_another_is_refused(changes: dict[str, Any], message: str) -> None:
    found = faults(spec(roles=[*roles(), role("one", **changes)]))
    assert any(message in fault for fault in found), found


@pytest.mark.parametrize("password", ["short", "with\nnewline", "with space", "pässwörd-long"])
def test_a_wrong_password_is_refused_without_being_shown(password: str) -> None:
    (fault,) = faults(spec(roles=[role("app", password=password), role("public_read")]))
    assert "roles.app.password: 8 to 200 printable" in fault
    assert password not in fault


@pytest.mark.parametrize(
    "path", ["postgres.roles", "backup.key_secret", "backup.cipher_passphrase", "tls.key", "tunnel"]
)
def test_a_secret_in_a_wrong_place_or_shape_is_not_shown(path: str) -> None:
    for value in ({"hidden": "s3cret\nvalue"}, ["s3cret\nvalue"], "s3cret\nvalue", {"token": "s3cret\nvalue"}):
        assert "s3cret" not in "\n".join(faults(changed(path, value)))


def test_a_secret_is_in_no_representation() -> None:
    shown = repr(parse(changed("tunnel", {"token": "token-1"})))
    for secret in ("Pass'word", "key-secret-1", "passphrase-1", "token-1", "PRIVATE KEY"):
        assert secret not in shown
