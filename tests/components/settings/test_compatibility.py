"""The table of versions, and what it says of versions that are found."""

import pytest

from components.settings import compatibility, lightsail_bundles
from components.settings.compatibility import RELEASES, installed_faults, pair_fault
from host.packages.catalogue import upgrade_faults
from host.specification.versions import number


@pytest.mark.parametrize(
    ("postgresql", "timescaledb"),
    [
        ("17.12", "2.31.2"),
        ("17.12", "2.28.4"),
        ("17.12", "2.27.3"),
        ("17.11", "2.31.1"),
        ("17.6 (Debian 17.6-0+deb13u1)", "2.19.3+dfsg"),
        ("15.20", "2.28.5"),
        ("15.19", "2.20.0"),
        ("18.8", "2.40.0"),
    ],
)
def test_these_run_together(postgresql: str, timescaledb: str) -> None:
    assert pair_fault(postgresql, timescaledb) is None


@pytest.mark.parametrize(
    ("postgresql", "timescaledb", "message"),
    [
        (
            "17.12",
            "2.31.1",
            "fails every background job in PostgreSQL 17.12; allowed: 2.31.2 or later, upgraded before",
        ),
        ("18.7", "2.29.0", "allowed: 2.31.2 or later"),
        ("16.16", "2.28.3", "allowed: 2.31.2 or later"),
        ("16.17", "2.27.2", "allowed: 2.31.2 or later"),
        ("15.20", "2.28.3", "allowed: 2.28.4 or later"),
        ("15.19", "2.29.0", "does not run in PostgreSQL 15; allowed: 2.28"),
        ("15.20", "2.31.2", "does not run in PostgreSQL 15"),
    ],
)
def test_these_do_not(postgresql: str, timescaledb: str, message: str) -> None:
    assert message in str(pair_fault(postgresql, timescaledb))


@pytest.mark.parametrize("major", RELEASES)
def test_what_the_table_pins_runs_together(major: int) -> None:
    release = RELEASES[major]
    assert number(release.postgresql)[0] == major
    assert number(release.pgbackrest) >= (2, 59)
    assert release.versions.keys() == {"postgresql", "timescaledb", "pgbackrest"}
    found = installed_faults(
        postgresql=release.postgresql, timescaledb=release.timescaledb, pgbackrest=release.pgbackrest
    )
    assert found == []


def test_all_that_is_wrong_with_a_host_is_named() -> None:
    assert installed_faults(postgresql="17.12", timescaledb="2.31.0", pgbackrest="2.55.1") == [
        "TimescaleDB 2.31.0 fails every background job in PostgreSQL 17.12; "
        "allowed: 2.31.2 or later, upgraded before PostgreSQL",
        "pgBackRest 2.55.1 has no process credentials; allowed: 2.59.0 or later",
    ]
    assert installed_faults(postgresql="14.9", timescaledb=None, pgbackrest="2.59.0") == [
        "TimescaleDB is not installed; allowed: the version in the table",
        "PostgreSQL 14.9 is not in the table; allowed: 15, 16, 17, 18",
    ]


def test_an_older_pgbackrest_will_do_with_a_key_of_its_own() -> None:
    found = installed_faults(
        postgresql="17.6", timescaledb="2.19.3", pgbackrest="2.55.1", uses_process_credentials=False
    )
    assert found == []


@pytest.mark.parametrize(("postgresql", "timescaledb", "count"), [("17.12", "2.31.0", 0), ("15.20", "2.29.0", 1)])
def test_a_pair_that_fails_jobs_will_do_where_there_are_none(postgresql: str, timescaledb: str, count: int) -> None:
    found = installed_faults(postgresql=postgresql, timescaledb=timescaledb, pgbackrest="2.59.0", has_jobs=False)
    assert len(found) == count


def test_a_version_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="'unknown' is not a version"):
        number("unknown")


def test_hyperdrive_is_tested_up_to_17() -> None:
    assert [major for major, release in RELEASES.items() if not release.is_hyperdrive_tested] == [18]
    assert compatibility.DEFAULT_MAJOR == 17


def test_a_bundle_says_how_large_the_machine_is() -> None:
    assert (lightsail_bundles.memory_mb("small_3_0"), lightsail_bundles.cpus("small_3_0")) == (2048, 2)
    assert (lightsail_bundles.memory_mb("2xlarge_3_0"), lightsail_bundles.cpus("2xlarge_3_0")) == (32768, 8)


# Each major's minors, to some after the pinned one.
POSTGRESQLS = [
    f"{major}.{minor}" for major, release in RELEASES.items() for minor in range(number(release.postgresql)[1] + 3)
]
TIMESCALEDBS = [f"2.{minor}.{patch}" for minor in range(20, 34) for patch in range(8)]


@pytest.mark.parametrize("postgresql", POSTGRESQLS)
def test_a_host_asks_the_same_of_timescaledb_as_the_table(postgresql: str) -> None:
    # From 2.29 on there is none for 15, so a host never meets it.
    pairs = [found for found in TIMESCALEDBS if not postgresql.startswith("15.") or number(found) < (2, 29)]
    differing = [
        found for found in pairs if bool(upgrade_faults(postgresql, found, {})) != bool(pair_fault(postgresql, found))
    ]
    assert differing == []


def test_the_pinned_versions_go_together_on_a_host() -> None:
    for release in RELEASES.values():
        assert upgrade_faults(release.postgresql, release.timescaledb, {"app": release.timescaledb}) == []
