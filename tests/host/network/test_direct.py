"""A real host that clients reach without a tunnel: with TLS and certificates on both sides, from some networks."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.host.authority import authority, tls
from tests.host.running import HostUnderTest

pytestmark = pytest.mark.slow

# To Linux all of 127.0.0.0/8 is this machine, and who connects to such an address comes from 127.0.0.1: the lines of
# the host's own clients come first, so these tests leave them out.
NETWORK = "127.0.0.0/8"


def direct(host: HostUnderTest) -> dict[str, Any]:
    spec = copy.deepcopy(host.spec)
    spec["network"]["database_networks"] = [NETWORK]
    return spec


@pytest.fixture(scope="module")
def open_host(host: HostUnderTest) -> Iterator[HostUnderTest]:
    """The host without a tunnel, and back again."""
    report = host.apply("files", spec=direct(host))
    assert report["changed"] == ["PostgreSQL settings", "client authentication rules"]
    rules = host.root / "etc/postgresql/17/main/pg_hba.conf"
    host.inside(["sed", "-i", "/127.0.0.1.32/d", str(rules)])
    host.restart_postgres()
    yield host
    host.apply("files")
    host.restart_postgres()


def client(tmp_path: Path, name: str, *, generation: str = "2026", days: float = 1) -> dict[str, Any]:
    """A connection's parameters with a client certificate for `name`."""
    certificate, key = authority(generation).client(name, days=days)
    files = {"sslcert": certificate, "sslkey": key}
    for parameter, text in files.items():
        (tmp_path / parameter).write_text(text)
        (tmp_path / parameter).chmod(0o600)
    return {parameter: str(tmp_path / parameter) for parameter in files}


@pytest.mark.parametrize("role", ["app", "public_read"])
def test_a_role_connects_with_its_certificate_and_password(open_host: HostUnderTest, tmp_path: Path, role: str) -> None:
    shown = "SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    assert open_host.one(role, shown, **client(tmp_path, role)) == f"/CN={role}"


@pytest.mark.parametrize(
    ("role", "changes", "message"),
    [
        ("app", {"name": "public_read"}, "authentication failed"),
        ("app", {"name": "app", "generation": "2027"}, "unknown ca"),
        ("app", {"name": "app", "days": -1}, "certificate expired"),
        ("migrator", {"name": "migrator"}, r"no pg_hba\.conf entry"),
    ],
    ids=["of-another-role", "of-another-authority", "expired", "of-a-role-that-stays-inside"],
)
def test_a_wrong_client_certificate_is_refused(
    open_host: HostUnderTest, tmp_path: Path, role: str, changes: Any, message: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match=message):
        open_host.connect(role, **client(tmp_path, **changes))


def test_a_client_without_a_certificate_is_refused(open_host: HostUnderTest) -> None:
    with pytest.raises(psycopg.OperationalError, match="requires a valid client certificate"):
        open_host.connect("app", sslcert="", sslkey="", sslcertmode="disable")


def test_a_certificate_does_not_replace_the_password(open_host: HostUnderTest, tmp_path: Path) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        open_host.connect("app", password="wrong-password", **client(tmp_path, "app"))


def test_the_server_listens_beyond_loopback_only_without_a_tunnel(open_host: HostUnderTest) -> None:
    assert open_host.superuser("SHOW listen_addresses") == "*"
    assert open_host.superuser("SHOW ssl_ca_file") == "/etc/hybrid/tls/authorities.crt"
    assert tls()["authorities"] == open_host.inside(["cat", str(open_host.authorities)]).stdout
