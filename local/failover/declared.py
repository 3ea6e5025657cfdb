"""What a plan declares of the edge that the control plane holds: records, routes and the hosts that fail over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.resource_types import tokens
from local.common.errors import LocalError
from local.common.values import setting
from local.edge.part import routed
from plan.model import Computed, Plan, Resource

RECORD_FIELDS = ("name", "type", "content", "proxied", "ttl", "comment")


@dataclass(frozen=True, kw_only=True)
class FailoverHost:
    """A host name, and the names of the plan's resources that make it fall back."""

    hostname: str
    standby: str
    script: str
    """The host's Worker, whether or not it is the active side now."""
    record: str
    route: str
    challenges: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DeclaredEdge:
    account: str
    zone: str
    zone_name: str
    build: str
    environment: str
    records: Mapping[str, dict[str, Any]]
    """Records by the resource's name; those whose content only a cloud knows are left out."""
    routes: Mapping[str, dict[str, Any]]
    scripts: tuple[str, ...]
    hosts: tuple[FailoverHost, ...]
    keep_until: str
    """YYYY-MM-DD, until when the stand-by has to stay."""

    @property
    def standbys(self) -> tuple[str, ...]:
        return tuple(sorted({host.standby for host in self.hosts}))

    @property
    def hostnames(self) -> tuple[str, ...]:
        return tuple(sorted(host.hostname for host in self.hosts))


def declared_edge(plan: Plan) -> DeclaredEdge:
    """Raises LocalError for a host that fails over and has no record or no route."""
    hosts = tuple(_host(plan, resource) for resource in plan.of_type(tokens.FAILOVER_HOST))
    scripts = {str(worker.inputs["name"]) for worker in plan.of_type(tokens.WORKER)}
    return DeclaredEdge(
        account=setting(plan, "cloudflareAccountId"),
        zone=setting(plan, "cloudflareZoneId"),
        zone_name=_zone_name(setting(plan, "siteHostname")),
        build=setting(plan, "buildId"),
        environment=setting(plan, "environment"),
        records={
            resource.name: {key: resource.inputs[key] for key in RECORD_FIELDS if key in resource.inputs}
            for resource in plan.of_type(tokens.DNS_RECORD)
            if not any(isinstance(value, Computed) for value in resource.inputs.values())
        },
        routes={
            resource.name: {"pattern": resource.inputs["pattern"], "script": resource.inputs.get("script") or None}
            for resource in plan.of_type(tokens.ROUTE)
        },
        scripts=tuple(sorted(scripts)),
        hosts=hosts,
        keep_until=setting(plan, "standbyKeepUntil"),
    )


def _host(plan: Plan, host: Resource) -> FailoverHost:
    hostname = str(host.inputs["hostname"])
    children = [resource for resource in plan.resources if resource.parent == host.urn]
    records = [child for child in children if child.type == tokens.DNS_RECORD]
    routes = {str(child.inputs["pattern"]): child.name for child in children if child.type == tokens.ROUTE}
    route = routes.pop(f"{hostname}/*", None)
    if len(records) != 1 or route is None:
        raise LocalError(f"{hostname}: has not one record and a route for {hostname}/*; both are needed to fall back")
    return FailoverHost(
        hostname=hostname,
        standby=str(records[0].inputs["content"]),
        script=routed(plan, hostname),
        record=records[0].name,
        route=route,
        challenges=tuple(sorted(routes.values())),
    )


def _zone_name(hostname: str) -> str:
    """The program knows its zone by id alone; here any name does that all of its hosts are in."""
    return ".".join(hostname.split(".")[-2:])
