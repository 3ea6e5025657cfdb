"""Settings of the database hosts: what one host may be, and what must hold between them."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from components.common.labels import Environment
from components.settings import compatibility, lightsail_bundles
from host.specification.model import HOST_NAME, BackupLabel, DiskGb, Origin

# One serves; a second one only while the first is being replaced.
MOST_HOSTS = 2
# Lightsail's limits of a disk, and what a host has that names none.
SMALLEST_DISK_GB, LARGEST_DISK_GB, DEFAULT_DISK_GB = 8, 16384, 64
TRUE = (True, "true")


class HostSettings(BaseModel):
    """One machine that PostgreSQL runs on. Almost every change replaces it."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=f"^{HOST_NAME}$")]
    """Stands in state: a host of another name is another host."""
    version: int = compatibility.DEFAULT_MAJOR
    """PostgreSQL's major version."""
    blueprint: str = compatibility.BLUEPRINTS[0]
    bundle: str
    disk_gb: Annotated[DiskGb, Field(ge=SMALLEST_DISK_GB, le=LARGEST_DISK_GB)] = DEFAULT_DISK_GB
    origin: Origin = "new"
    """Where its cluster comes from: made empty, or restored and kept up to date until it serves."""
    restored_from: BackupLabel | None = None
    """The backup that it is restored from in place of the newest, and with it that log behind a hole is given up."""

    @field_validator("version")
    @classmethod
    def _in_the_table(cls, value: int) -> int:
        # Whether Hyperdrive must be known to work with it is another setting's matter: faults().
        _refuse(compatibility.major_fault(value, allow_untested_hyperdrive=True))
        return value

    @field_validator("blueprint")
    @classmethod
    def _runs_the_host(cls, value: str, info: ValidationInfo) -> str:
        _refuse(compatibility.blueprint_fault(value, info.data.get("version")))
        return value

    @field_validator("bundle")
    @classmethod
    def _large_enough(cls, value: str, info: ValidationInfo) -> str:
        is_prod = info.context is not None and info.context.get("stack") == Environment.PROD
        _refuse(lightsail_bundles.fault(value, Environment.PROD if is_prod else Environment.DEV))
        return value


def _refuse(fault: str | None) -> None:
    if fault:
        raise ValueError(fault)


def faults(values: Mapping[str, Any]) -> list[str]:
    """What does not hold between the hosts, and between them and other settings.

    Looks at settings as they were given, checked or not, so that these faults come together with all others.
    """
    given = values.get("postgresHosts")
    hosts = [host for host in given if isinstance(host, dict)] if isinstance(given, list) else []
    if not hosts:
        return []
    return [*_of_the_names(hosts, values), *_of_the_versions(hosts, values), *_of_the_origins(hosts)]


def _of_the_names(hosts: list[dict[str, Any]], values: Mapping[str, Any]) -> Iterator[str]:
    names = [str(host.get("name")) for host in hosts]
    serving = values.get("postgresServing")
    if len(hosts) > MOST_HOSTS:
        yield f"postgresHosts: has {len(hosts)} hosts; allowed: one, and a second one while it replaces the first"
    if len(set(names)) != len(names):
        yield "postgresHosts: names a host twice; allowed: each name once"
    if serving is not None and serving not in names:
        allowed = ", ".join(shown_name(hosts, index) for index, _ in enumerate(hosts))
        yield f"postgresServing: is not a host of this stack; allowed: {allowed}"


def _of_the_versions(hosts: list[dict[str, Any]], values: Mapping[str, Any]) -> Iterator[str]:
    allows_untested = values.get("allowUntestedHyperdrive") in TRUE
    serving = [host for host in hosts if host.get("name") == values.get("postgresServing")]
    for index, host in enumerate(hosts):
        major = _major(host)
        if major in compatibility.RELEASES and not allows_untested:
            fault = compatibility.major_fault(major, allow_untested_hyperdrive=False)
            if fault:
                yield f"postgresHosts.{index}.version: {fault}"
        before = _major(serving[0]) if serving else None
        if host.get("origin") == "backup" and None not in (before, major) and before != major:
            yield (
                f"postgresHosts.{index}.origin: backup can't change PostgreSQL's major version "
                f"from {before} to {major}; allowed: new, and its data from a dump"
            )


def _of_the_origins(hosts: list[dict[str, Any]]) -> Iterator[str]:
    """Two clusters of one major version: their backups would have one stanza, and spoil each other."""
    first: dict[int, int] = {}
    for index, host in enumerate(hosts):
        if host.get("origin", "new") != "new":
            continue
        if host.get("restoredFrom") is not None:
            yield f"postgresHosts.{index}.restoredFrom: names a backup for a new cluster; allowed with origin: backup"
        major = _major(host)
        if major is not None and hosts[first.setdefault(major, index)].get("name") != host.get("name"):
            yield (
                f"postgresHosts.{index}.origin: new makes a second cluster of PostgreSQL {major} beside host "
                f"{shown_name(hosts, first[major])}'s, and their backups have one place; "
                "allowed: backup, or another version"
            )


def shown_name(hosts: list[dict[str, Any]], index: int) -> str:
    """How a fault calls a host: by its name, and by its place where that is not valid and may be anything."""
    name = str(hosts[index].get("name"))
    return name if re.fullmatch(HOST_NAME, name) else f"postgresHosts.{index}"


def _major(host: Mapping[str, Any]) -> int | None:
    """PostgreSQL's major version; None where what stands there is not a number, which is a fault of its own."""
    given = host.get("version", compatibility.DEFAULT_MAJOR)
    if isinstance(given, str) and given.isdecimal():
        return int(given)
    return given if isinstance(given, int) else None
