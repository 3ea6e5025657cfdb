"""What the configuration files say for a specification."""

import re
from typing import Any

import pytest
from jinja2 import UndefinedError

from host.rendering import render
from host.scram import verifier
from host.spec import parse
from host.tasks import cluster, pgbackrest, pooler
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


def test_only_declared_roles_are_let_in_and_only_with_tls() -> None:
    lines = cluster.authentication_text(parse(spec())).splitlines()[1:]
    assert lines[0] == "local all postgres peer"
    assert all(re.fullmatch(r"hostssl clinic \w+ (127\.0\.0\.1/32|::1/128) scram-sha-256", line) for line in lines[1:])
    assert {line.split()[2] for line in lines[1:]} == {"app", "public_read", "migrator", "monitor"}


def test_a_backup_store_on_a_port_is_reached_there() -> None:
    text = pgbackrest.settings_text(parse(spec()))
    assert "repo1-s3-endpoint=localhost\n" in text
    assert "repo1-storage-host=localhost\nrepo1-storage-port=7404\n" in text
    assert "repo1-storage-ca-file=/etc/hybrid/ca/ca.crt\n" in text


def test_a_backup_store_in_the_cloud_is_reached_by_its_name() -> None:
    value = spec()
    value["backup"] |= {"endpoint": "s3.ca-central-1.amazonaws.com", "ca_file": None, "uri_style": "host"}
    text = pgbackrest.settings_text(parse(value))
    assert "repo1-storage" not in text
    assert "repo1-s3-uri-style=host" in text


def test_the_poolers_file_reads_back_as_written() -> None:
    held = {name: verifier(f"{name}-password") for name in ("app", "public_read")}
    text = pooler.passwords_text(held)
    assert pooler.parsed(text.splitlines()) == held
    assert pooler.parsed(["; a comment", '"half']) == {}


def test_the_pooler_verifies_the_server() -> None:
    text = pooler.settings_text(parse(spec()))
    assert "server_tls_sslmode = verify-full" in text
    assert "pool_mode = transaction" in text
    assert "max_prepared_statements = 100" in text
