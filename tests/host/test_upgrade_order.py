"""Packages that are held, and TimescaleDB before PostgreSQL: a booted machine with a repository of newer packages."""

from collections.abc import Iterator
from typing import Any

import pytest

from host import packages
from tests.host.bare_machine import BareMachine
from tests.host.declared_machine import declared
from tests.host.trial_repository import KEY, TrialRepository, with_trial_keys

pytestmark = pytest.mark.slow

TIMESCALEDB = "timescaledb-2-oss-postgresql-17"
NOW = {"postgresql": "17.11", "timescaledb": "2.19.3", "pgbackrest": "2.55.1"}
NEXT = NOW | {"postgresql": "17.99", "timescaledb": "2.31.9"}


def pinned(versions: dict[str, str]) -> dict[str, Any]:
    return declared(packages={"source": "vendor", "timescaledb_edition": "apache", "versions": versions})


@pytest.fixture(scope="module")
def machine(converged: BareMachine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareMachine]:
    """A converged machine that has its packages from vendors, and knows of newer ones."""
    converged.playbook = with_trial_keys(tmp_path_factory.mktemp("playbook"), converged.root)
    with converged.booted():
        report = converged.converge(declared())
        assert report["exit"] == 0, report["words"]
        repository = TrialRepository(converged)
        repository.add("postgresql-17-timescaledb", "2.19.3~debian13-1", name=TIMESCALEDB)
        newer = {"2.19.3": "2.31.9", "2.19.2": "2.19.3"}
        repository.add("postgresql-17-timescaledb", "2.31.9~debian13-1", name=TIMESCALEDB, files=newer)
        for name in ("postgresql-17", "postgresql-client-17"):
            repository.add(name, "17.98-1")
            repository.add(name, "17.99-1")
        repository.add("pgbackrest", "2.99.0-1")
        repository.add("openssl", "9.9.9-1")
        repository.publish()
        yield converged


def installed(machine: BareMachine, name: str) -> str:
    return packages.upstream(machine.told("dpkg-query", "--show", "--showformat=${Version}", name))


def extension(machine: BareMachine) -> str:
    query = "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
    return machine.told("runuser", "-u", "postgres", "--", "psql", "-XqAt", "-p", "7402", "-d", "clinic", "-c", query)


def test_neither_upgrade_nor_unattended_upgrade_takes_what_is_held(machine: BareMachine) -> None:
    before = {name: installed(machine, name) for name in ("postgresql-17", "pgbackrest")}
    assert "openssl" in machine.told("apt-get", "--simulate", "upgrade")
    taken = machine.told("unattended-upgrade", "--dry-run", "--verbose")
    assert "Packages that will be upgraded: openssl\n" in f"{taken}\n"
    machine.told("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", "upgrade")
    assert installed(machine, "openssl") == "9.9.9"
    assert {name: installed(machine, name) for name in before} == before


def test_a_key_with_another_fingerprint_is_not_taken(machine: BareMachine) -> None:
    report = machine.converge(pinned(NOW))
    assert report["exit"] == 1
    assert report["failed"][0]["operation"] == "key of packagecloud.io"
    assert installed(machine, "postgresql-17") == "17.11"


def trust(machine: BareMachine) -> None:
    path = packages.TIMESCALE_KEY.path
    machine.told("install", "-D", "--mode=644", KEY, path)


def test_what_is_outside_the_pins_is_never_chosen(machine: BareMachine) -> None:
    trust(machine)
    report = machine.converge(pinned(NOW))
    assert report["exit"] == 0, report["words"]
    policy = machine.told("apt-cache", "policy", "postgresql-17", TIMESCALEDB, "pgbackrest")
    candidates = [line.split()[1] for line in policy.splitlines() if "Candidate:" in line]
    assert list(map(packages.upstream, candidates)) == ["17.11", "2.19.3", "2.55.1"]
    assert machine.converge(pinned(NOW))["changed"] == {}


def test_a_version_that_no_repository_has_is_named(machine: BareMachine) -> None:
    report = machine.converge(pinned(NOW | {"timescaledb": "2.77.0"}))
    assert report["failed"][0]["error"].startswith(f"no repository has {TIMESCALEDB} 2.77.0")
    assert installed(machine, TIMESCALEDB) == "2.19.3"


def test_postgresql_is_not_upgraded_before_its_databases(machine: BareMachine) -> None:
    trust(machine)
    assert "TimescaleDB's package" in machine.apply("packages", pinned(NEXT))["changed"]
    assert (installed(machine, TIMESCALEDB), installed(machine, "postgresql-17")) == ("2.31.9", "17.11")
    assert extension(machine) == "2.19.3"
    report = machine.apply("upgrade", pinned(NEXT))
    assert report["failed"][0]["error"] == (
        "database clinic has TimescaleDB 2.19.3, 2.31.9 is installed: ALTER EXTENSION timescaledb UPDATE first"
    )
    assert installed(machine, "postgresql-17") == "17.11"


def test_a_run_after_the_killed_one_finishes_in_the_right_order(machine: BareMachine) -> None:
    report = machine.converge(pinned(NEXT))
    assert report["exit"] == 0, report["words"]
    assert "extension timescaledb" in report["changed"]["database"]
    assert report["changed"]["upgrade"][0] == "PostgreSQL's packages"
    assert (installed(machine, "postgresql-17"), extension(machine)) == ("17.99", "2.31.9")
    assert {"postgresql-17", TIMESCALEDB} <= set(machine.told("apt-mark", "showhold").split())
    assert machine.converge(pinned(NEXT))["changed"] == {}


def test_an_older_version_is_refused(machine: BareMachine) -> None:
    report = machine.converge(pinned(NEXT | {"postgresql": "17.98"}))
    assert "17.99 is installed, older 17.98 is declared" in report["failed"][0]["error"]
