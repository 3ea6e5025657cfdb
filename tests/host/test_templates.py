"""What the configuration files say for a specification."""

import re
from typing import Any

import pytest
from jinja2 import UndefinedError

from host.backup import repository
from host.common import rendering
from host.common.rendering import grammar_fault, render
from host.database import cluster, pooler
from host.database.roles import verifier
from host.specification.reading import parse
from tests.host.specs import spec


def settings_of(**changes: Any) -> dict[str, str]:
    text = cluster.settings_text(parse(spec(**changes)))
    return dict(re.findall(r"^([a-z_.]+) = '?(.*?)'?$", text, re.MULTILINE))


def test_a_value_that_nobody_gave_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("pg_hba.conf.j2")


def test_the_server_listens_on_loopback_alone() -> None:
    assert settings_of()["listen_addresses"] == "127.0.0.1"


def test_what_needs_preloading_is_preloaded() -> None:
    assert settings_of()["shared_preload_libraries"] == "timescaledb,pg_cron,pg_stat_statements"


def test_an_extension_that_is_not_declared_has_no_settings() -> None:
    settings = settings_of(extensions=["postgis"])
    assert settings["shared_preload_libraries"] == ""
    assert not [name for name in settings if name.startswith(("cron.", "timescaledb.", "pg_stat_statements."))]


def test_nothing_leaves_the_country_or_runs_as_superuser() -> None:
    settings = settings_of()
    assert settings["timescaledb.telemetry_level"] == "off"
    assert settings["cron.enable_superuser_jobs"] == "off"
    assert settings["cron.use_background_workers"] == "on"


def test_an_older_server_gets_no_setting_that_it_does_not_know() -> None:
    assert "allow_alter_system" in settings_of()
    assert "allow_alter_system" not in settings_of(major=16)


def test_a_slot_that_nobody_reads_is_given_up_at_a_tenth_of_the_disk() -> None:
    text = cluster.settings_text(parse(spec() | {"disk": {"path": "/dev/xvdf", "size_gb": 80}}))
    assert "\nmax_slot_wal_keep_size = 8192MB\n" in text
    # Where no disk is declared it shares one: it has the limit of the log itself, and as much again.
    settings = settings_of()
    assert settings["max_slot_wal_keep_size"] == f"{2 * int(settings['max_wal_size'].removesuffix('MB'))}MB"


def rules(**changes: Any) -> list[str]:
    value = spec(**changes.pop("postgres", {})) | changes
    return [line for line in cluster.authentication_text(parse(value)).splitlines() if not line.startswith("#")]


def test_only_declared_roles_are_let_in_with_tls_or_by_the_poolers_socket() -> None:
    lines = rules()
    assert lines[:5] == [
        "local all postgres peer",
        "local replication postgres peer",
        "local clinic backup peer map=backup",
        "local clinic app scram-sha-256",
        "local clinic public_read scram-sha-256",
    ]
    assert all(re.fullmatch(r"hostssl clinic \w+ (127\.0\.0\.1/32|::1/128) scram-sha-256", line) for line in lines[5:])
    assert {line.split()[2] for line in lines[5:]} == {"app", "read_only", "public_read", "migrator", "monitor"}


def test_a_host_that_does_not_serve_lets_no_client_in_and_runs_no_job() -> None:
    left = rules(postgres={"is_serving": False})
    assert left
    assert all(line.startswith("local ") for line in left)
    settings = settings_of(is_serving=False)
    assert settings["default_transaction_read_only"] == "on"
    assert settings["cron.launch_active_jobs"] == "off"
    assert settings["timescaledb.max_background_workers"] == "0"
    assert "default_transaction_read_only" not in settings_of()


def test_networks_beyond_loopback_need_a_client_certificate() -> None:
    network = {"ssh_networks": [], "database_networks": ["203.0.113.0/24", "2001:db8::/32"]}
    beyond = [line for line in rules(network=network) if "127.0.0.1" not in line and "::1/128" not in line]
    assert beyond[5:] == [
        f"hostssl clinic {role} {place} scram-sha-256 clientcert=verify-full"
        for role in ("app", "public_read")
        for place in network["database_networks"]
    ]


def test_the_system_user_of_the_server_is_the_backup_role_too() -> None:
    assert cluster.name_map_text(parse(spec())).splitlines()[1:] == ["backup postgres backup"]


def test_a_standby_has_no_less_than_the_server_that_it_follows() -> None:
    minimums = {"max_connections": 400, "max_worker_processes": 1, "max_wal_senders": 12}
    text = cluster.settings_text(parse(spec()), minimums)
    settings = dict(re.findall(r"^([a-z_.]+) = '?(.*?)'?$", text, re.MULTILINE))
    assert settings["max_connections"] == "400"
    assert int(settings["max_worker_processes"]) > 1
    assert settings["max_wal_senders"] == "12"


def test_a_standby_of_a_server_of_its_own_size_has_no_settings_but_its_own() -> None:
    declared = parse(spec())
    tuning = settings_of()
    minimums = {name: int(tuning[name]) for name in ("max_connections", "max_worker_processes")}
    minimums |= {"max_wal_senders": 10, "max_prepared_transactions": 0, "max_locks_per_transaction": 64}
    assert cluster.settings_text(declared, minimums) == cluster.settings_text(declared)


@pytest.mark.parametrize(("edition", "license"), [("community", "timescale"), ("apache", "apache")])
def test_the_license_is_that_of_the_edition(edition: str, license: str) -> None:
    value = spec()
    pins = {"postgresql": "17.12", "timescaledb": "2.31.2", "pgbackrest": "2.59.0"}
    value["packages"] = {"source": "vendor", "timescaledb_edition": edition, "versions": pins}
    assert f"timescaledb.license = '{license}'\n" in cluster.settings_text(parse(value))


def test_a_hosts_own_identity_gives_the_credentials_for_backups() -> None:
    value = spec()
    value["backup"] |= {"key_type": "process", "key_id": None, "key_secret": None}
    text = repository.settings_text(parse(value))
    assert "repo1-s3-key-type=process\n" in text
    command = "repo1-s3-process-cmd=/usr/bin/cat\nrepo1-s3-process-cmd=/run/hybrid/backup-credentials.json\n"
    assert command in text
    assert "repo1-s3-key=" not in text


def test_a_backup_store_on_a_port_is_reached_there() -> None:
    text = repository.settings_text(parse(spec()))
    assert "repo1-s3-endpoint=localhost\n" in text
    assert "repo1-storage-host=localhost\nrepo1-storage-port=7404\n" in text
    assert "repo1-storage-ca-file=/etc/hybrid/tls/authorities.crt\n" in text


def test_a_backup_store_in_the_cloud_is_reached_by_its_name() -> None:
    value = spec()
    value["backup"] |= {"endpoint": "s3.ca-central-1.amazonaws.com", "ca_file": None, "uri_style": "host"}
    text = repository.settings_text(parse(value))
    assert "repo1-storage" not in text
    assert "repo1-s3-uri-style=host" in text


def test_the_log_that_waits_has_the_declared_limit_and_pace() -> None:
    value = spec()
    value["backup"] |= {"archive_queue_max_mb": 512, "archive_timeout_seconds": 30, "retention_full": 3}
    text = repository.settings_text(parse(value))
    for line in ("archive-push-queue-max=512MiB", "archive-async=y", "repo1-block=y", "repo1-retention-full=3"):
        assert f"\n{line}\n" in text
    assert grammar_fault(text, rendering.BACKUPS_GRAMMAR) is None
    settings = cluster.settings_text(parse(value))
    assert "\narchive_timeout = 30\n" in settings
    assert "\ncheckpoint_timeout = 30\n" in settings
    assert "\nhybrid.archive_queue_max_mb = 512\nhybrid.recovery_point_seconds = 120\n" in settings


def test_the_poolers_file_reads_back_as_written() -> None:
    held = {name: verifier(f"{name}-password") for name in ("app", "public_read")}
    text = pooler.passwords_text(held)
    assert pooler.parsed(text.splitlines()) == held
    assert pooler.parsed(["; a comment", '"half']) == {}


@pytest.mark.parametrize(
    ("platform", "takes_plain", "mode"),
    [
        ("lightsail", False, "require"),
        # What comes by the direct path has the tunnel's TLS alone.
        ("lightsail", True, "prefer"),
        ("container", False, "prefer"),
        ("local", False, "prefer"),
    ],
)
def test_a_host_in_the_cloud_pools_no_client_without_tls(platform: str, takes_plain: bool, mode: str) -> None:
    pooled = parse(spec()).pooler.model_copy(update={"takes_plain": takes_plain})
    declared = parse(spec()).model_copy(update={"platform": platform, "pooler": pooled})
    assert f"client_tls_sslmode = {mode}\n" in pooler.settings_text(declared)


def test_the_pooler_reaches_the_server_by_its_socket() -> None:
    text = pooler.settings_text(parse(spec()))
    assert "clinic = host=/run/postgresql port=7402 dbname=clinic" in text
    assert "pool_mode = transaction" in text
    assert "max_prepared_statements = 100" in text
