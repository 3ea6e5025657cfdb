"""The one table of versions that belong together: PostgreSQL, TimescaleDB, pgBackRest, the system, Hyperdrive."""

from dataclasses import dataclass

from host.specification.model import Pinned
from host.specification.versions import REPAIRED_LINES, TIMESCALEDB_FROM, number, suffices

# Their Python runs host/ (3.11 or later), and PostgreSQL's and Timescale's repositories serve them all four majors.
BLUEPRINTS = ("debian_12", "ubuntu_24_04")
# repo-s3-key-type=process, the only access to S3 without a key on the host, came with 2.59.0.
PGBACKREST = "2.59.0"


@dataclass(frozen=True, kw_only=True)
class Release:
    """One major version of PostgreSQL, and what is installed with it."""

    major: int
    postgresql: str
    timescaledb: str
    pgbackrest: str = PGBACKREST
    blueprints: tuple[str, ...] = BLUEPRINTS
    is_hyperdrive_tested: bool = True
    """Cloudflare calls it "known supported": 9.0 to 17 (Hyperdrive's supported databases, 2026-04-21)."""

    @property
    def versions(self) -> dict[Pinned, str]:
        """What the host pins its packages to."""
        return {"postgresql": self.postgresql, "timescaledb": self.timescaledb, "pgbackrest": self.pgbackrest}


DEFAULT_MAJOR = 17
RELEASES: dict[int, Release] = {
    release.major: release
    for release in (
        # TimescaleDB 2.28 is the last line for 15.
        Release(major=15, postgresql="15.20", timescaledb="2.28.5"),
        Release(major=16, postgresql="16.16", timescaledb="2.31.2"),
        Release(major=17, postgresql="17.12", timescaledb="2.31.2"),
        Release(major=18, postgresql="18.7", timescaledb="2.31.2", is_hyperdrive_tested=False),
    )
}
# TimescaleDB 2.29.0 removed PostgreSQL 15.
TIMESCALEDB_WITHOUT_15 = "2.29.0"


def major_fault(major: int, *, allow_untested_hyperdrive: bool) -> str | None:
    """Says why a major version of PostgreSQL can't be used, or None."""
    allowed = [str(known) for known, release in RELEASES.items() if release.is_hyperdrive_tested]
    if major not in RELEASES:
        return f"is not in the table of versions; allowed: {', '.join(map(str, RELEASES))}"
    if not RELEASES[major].is_hyperdrive_tested and not allow_untested_hyperdrive:
        return (
            f"is not among the versions that Hyperdrive is known to work with; "
            f"allowed: {', '.join(allowed)}, or this one with allowUntestedHyperdrive: true"
        )
    return None


def blueprint_fault(blueprint: str, major: int | None = None) -> str | None:
    """Says why an operating system can't be used, or None. Without a major: for every one of them."""
    release = RELEASES.get(major or DEFAULT_MAJOR, RELEASES[DEFAULT_MAJOR])
    if blueprint not in release.blueprints:
        return f"is not an operating system that the host runs on; allowed: {', '.join(release.blueprints)}"
    return None


def pair_fault(postgresql: str, timescaledb: str) -> str | None:
    """Says why this TimescaleDB can't run in this PostgreSQL, or None.

    An upgrade asks it before it touches PostgreSQL: TimescaleDB goes first.
    """
    server, extension = number(postgresql), number(timescaledb)
    if server[0] == 15 and extension >= number(TIMESCALEDB_WITHOUT_15):
        return f"TimescaleDB {_text(extension)} does not run in PostgreSQL 15; allowed: 2.28"
    return jobs_fault(postgresql, timescaledb)


def jobs_fault(postgresql: str, timescaledb: str) -> str | None:
    """Says that this TimescaleDB is known to fail its background jobs in this PostgreSQL, or None."""
    if suffices(timescaledb, postgresql):
        return None
    server, extension = number(postgresql), number(timescaledb)
    least = REPAIRED_LINES[2, 28] if server[0] == 15 else TIMESCALEDB_FROM
    return (
        f"TimescaleDB {_text(extension)} fails every background job in PostgreSQL {_text(server)}; "
        f"allowed: {least} or later, upgraded before PostgreSQL"
    )


def installed_faults(
    *,
    postgresql: str | None,
    timescaledb: str | None,
    pgbackrest: str | None,
    uses_process_credentials: bool = True,
    has_jobs: bool = True,
) -> list[str]:
    """What is wrong with the versions found on a host; None where nothing is installed.

    Versions may carry what a distribution adds. The minimum of pgBackRest is one of process credentials only, and a
    pair that fails TimescaleDB's jobs is at fault only where there are some that may fail.
    """
    faults = [
        f"{name} is not installed; allowed: the version in the table"
        for name, found in (("PostgreSQL", postgresql), ("TimescaleDB", timescaledb), ("pgBackRest", pgbackrest))
        if found is None
    ]
    if postgresql is not None and number(postgresql)[0] not in RELEASES:
        faults.append(
            f"PostgreSQL {_text(number(postgresql))} is not in the table; allowed: {', '.join(map(str, RELEASES))}"
        )
    elif postgresql is not None and timescaledb is not None:
        fault = pair_fault(postgresql, timescaledb)
        is_harmless = not has_jobs and fault == jobs_fault(postgresql, timescaledb)
        faults += [fault] if fault and not is_harmless else []
    if pgbackrest is not None and uses_process_credentials and number(pgbackrest) < number(PGBACKREST):
        faults.append(
            f"pgBackRest {_text(number(pgbackrest))} has no process credentials; allowed: {PGBACKREST} or later"
        )
    return faults


def _text(parts: tuple[int, ...]) -> str:
    return ".".join(map(str, parts))
