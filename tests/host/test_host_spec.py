"""What a specification must be, and how it is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from host.spec import SpecError, load, parse
from tests.host.specs import role, spec


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
    assert read.postgres.roles[0].reads == ("regulated", "public")
    assert read.backup.ca_file == "/etc/hybrid/ca/ca.crt"


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


def test_all_faults_of_shape_are_named_at_once() -> None:
    value = spec(port="7402", memory_mb=None, size="big")
    del value["tls"]
    assert faults(value) == [
        "spec.tls: missing",
        "spec.postgres.size: unknown; allowed: major, port, memory_mb, cpus, database, extensions, schemas, roles",
        "spec.postgres.port: a value of type int is needed, not str",
        "spec.postgres.memory_mb: a value of type int is needed, not NoneType",
    ]


def test_all_faults_of_meaning_are_named_at_once() -> None:
    value = spec(memory_mb=8, roles=[role("app", reads=["elsewhere"], connection_limit=0)])
    assert faults(value) == [
        "spec.postgres.memory_mb: 8 is too little; at least 256",
        "spec.postgres.roles.app.reads: elsewhere is no declared schema",
        "spec.postgres.roles.app.connection_limit: 0; at least 1",
        "spec.pooler.pool_size: 5; app may open 0 connections at most",
        "spec.pooler.roles: public_read is no declared role",
    ]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("postgres.port", 0, "0 is no port"),
        ("postgres.port", True, "not bool"),
        ("postgres.major", 14, "one of 15, 16, 17"),
        ("postgres.cpus", 0, "at least 1"),
        ("postgres.database", "Robert'); DROP", "lower case"),
        ("postgres.extensions", ["plpython3u"], "one of postgis"),
        ("postgres.schemas", [{"name": "cron", "data_class": "none"}], "taken by the host"),
        ("postgres.schemas", "public", "a list is needed"),
        ("platform", "laptop", "unknown; allowed: postgres"),
        ("pooler.pool_size", 11, "app may open 10 connections at most"),
        ("postgres.major", 17.0, "one of 15, 16, 17"),
        ("backup.key_secret", "one\nrepo1-path=/elsewhere", "one line of text"),
        ("backup.stanza", "main; reboot", "letters, digits"),
        ("tls.hostnames", [], "at least one"),
        ("tls.hostnames", ["localhost'; reboot"], "no host name"),
        ("tls.addresses", ["127.0.0.1", "300.1.1.1"], "no IP address"),
        ("tls.addresses", [], "127.0.0.1 is missing"),
        ("backup.ca_file", 5, "one line of text"),
    ],
)
def test_a_wrong_value_is_refused(path: str, value: Any, words: str) -> None:
    assert any(words in fault for fault in faults(changed(path, value)))


@pytest.mark.parametrize("name", ["postgres", "pg_monitor", "App", "a-b", "", "app"])
def test_a_wrong_role_name_is_refused(name: str) -> None:
    roles = [role("app"), role("public_read"), role(name)]
    assert faults(spec(roles=roles))


@pytest.mark.parametrize("password", ["short", "with\nnewline", "with space", "pässwörd-long"])
def test_a_wrong_password_is_refused_without_being_shown(password: str) -> None:
    (fault,) = faults(spec(roles=[role("app", password=password), role("public_read")]))
    assert "password" in fault
    assert "needed" in fault
    assert password not in fault


def test_a_secret_is_in_no_representation() -> None:
    shown = repr(parse(spec()))
    assert "Pass'word" not in shown
    assert "key-secret-1" not in shown
    assert "passphrase-1" not in shown
