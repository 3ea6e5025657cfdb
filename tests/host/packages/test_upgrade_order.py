"""Packages that are held, and TimescaleDB before PostgreSQL: a booted machine with a repository of newer packages."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from host.packages import catalogue
from host.specification.versions import number
from tests.host.bare_machine import MARKS, BareMachine
from tests.host.declared_machine import declared
from tests.host.trial_repository import KEY, ONLY, TrialRepository, files, version, with_trial_keys

pytestmark = MARKS

POSTGRESQL, TIMESCALEDB = "postgresql-17", "timescaledb-2-oss-postgresql-17"
OF_DEBIAN = {"postgresql": POSTGRESQL, "timescaledb": "postgresql-17-timescaledb", "pgbackrest": "pgbackrest"}


@pytest.fixture(scope="module")
def now(converged: BareMachine) -> dict[str, str]:
    """Versions that Debian has today; its archive keeps no others."""
    return {name: version(converged, package) for name, package in OF_DEBIAN.items()}


@pytest.fixture(scope="module")
def later(now: dict[str, str]) -> dict[str, str]:
    """Versions for the trial repository; TimescaleDB's as long as today's, which it replaces in compiled files."""
    major, _, rest = now["timescaledb"].partition(".")
    return now | {"postgresql": "17.99", "timescaledb": f"{major}.{re.sub('[0-9]', '9', rest)}"}


def pinned(versions: dict[str, str]) -> dict[str, Any]:
    return declared(packages={"source": "vendor", "timescaledb_edition": "apache", "versions": versions})


def before(machine: BareMachine, timescaledb: str) -> str:
    """The newest version as long as this one from which TimescaleDB's package leads to it."""
    steps = re.findall(
        rf"/timescaledb--([\d.]+)--{re.escape(timescaledb)}\.sql", files(machine, OF_DEBIAN["timescaledb"])
    )
    return str(max((step for step in steps if len(step) == len(timescaledb)), key=number))


@pytest.fixture(scope="module")
def machine(
    converged: BareMachine, now: dict[str, str], later: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BareMachine]:
    """A converged machine that has its packages from vendors, and knows of newer ones."""
    converged.playbook = with_trial_keys(tmp_path_factory.mktemp("playbook"), converged.root)
    with converged.booted():
        repository = TrialRepository(converged)
        has, gets = now["timescaledb"], later["timescaledb"]
        repository.add(OF_DEBIAN["timescaledb"], f"{has}~debian13-1", name=TIMESCALEDB)
        # What leads to today's version leads from it to the later one.
        newer = {has: gets, before(converged, has): has}
        repository.add(OF_DEBIAN["timescaledb"], f"{gets}~debian13-1", name=TIMESCALEDB, files=newer)
        for name in (POSTGRESQL, "postgresql-client-17"):
            repository.add(name, "17.98-1", "17.99-1")
        repository.add("pgbackrest", "2.99.0-1")
        repository.add("openssl", "9.9.9-1")
        repository.publish()
        yield converged


def installed(machine: BareMachine, name: str) -> str:
    return catalogue.upstream(machine.told("dpkg-query", "--show", "--showformat=${Version}", name))


def extension(machine: BareMachine) -> str:
    query = "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'"
    return machine.told("runuser", "-u", "postgres", "--", "psql", "-XqAt", "-p", "7402", "-d", "clinic", "-c", query)


def test_neither_upgrade_nor_unattended_upgrade_takes_what_is_held(machine: BareMachine) -> None:
    before = {name: installed(machine, name) for name in (POSTGRESQL, "pgbackrest")}
    assert "openssl" in machine.told("apt-get", "--simulate", "upgrade")
    # It asks of each package that apt knows where it comes from: of Debian's sixty thousand, for half a minute.
    taken = machine.told(*ONLY, "unattended-upgrade", "--dry-run", "--verbose")
    assert "Packages that will be upgraded: openssl\n" in f"{taken}\n"
    machine.told("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", "upgrade")
    assert installed(machine, "openssl") == "9.9.9"
    assert {name: installed(machine, name) for name in before} == before


def test_a_key_with_another_fingerprint_is_not_taken(machine: BareMachine, now: dict[str, str]) -> None:
    report = machine.converge(pinned(now))
    assert report["exit"] == 1
    assert report["failed"][0]["operation"] == "key of packagecloud.io"
    assert installed(machine, POSTGRESQL) == now["postgresql"]


def trust(machine: BareMachine) -> None:
    path = catalogue.TIMESCALE_KEY.path
    machine.told("install", "-D", "--mode=644", KEY, path)


def test_what_is_outside_the_pins_is_never_chosen(machine: BareMachine, now: dict[str, str]) -> None:
    trust(machine)
    report = machine.converge(pinned(now))
    assert report["exit"] == 0, report["stderr"]
    policy = machine.told("apt-cache", "policy", POSTGRESQL, TIMESCALEDB, "pgbackrest")
    candidates = [line.split()[1] for line in policy.splitlines() if "Candidate:" in line]
    assert list(map(catalogue.upstream, candidates)) == [now["postgresql"], now["timescaledb"], now["pgbackrest"]]
    assert machine.converge(pinned(now))["changed"] == {}


def test_a_version_that_no_repository_has_is_named(machine: BareMachine, now: dict[str, str]) -> None:
    report = machine.converge(pinned(now | {"timescaledb": "2.77.0"}))
    assert report["failed"][0]["error"].startswith(f"no repository has {TIMESCALEDB} 2.77.0")
    assert installed(machine, TIMESCALEDB) == now["timescaledb"]


def test_postgresql_is_not_upgraded_before_its_databases(
    machine: BareMachine, now: dict[str, str], later: dict[str, str]
) -> None:
    trust(machine)
    assert "TimescaleDB's package" in machine.apply("packages", pinned(later))["changed"]
    assert (installed(machine, TIMESCALEDB), installed(machine, POSTGRESQL)) == (
        later["timescaledb"],
        now["postgresql"],
    )
    assert extension(machine) == now["timescaledb"]
    report = machine.apply("upgrade", pinned(later))
    assert report["failed"][0]["error"] == (
        f"database clinic has TimescaleDB {now['timescaledb']}, {later['timescaledb']} is installed: "
        "ALTER EXTENSION timescaledb UPDATE first"
    )
    assert installed(machine, POSTGRESQL) == now["postgresql"]


def test_a_run_after_the_killed_one_finishes_in_the_right_order(machine: BareMachine, later: dict[str, str]) -> None:
    report = machine.converge(pinned(later))
    assert report["exit"] == 0, report["stderr"]
    assert "extension timescaledb" in report["changed"]["database"]
    assert report["changed"]["upgrade"][0] == "PostgreSQL's packages"
    assert (installed(machine, POSTGRESQL), extension(machine)) == (later["postgresql"], later["timescaledb"])
    assert {POSTGRESQL, TIMESCALEDB} <= set(machine.told("apt-mark", "showhold").split())
    assert machine.converge(pinned(later))["changed"] == {}


def test_an_older_version_is_refused(machine: BareMachine, later: dict[str, str]) -> None:
    report = machine.converge(pinned(later | {"postgresql": "17.98"}))
    assert "17.99 is installed, older 17.98 is declared" in report["failed"][0]["error"]
