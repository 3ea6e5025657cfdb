"""Names, pins, sources and the upgrade's order, as data."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from host.packages import catalogue, install
from host.specification.model import Spec
from host.specification.reading import parse
from tests.host.specs import spec

PINS = {"postgresql": "17.12", "timescaledb": "2.31.2", "pgbackrest": "2.59.0"}


def vendor(*, edition: str = "community", tunnel: bool = False, **changes: Any) -> Spec:
    value = spec() | {
        "platform": "lightsail",
        "packages": {"source": "vendor", "timescaledb_edition": edition, "versions": PINS},
        "tunnel": {"token": "token-1"} if tunnel else None,
    }
    return parse(value | changes)


def test_the_local_root_has_what_the_playbook_wants_of_it() -> None:
    assert catalogue.wanted(parse(spec())) == catalogue.LOCAL


@pytest.mark.parametrize(
    ("edition", "name"),
    [("community", "timescaledb-2-postgresql-17"), ("apache", "timescaledb-2-oss-postgresql-17")],
)
def test_an_edition_is_one_package_of_two(edition: str, name: str) -> None:
    found = [one for one in catalogue.wanted(vendor(edition=edition)) if "timescaledb" in one]
    assert found == [name]


def test_the_tunnels_program_is_wanted_with_a_tunnel_only() -> None:
    assert "cloudflared" in catalogue.wanted(vendor(tunnel=True))
    assert "cloudflared" not in catalogue.wanted(vendor())


def test_all_of_the_databases_packages_are_held() -> None:
    held = catalogue.held(vendor())
    assert set(catalogue.postgres_packages(17, "vendor", "community")) < set(held)
    assert set(catalogue.pinned(vendor())) <= set(held)


def test_a_pin_names_one_upstream_version_and_forbids_all_others() -> None:
    text = catalogue.preferences(vendor())
    assert "Package: postgresql-17\nPin: version /^17\\.12[-~+]/\nPin-Priority: 1000\n" in text
    # The first record that fits a package counts: the ban comes after the pins.
    assert text.index("Pin: version *\nPin-Priority: -1") > text.index("Package: pgbackrest\n")


def test_a_vendor_brings_nothing_but_what_it_is_for() -> None:
    text = catalogue.preferences(vendor(tunnel=True))
    for origin in ("packagecloud.io", "pkg.cloudflare.com"):
        assert f'Package: *\nPin: origin "{origin}"\nPin-Priority: -1\n' in text


@pytest.mark.parametrize(
    ("version", "expected"), [("1.18.0-1+deb12u1", False), ("1.9.0-2", False), ("1.24.1-1", True), ("1.21.0-1", True)]
)
def test_no_pooler_without_prepared_statements_is_installed(version: str, expected: bool) -> None:
    stanza = next(
        one for one in catalogue.preferences(vendor()).split("\n\n") if one.startswith("Package: pgbouncer\n")
    )
    (forbidden,) = re.findall(r"Pin: version /(.*)/\nPin-Priority: -1", stanza)
    assert (re.search(forbidden, version) is None) is expected


def test_debians_own_packages_need_no_pins_and_no_sources() -> None:
    own = parse(spec() | {"platform": "lightsail"})
    assert (catalogue.preferences(own), catalogue.sources(own, "debian", "trixie"), catalogue.archive_keys(own)) == (
        "",
        "",
        (),
    )


@pytest.mark.parametrize(("distribution", "codename"), [("debian", "bookworm"), ("ubuntu", "noble")])
def test_every_source_is_signed_by_its_own_key(distribution: str, codename: str) -> None:
    stanzas = catalogue.sources(vendor(tunnel=True), distribution, codename).split("\n\n")
    assert [stanza.count("Signed-By: /") for stanza in stanzas] == [1, 1, 1, 1]
    assert f"Suites: {codename}-pgdg\n" in stanzas[0]
    assert f"packagecloud.io/timescale/timescaledb/{distribution}/" in stanzas[2]
    assert all("URIs: https://" in stanza for stanza in stanzas)


@pytest.mark.parametrize(
    ("version", "expected"),
    [("17.12-1.pgdg12+1", "17.12"), ("2.31.2~debian12-1708", "2.31.2"), ("2.19.3+dfsg-1+deb13u1", "2.19.3")],
)
def test_the_upstream_version_is_read_from_a_packages(version: str, expected: str) -> None:
    assert catalogue.upstream(version) == expected


def test_a_locked_apt_is_waited_for_and_what_fails_otherwise_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "LOCK_SECONDS", 0)
    monkeypatch.setattr(install, "LOCK_TRIES", 3)
    message = "echo 'E: Could not get lock /var/lib/apt/lists/lock.' >&2"
    for end, expected, count in (
        (f"test $(wc -l <{tmp_path}/a) -gt 1 || {{ {message}; false; }}", 0, 2),
        (f"{{ {message}; exit 100; }}", 100, 3),
        ("exit 7", 7, 1),
    ):
        (tmp_path / "a").unlink(missing_ok=True)
        command = install.patient(f"echo >>{tmp_path}/a; {end}")
        assert subprocess.run(["sh", "-c", command], capture_output=True, timeout=20).returncode == expected
        assert (tmp_path / "a").read_text().count("\n") == count


def test_an_older_pin_is_a_downgrade() -> None:
    changes = catalogue.newer(
        {"postgresql-17": "17.12-1", "pgbackrest": "2.58.0-1"}, catalogue.pinned(vendor()), ["pgbackrest"]
    )
    assert changes == {"pgbackrest": ("2.58.0", "2.59.0")}
    assert catalogue.downgrades(changes) == []
    older = catalogue.newer({"pgbackrest": "2.60.0-1"}, catalogue.pinned(vendor()), ["pgbackrest"])
    assert catalogue.downgrades(older) == ["pgbackrest 2.60.0 is installed, older 2.59.0 is declared"]


def test_postgresql_waits_for_timescaledb_in_every_database() -> None:
    faults = catalogue.upgrade_faults("17.12", "2.31.2", {"clinic": "2.31.2", "other": "2.19.3"})
    assert faults == [
        "database other has TimescaleDB 2.19.3, 2.31.2 is installed: ALTER EXTENSION timescaledb UPDATE first"
    ]
    assert catalogue.upgrade_faults("17.12", "2.31.2", {"clinic": "2.31.2"}) == []


def test_postgresql_is_not_upgraded_past_what_timescaledb_bears() -> None:
    faults = catalogue.upgrade_faults("17.12", "2.30.0", {"clinic": "2.30.0"})
    assert faults == ["PostgreSQL 17.12 needs TimescaleDB 2.31.2; 2.30.0 is installed"]
