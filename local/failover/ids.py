"""The file of ids that `./hybrid failover` needs for the local stack."""

from datetime import UTC, datetime, timedelta
from typing import Any

from local.common.ports import STANDBY_ADDRESS
from local.failover import control_plane_part
from local.failover.declared_edge import DeclaredEdge, FailoverHost
from local.failover.edge_proxy import EDGE_ADDRESS, certificate
from local.processes.stack import Stack

FORMAT = 1
AUTOMATIC_TTL = 1
# The ids are looked at by each `up`; the date in the file says so once a day.
DATED_EACH = timedelta(days=1)
Known = dict[str, dict[str, Any]]


def write(stack: Stack, declared: DeclaredEdge, known: Known) -> bool:
    """Whether it is another one than before, apart from its date."""
    before = stack.state.read_json(stack.state.failover_ids, can_be_remade=True)
    before = before if isinstance(before, dict) else {}
    now = datetime.now(UTC)
    made = document(stack, declared, known)
    is_same = {key: value for key, value in before.items() if key != "resolved_at"} == made
    if not is_same or _is_old(before["resolved_at"], now):
        stack.state.write_json(stack.state.failover_ids, {**made, "resolved_at": now.strftime("%Y-%m-%dT%H:%M:%SZ")})
    return not is_same


def document(stack: Stack, declared: DeclaredEdge, known: Known) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "stack": "local",
        "api": control_plane_part.api(stack),
        "account": declared.account,
        "zone": {"id": declared.zone, "name": declared.zone_name},
        "hosts": [_host(host, declared, known) for host in declared.hosts],
        "probes": {
            "scheme": "http",
            "edge": [EDGE_ADDRESS, stack.ports.edge_proxy],
            "standby": [STANDBY_ADDRESS, stack.ports.edge_proxy],
            "standby_tls": [STANDBY_ADDRESS, stack.ports.standby_tls],
            "ca": str(certificate(stack, declared).authority),
            "resolvers": [f"127.0.0.1:{stack.ports.dns}"],
        },
        "keep_until": declared.keep_until,
    }


def _host(host: FailoverHost, declared: DeclaredEdge, known: Known) -> dict[str, Any]:
    routes, record = known["routes"], declared.records[host.record]
    return {
        "hostname": host.hostname,
        "kind": "worker",
        "route": {"id": routes[host.route]["id"], "pattern": f"{host.hostname}/*", "script": host.script},
        "challenge_routes": [
            {"id": routes[name]["id"], "pattern": declared.routes[name]["pattern"]} for name in host.challenges
        ],
        "record": {
            "id": known["records"][host.record]["id"],
            **{key: record[key] for key in ("type", "name", "content")},
            # As it is while Cloudflare answers, also where a rollback by DNS is what is declared now.
            "proxied": True,
            "ttl": AUTOMATIC_TTL,
        },
        "standby": {"hostname": host.standby},
    }


def _is_old(stamp: Any, now: datetime) -> bool:
    try:
        return now - datetime.fromisoformat(str(stamp)) > DATED_EACH
    except ValueError:
        return True
