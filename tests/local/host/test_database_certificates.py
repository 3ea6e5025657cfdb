"""The local database's authorities follow the declared generations."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from host.network.tls import faults
from host.specification.model import Tls
from local.common import certificates
from local.common.state import State
from local.host import database_certificates
from local.host.database_certificates import ensure


def made(state: State, *generations: str) -> Tls:
    return ensure(state, generations)


def test_the_host_takes_what_is_made_for_it(state: State) -> None:
    assert faults(made(state, "2026"), datetime.now(UTC)) == []


def test_a_second_run_makes_nothing_new(state: State) -> None:
    assert made(state, "2026") == made(state, "2026")


def test_a_rotation_goes_over_both_authorities(state: State) -> None:
    old = made(state, "2026")
    both = made(state, "2026", "2027")
    new = made(state, "2027")
    assert both.authorities == old.authorities + new.authorities
    assert both.certificate == new.certificate != old.certificate
    assert [path.name for path in state.tls.glob("*2026*")] == []
    assert faults(Tls(**(dict(both) | {"authorities": old.authorities})), datetime.now(UTC)) == [
        "no trusted authority has signed the certificate"
    ]


def test_the_certificate_is_renewed_before_its_end(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "VALID_FOR", timedelta(days=29))
    old = made(state, "2026")
    monkeypatch.undo()
    new = made(state, "2026")
    assert new.certificate != old.certificate
    assert new.authorities == old.authorities


@pytest.mark.parametrize("file", ["database.crt", "database.key"])
def test_a_damaged_file_is_recreated(state: State, file: str) -> None:
    old = made(state, "2026")
    (state.tls / file).write_text("damaged")
    new = made(state, "2026")
    assert new.certificate != old.certificate
    assert faults(new, datetime.now(UTC)) == []


def test_keys_are_for_the_user_only(state: State) -> None:
    ensure(state, ["2026"])
    assert {path.stat().st_mode & 0o777 for path in state.tls.glob("*.key")} == {0o600}


def test_an_authority_signs_for_this_machine_alone(state: State, tmp_path: Path) -> None:
    tls = made(state, "2026")
    (tmp_path / "ca.crt").write_text(tls.authorities)
    (found,) = ssl.create_default_context(cafile=tmp_path / "ca.crt").get_ca_certs()
    assert found["subject"] == ((("commonName", "Local database authority 2026"),),)
    assert database_certificates.HOSTNAMES == ("localhost",)
