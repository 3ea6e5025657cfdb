"""A real host: what its certificate is worth to clients, and how it is renewed while they are connected."""

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from host.network.tls import folder
from host.specification.model import Tls
from tests.host.authority import authority, tls
from tests.host.running import HostUnderTest
from tests.waiting import until

pytestmark = pytest.mark.slow

END_MS = 30_000


def with_tls(host: HostUnderTest, **changes: Any) -> dict[str, Any]:
    spec = copy.deepcopy(host.spec)
    spec["tls"] |= changes
    return spec


def signed(generation: str, **changes: Any) -> dict[str, Any]:
    certificate, key = authority(generation).server(**changes)
    return {"certificate": certificate, "key": key}


def switch(host: HostUnderTest, **changes: Any) -> dict[str, Any]:
    """Apply and reload, as the services do; the stage's report."""
    report = host.apply("files", spec=with_tls(host, **changes))
    if "postgres" in report["reload"]:
        host.signal_postgres("HUP")
        host.signal_pooler("HUP")
    assert "postgres" not in report["restart"]
    return report


def trusting(tmp_path: Path, *generations: str) -> str:
    """A client's file of authorities."""
    path = tmp_path / f"{'-'.join(generations)}.crt"
    path.write_text("".join(authority(name).pem for name in generations))
    return str(path)


def is_trusted(host: HostUnderTest, authorities: str, *, through_pooler: bool = False) -> bool:
    try:
        return host.one("app", "SELECT true", through_pooler=through_pooler, sslrootcert=authorities) is True
    except psycopg.OperationalError as error:
        if "certificate verify failed" not in str(error):
            raise
        return False


def test_tls_is_verified_by_name_and_by_address(host: HostUnderTest) -> None:
    used = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert host.one("app", used) is True
    assert host.one("app", used, host="127.0.0.1") is True


def test_a_client_that_trusts_another_authority_does_not_connect(host: HostUnderTest) -> None:
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        host.connect("app", sslrootcert="system")


@pytest.fixture
def own_certificate(host: HostUnderTest) -> Iterator[None]:
    """The host has its own again, whatever became of the test: others' clients trust no other."""
    yield
    switch(host)


@pytest.mark.usefixtures("own_certificate")
def test_an_authority_is_changed_without_a_dropped_connection(host: HostUnderTest, tmp_path: Path) -> None:
    old, new, both = (trusting(tmp_path, *names) for names in (("2026",), ("2027",), ("2026", "2027")))
    with host.connect("app") as held, host.connect("app", through_pooler=True) as pooled:
        # Another certificate of the same authority.
        assert switch(host, **signed("2026"))["changed"] == ["server certificate"]
        until(lambda: is_trusted(host, old))
        # Both are trusted, the new one signs: clients of both, the pooler among them, go on.
        switch(host, **tls("2027", trusted=("2026",)))
        until(lambda: is_trusted(host, new) and is_trusted(host, both))
        assert not is_trusted(host, old)
        until(lambda: is_trusted(host, new, through_pooler=True))
        # The old one is trusted no more.
        switch(host, **tls("2027"))
        until(lambda: is_trusted(host, new, through_pooler=True))
        assert not is_trusted(host, old, through_pooler=True)
        assert held.execute("SELECT 1").fetchone() == (1,)
        # The pooler reconnects: to a server process that is told to end, and has not yet, it would still hand on.
        ended = f"SELECT bool_and(pg_terminate_backend(pid, {END_MS})) FROM pg_stat_activity WHERE usename = 'app'"
        assert host.superuser(ended) == "t"
        assert pooled.execute("SELECT 1").fetchone() == (1,)
    assert switch(host)["changed"] == ["server certificate"]
    until(lambda: is_trusted(host, old))


def other_key() -> dict[str, Any]:
    return {"certificate": tls()["certificate"], "key": signed("2026")["key"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda: signed("2026", days=-1), "the certificate expired on"),
        (lambda: signed("2026", days=0.5), "within a day"),
        (lambda: signed("2027"), "no trusted authority has signed"),
        (lambda: signed("2026", hostnames=("elsewhere",)), "the certificate is not for localhost"),
        (lambda: {"authorities": authority("2027").pem}, "no trusted authority has signed"),
        (other_key, "the key is not the certificate's"),
        (lambda: {"certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, "not readable"),
    ],
    ids=["expired", "ending", "of-another", "other-name", "not-trusted", "other-key", "damaged"],
)
def test_a_bad_certificate_is_refused_and_the_server_goes_on(host: HostUnderTest, changes: Any, message: str) -> None:
    with host.connect("app") as held:
        report = host.apply("files", spec=with_tls(host, **changes()))
        (failure,) = report["failed"]
        assert failure["operation"] == "server certificate"
        assert message in failure["error"]
        assert held.execute("SELECT 1").fetchone() == (1,)
    assert host.one("app", "SELECT 1") == 1
    assert host.apply("files")["changed"] == []


def test_a_bad_certificate_keeps_nothing_else_from_being_applied(host: HostUnderTest) -> None:
    spec = with_tls(host, **signed("2026", days=-1))
    spec["backup"] = spec["backup"] | {"retention_full": 3}
    report = host.apply("files", spec=spec)
    assert (report["changed"], len(report["failed"])) == (["backup settings"], 1)
    assert report["may_go_on"]
    assert host.apply("files")["changed"] == ["backup settings"]


def test_a_certificate_that_ended_in_use_stays_and_is_no_failure(host: HostUnderTest) -> None:
    ended = signed("2026", days=-1)
    texts = {"server.crt": ended["certificate"], "server.key": ended["key"]}
    name = folder(Tls.model_validate_json(json.dumps(host.spec["tls"] | ended)))
    path = host.root / "etc/hybrid"
    host.inside(["cp", "-a", f"{path}/{os.readlink(path / 'tls')}", f"{path}/{name}"])
    for file, text in texts.items():
        host.inside(["sh", "-c", 'printf %s "$1" >"$2"', "sh", text, f"{path}/{name}/{file}"])
    host.inside(["ln", "-sfn", name, f"{path}/tls"])
    report = host.apply("files", spec=with_tls(host, **ended))
    assert (report["changed"], report["failed"]) == ([], [])
    assert host.apply("files")["changed"] == ["server certificate"]


def test_a_certificate_that_was_damaged_is_put_back(host: HostUnderTest) -> None:
    host.inside(["truncate", "--size=0", str(host.root / "etc/hybrid/tls/server.crt")])
    assert switch(host)["changed"] == ["server certificate"]
    assert host.one("app", "SELECT 1") == 1


def test_the_hosts_former_authority_is_removed(host: HostUnderTest) -> None:
    host.inside(["install", "-D", "/dev/null", str(host.root / "etc/hybrid/ca/ca.key")])
    assert host.apply("files")["changed"] == ["former authority"]
    assert not (host.root / "etc/hybrid/ca").exists()
