"""Every part of a local stack, in the order in which they start.

From this list come the ports, the steps of `up`, what `status` and `logs` name, what `verify` measures and checks, and
what `doctor` looks for. What a part does is named as "module:function": the list imports nothing of local/, which may
import it anywhere, and a command loads only what it runs.
"""

import os
import pkgutil
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Where servers are, and an ordinary user's PATH seldom leads.
SBIN = "/usr/sbin:/sbin"


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """A program that not every machine has; without it a part is left out."""

    program: str
    purpose: str
    """What it is for, and the package that has it; `doctor` says so."""

    @property
    def path(self) -> str | None:
        return shutil.which(self.program, path=f"{os.environ.get('PATH', '')}:{SBIN}")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A program of the stack: where it listens, how it is started, and how one sees that it works."""

    name: str
    """Name of its program, its log and its step."""
    runs: str
    """What runs here, for the table of parts in docs/architecture.md."""
    stands_for: str
    """What of the cloud it stands for, for the same table."""
    start: str
    """Has its program run and be ready. Takes a Realisation (local/host/realisation.py), returns the step's outcome."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """Name of each port, and its place after the stack's first one. An offset stays: clients know it."""
    steps: Mapping[str, str] = field(default_factory=dict)
    """Steps of `up` right after its start, by name; as `start`."""
    refuse: str | None = None
    """Raises LocalError for a plan that this part can't realise, before anything is made. Takes a Realisation."""
    serves_clients: bool = True
    """Whether it is stopped where the host of the database serves nobody."""
    needs: Requirement | None = None
    hops: str | None = None
    """Takes a Stack, the host's specification and a number of requests; returns a list of Timing."""
    checks: tuple[str, ...] = ()
    """Each takes a Stack and the host's specification; returns what it found, or raises. Named like its function."""

    @property
    def is_available(self) -> bool:
        """Whether this machine can have it."""
        return self.needs is None or self.needs.path is not None


KNOTD = Requirement(program="knotd", purpose="the local stack's DNS: Debian package knot")
PARTS = (
    Part(
        name="objects",
        runs="S3 API (moto) over TLS",
        stands_for="S3 in Montreal",
        # S3 over TLS, on the host name `localhost`.
        ports={"objects": 4},
        start="local.objects.part:start",
        refuse="local.objects.part:refuse",
        serves_clients=False,
    ),
    Part(
        name="postgres",
        runs="PostgreSQL 17 in a Debian 13 root file system, configured by `host/`",
        stands_for="the Lightsail host",
        ports={"postgres": 2},
        start="local.host.database:start_postgres",
        steps={"database": "local.host.database:apply_stage"},
        serves_clients=False,
        hops="local.stack.traffic:direct_queries",
        checks=(
            "local.stack.extension_checks:postgis",
            "local.stack.extension_checks:vector",
            "local.stack.extension_checks:timescaledb",
            "local.stack.extension_checks:pg_cron",
            "local.stack.extension_checks:pg_stat_statements",
            "local.stack.extension_checks:cached_role",
            "local.stack.verify:backups",
        ),
    ),
    Part(
        name="pooler",
        runs="PgBouncer",
        stands_for="Hyperdrive's pool",
        ports={"pooler": 3},
        start="local.host.database:start_pooler",
        steps={"migrations": "local.host.database:migrate", "backups": "local.host.backups:start"},
        hops="local.stack.traffic:pooled_queries",
    ),
    Part(
        name="identity",
        runs="an OIDC issuer (oidc-provider), with its people, sessions and keys in the state folder",
        stands_for="Cognito, or Auth0",
        ports={"identity": 10},
        start="local.identity.part:start",
    ),
    Part(
        name="edge",
        runs="workerd (Miniflare): the site, the API, R2, a Worker that reaches every R2 bucket, one for the tunnel",
        stands_for="Cloudflare",
        # The public entry; the API's Worker, past the site's; what reaches every bucket; the pooler past Hyperdrive.
        ports={"web": 0, "api": 1, "edge_control": 5, "tunnel": 11},
        start="local.edge.part:start",
        refuse="local.edge.part:refuse",
        hops="local.stack.traffic:edge_requests",
        checks=("local.stack.traffic:media",),
    ),
    Part(
        name="control-plane",
        runs="an emulator of Cloudflare's API v4, checked against the official SDK's models",
        stands_for="Cloudflare's API",
        # Cloudflare's API.
        ports={"control_plane": 6},
        start="local.failover.control_plane:start",
        refuse="local.failover.control_plane:refuse",
    ),
    Part(
        name="dns",
        runs="knot, fed by the control plane as dynamic updates",
        stands_for="Cloudflare's DNS, and the stand-by's",
        # Over UDP and TCP.
        ports={"dns": 8},
        start="local.failover.name_server:start",
        needs=KNOTD,
    ),
    Part(
        name="standby",
        runs="the same site on 127.0.0.2; over TLS with a certificate of its own",
        stands_for="Vercel",
        # With its certificate, on an address of its own; there it has the port of `edge_proxy` too.
        ports={"standby_tls": 9},
        start="local.failover.proxy:start_standby",
        refuse="local.failover.proxy:refuse_standby",
    ),
    Part(
        name="edge-proxy",
        runs="a proxy that obeys the control plane's records and routes",
        stands_for="Cloudflare's edge, as clients reach it",
        # What obeys records and routes.
        ports={"edge_proxy": 7},
        start="local.failover.proxy:start_proxy",
        steps={"failover": "local.failover.seeding:start"},
        checks=("local.failover.check:failover",),
    ),
)
PORTS = dict(
    sorted(((name, offset) for part in PARTS for name, offset in part.ports.items()), key=lambda port: port[1])
)
"""Every port's name and offset from the first, in order."""


def named(reference: str) -> Any:
    """The function of a "module:function"."""
    return pkgutil.resolve_name(reference)
