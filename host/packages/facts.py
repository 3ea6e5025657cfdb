"""Packages that are installed, that could be, what apt would do, and TimescaleDB as the databases have it."""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field

from pyinfra.api.facts import FactBase

LISTS_MINUTES = 1440
VERSIONS_QUERY = (
    "SELECT current_database() || '=' || coalesce(installed_version, '') || '=' || default_version"
    " FROM pg_available_extensions WHERE name = 'timescaledb'"
)


@dataclass(frozen=True, kw_only=True)
class Installed:
    versions: dict[str, str] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()
    """Packages that a killed installation left unpacked or unconfigured."""


class InstalledPackages(FactBase[Installed]):
    def command(self) -> str:
        return "dpkg-query --show --showformat='${db:Status-Abbrev}|${Package}|${Version}\\n'"

    @staticmethod
    def default() -> Installed:
        return Installed()

    def process(self, output: list[str]) -> Installed:
        rows = [line.split("|") for line in output if line.count("|") == 2]
        return Installed(
            # Status-Abbrev: what is wanted (i, h), what is so (i, or something unfinished), and an error.
            versions={name: version for status, name, version in rows if status[1:2] == "i"},
            held=frozenset(name for status, name, _ in rows if status[:2] == "hi"),
            unfinished=frozenset(name for status, name, _ in rows if status[1:2] not in "inc" or status[2:3] == "R"),
        )


class Candidates(FactBase[dict[str, str]]):
    """The version that apt would choose, of each package that has one."""

    def command(self, names: Iterable[str]) -> str:
        return f"LC_ALL=C apt-cache policy {shlex.join(names)} 2>/dev/null || true"

    @staticmethod
    def default() -> dict[str, str]:
        return {}

    def process(self, output: list[str]) -> dict[str, str]:
        found, name = {}, ""
        for line in output:
            if line and not line.startswith(" "):
                name = line.rstrip(":")
            elif line.startswith("  Candidate: ") and "(none)" not in line:
                found[name] = line.removeprefix("  Candidate: ").strip()
        return found


class Simulation(FactBase[dict[str, tuple[str | None, str | None]]]):
    """What an apt-get command would change: version before (None: not there) and after (None: removed)."""

    def command(self, command: str) -> str:
        return f"LC_ALL=C {command} --simulate 2>/dev/null || true"

    @staticmethod
    def default() -> dict[str, tuple[str | None, str | None]]:
        return {}

    def process(self, output: list[str]) -> dict[str, tuple[str | None, str | None]]:
        found: dict[str, tuple[str | None, str | None]] = {}
        for line in output:
            if match := re.match(r"Inst (\S+) (?:\[(\S+)\] )?\((\S+) ", line):
                found[match[1].partition(":")[0]] = (match[2], match[3])
            elif match := re.match(r"Remv (\S+) \[(\S+)\]", line):
                found[match[1].partition(":")[0]] = (match[2], None)
        return found


class HasFreshLists(FactBase[bool]):
    """Some list of packages was fetched within a day."""

    def command(self) -> str:
        return f"find /var/lib/apt/lists -maxdepth 1 -type f -name '*Packages*' -mmin -{LISTS_MINUTES} | head -n 1"

    @staticmethod
    def default() -> bool:
        return False

    def process(self, output: list[str]) -> bool:
        return bool(output)


class OsRelease(FactBase[dict[str, str]]):
    def command(self) -> str:
        return "cat /etc/os-release"

    @staticmethod
    def default() -> dict[str, str]:
        return {}

    def process(self, output: list[str]) -> dict[str, str]:
        return {name: value.strip('"') for name, _, value in (line.partition("=") for line in output) if value}


@dataclass(frozen=True, kw_only=True)
class TimescaleState:
    is_known: bool = False
    """The server answered for every database."""
    server: str = ""
    """Version of the PostgreSQL that runs."""
    default: str = ""
    """The TimescaleDB that is installed."""
    extensions: dict[str, str] = field(default_factory=dict)
    """Version in each database that has it."""


class TimescaleVersions(FactBase[TimescaleState]):
    """`psql` is its command line without a database; every one that lets anyone in is asked."""

    def command(self, psql: str) -> str:
        databases = f'{psql} --dbname=postgres --command="SELECT datname FROM pg_database WHERE datallowconn"'
        return (
            f"{psql} --dbname=postgres --command='SHOW server_version' && names=$({databases})"
            f' && for name in $names; do {psql} --dbname="$name" --command="{VERSIONS_QUERY}" || exit 0; done'
            " && echo complete || true"
        )

    @staticmethod
    def default() -> TimescaleState:
        return TimescaleState()

    def process(self, output: list[str]) -> TimescaleState:
        rows = [line.split("=") for line in output if line.count("=") == 2]
        return TimescaleState(
            is_known=output[-1:] == ["complete"],
            server=output[0].split()[0] if output and output[0].strip() else "",
            default=rows[0][2] if rows else "",
            extensions={name: version for name, version, _ in rows if version},
        )
