"""The one list of a database host's packages: names, versions they are pinned to, and where they come from."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from host.common import layout
from host.specification.model import Spec
from host.specification.versions import TIMESCALEDB_FROM, number, suffices

Source = Literal["vendor", "debian"]
Edition = Literal["community", "apache"]

BASE = ("ca-certificates", "openssl")
MACHINE = ("nftables", "logrotate", "unattended-upgrades", "e2fsprogs")
TIME_SERVICES = ("chrony", "ntpsec", "openntpd", "systemd-timesyncd")
"""Any of them will do; the last is installed where there is none."""
TUNNEL = "cloudflared"
# Debian's own package, which brings PGDG's key; it is there before PGDG's repository is.
KEY_PACKAGE = "postgresql-common"
PGDG_KEY = "/usr/share/postgresql-common/pgdg/apt.postgresql.org.asc"


def postgres_packages(major: int, source: Source, edition: Edition) -> tuple[str, ...]:
    return (
        f"postgresql-{major}",
        f"postgresql-{major}-postgis-3",
        f"postgresql-{major}-postgis-3-scripts",
        f"postgresql-{major}-cron",
        f"postgresql-{major}-pgvector",
        timescaledb_package(major, source, edition),
        "pgbackrest",
        "pgbouncer",
    )


def timescaledb_package(major: int, source: Source, edition: Edition) -> str:
    """Debian's has the Apache edition only; Timescale's two can't be installed together."""
    if source == "debian":
        return f"postgresql-{major}-timescaledb"
    return f"timescaledb-2-{'oss-' if edition == 'apache' else ''}postgresql-{major}"


def is_timescaledb(name: str) -> bool:
    return name.startswith("timescaledb-") or name.endswith("-timescaledb")


def other_editions(major: int, source: Source, edition: Edition) -> tuple[str, ...]:
    """TimescaleDB's packages that make room for the wanted one when the edition or the source changes."""
    pairs: tuple[tuple[Source, Edition], ...] = (("debian", "apache"), ("vendor", "apache"), ("vendor", "community"))
    names = (timescaledb_package(major, *pair) for pair in pairs)
    return tuple(name for name in names if name != timescaledb_package(major, source, edition))


LOCAL = (*BASE, *postgres_packages(17, "debian", "apache"))
"""What a root file system or a container image is made of on one machine."""


def wanted(spec: Spec) -> tuple[str, ...]:
    packages = spec.packages
    names = (*BASE, *postgres_packages(spec.postgres.major, packages.source, packages.timescaledb_edition))
    if spec.platform != "lightsail":
        return names
    return (*names, *MACHINE, *((TUNNEL,) if spec.tunnel else ()))


def held(spec: Spec) -> tuple[str, ...]:
    """What changes through the playbook alone."""
    major, packages = spec.postgres.major, spec.packages
    return (
        *postgres_packages(major, packages.source, packages.timescaledb_edition),
        f"postgresql-client-{major}",
        f"timescaledb-2-loader-postgresql-{major}",
        TUNNEL,
    )


def pinned(spec: Spec) -> dict[str, str]:
    """Upstream version that each package is pinned to."""
    major, versions = spec.postgres.major, spec.packages.versions
    groups = {
        "postgresql": (f"postgresql-{major}", f"postgresql-client-{major}"),
        "timescaledb": (
            timescaledb_package(major, spec.packages.source, spec.packages.timescaledb_edition),
            *((f"timescaledb-2-loader-postgresql-{major}",) if spec.packages.source == "vendor" else ()),
        ),
        "pgbackrest": ("pgbackrest",),
    }
    return {name: version for key, version in versions.items() for name in groups[key]}


def preferences(spec: Spec) -> str:
    """apt preferences: of a pinned package no other version is ever chosen, and a vendor brings only what it is for."""
    pins = pinned(spec)
    stanzas = [_stanza(name, f"version /^{re.escape(version)}[-~+]/", 1000) for name, version in pins.items()]
    if pins:
        stanzas.append(_stanza(" ".join(pins), "version *", -1))
    if spec.packages.source == "vendor":
        stanzas.append(_stanza("*", 'origin "packagecloud.io"', -1))
        # Before 1.21 it knows no prepared statements and starts with none of these settings: Debian 12's own is 1.18.
        stanzas.append(_stanza("pgbouncer", r"version /^1\.(1?[0-9]|20)\./", -1))
    if spec.tunnel:
        stanzas.append(_stanza(TUNNEL, 'origin "pkg.cloudflare.com"', 500))
        stanzas.append(_stanza("*", 'origin "pkg.cloudflare.com"', -1))
    return "\n".join(stanzas)


def _stanza(names: str, pin: str, priority: int) -> str:
    return f"Package: {names}\nPin: {pin}\nPin-Priority: {priority}\n"


@dataclass(frozen=True, kw_only=True)
class ArchiveKey:
    """The key of a package archive; it is taken only when every key in the file is one of these."""

    url: str
    path: str
    fingerprints: frozenset[str]


# Each fingerprint was found in independent public places that check it; see docs/decisions on package sources.
TIMESCALE_KEY = ArchiveKey(
    url="https://packagecloud.io/timescale/timescaledb/gpgkey",
    path=f"{layout.KEYRINGS}/timescale.asc",
    fingerprints=frozenset({"1005FB68604CE9B8F6879CF759F18EDF47F24417"}),
)
# The second is the key that was replaced in October 2025; the file holds both.
CLOUDFLARE_KEY = ArchiveKey(
    url="https://pkg.cloudflare.com/cloudflare-main.gpg",
    path=f"{layout.KEYRINGS}/cloudflare.gpg",
    fingerprints=frozenset({"CC94B39C77AE7342A68B89628A682D308D4E5E73", "FBA8C0EE63617C5EED695C43254B391D8CACCBF8"}),
)


def archive_keys(spec: Spec) -> tuple[ArchiveKey, ...]:
    vendor = (TIMESCALE_KEY,) if spec.packages.source == "vendor" else ()
    return (*vendor, *((CLOUDFLARE_KEY,) if spec.tunnel else ()))


def sources(spec: Spec, distribution: str, codename: str) -> str:
    """deb822 text; `distribution` and `codename` as the host's os-release has them (ID, VERSION_CODENAME)."""
    stanzas = []
    if spec.packages.source == "vendor":
        pgdg = "https://apt.postgresql.org/pub/repos/apt"
        # The first repository drops a minor version when the next is out; the archive keeps what is pinned.
        archive = "https://apt-archive.postgresql.org/pub/repos/apt"
        timescale = f"https://packagecloud.io/timescale/timescaledb/{distribution}/"
        stanzas += [
            _source(pgdg, f"{codename}-pgdg", PGDG_KEY),
            _source(archive, f"{codename}-pgdg-archive", PGDG_KEY),
            _source(timescale, codename, TIMESCALE_KEY.path),
        ]
    if spec.tunnel:
        stanzas.append(_source("https://pkg.cloudflare.com/cloudflared", "any", CLOUDFLARE_KEY.path))
    return "\n".join(stanzas)


def _source(uri: str, suite: str, key: str) -> str:
    return f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\nSigned-By: {key}\n"


def upstream(version: str) -> str:
    """The project's own version within a package's: 17.12 of 17.12-1.pgdg12+1."""
    found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)
    return found[1] if found else version


def newer(installed: Mapping[str, str], pins: Mapping[str, str], names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Installed packages whose pin is another version: (upstream version now, pinned)."""
    return {
        name: (upstream(installed[name]), pins[name])
        for name in names
        if name in pins and name in installed and number(upstream(installed[name])) != number(pins[name])
    }


def downgrades(changes: Mapping[str, tuple[str, str]]) -> list[str]:
    return [
        f"{name} {has} is installed, older {pin} is declared"
        for name, (has, pin) in changes.items()
        if number(has) > number(pin)
    ]


def upgrade_faults(target: str, default: str, extensions: Mapping[str, str]) -> list[str]:
    """What keeps PostgreSQL from being upgraded to `target`.

    `default` is the TimescaleDB that is installed, `extensions` the version in each database that has it.
    """
    faults = [
        f"database {name} has TimescaleDB {version}, {default} is installed: ALTER EXTENSION timescaledb UPDATE first"
        for name, version in sorted(extensions.items())
        if version != default
    ]
    if not suffices(default, target):
        faults.append(f"PostgreSQL {target} needs TimescaleDB {TIMESCALEDB_FROM}; {default} is installed")
    return faults
