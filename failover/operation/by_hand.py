"""The same changes without this program: for a human when all else fails."""

import json
from dataclasses import asdict

from failover.common.files import VARIABLE
from failover.common.ids import Host, Ids, Route
from failover.common.terms import Act
from failover.operation.changes import declared, led_past

AFTER_A_FAILED = "Only if that does not help within a minute, plan B (DNS; clients may need five more minutes):"


def commands(ids: Ids, act: Act) -> list[str]:
    """Lines to paste into a shell; the token stays in its variable."""
    lines = [f"# {VARIABLE} holds the token: read -rs {VARIABLE}; export {VARIABLE}"]
    routes = [host.route for host in ids.hosts if host.route]
    if act is Act.ROLLBACK:
        lines += [_route(ids, route, None) for route in routes]
        lines += [_record(ids, host, act) for host in ids.hosts if not host.route]
        if routes:
            lines += [f"# {AFTER_A_FAILED}", *(_record(ids, host, act) for host in ids.hosts if host.route)]
    else:
        lines += [_route(ids, route, route.script) for route in routes]
        lines += [_record(ids, host, act) for host in ids.hosts]
    lines.append("# Who answers now:")
    lines += [_look(ids, host) for host in ids.hosts]
    return lines


def _look(ids: Ids, host: Host) -> str:
    edge, address = ids.probes.edge, f"{ids.probes.scheme}://{host.hostname}"
    if edge:
        # A stack of one machine, whose names no resolver of that machine knows.
        address = f"--resolve {host.hostname}:{edge[1]}:{edge[0]} {address}:{edge[1]}"
    return f"curl -sSI {address}{host.path} | grep -i x-served-by"


def clicks(ids: Ids, act: Act) -> list[str]:
    """The same in the dashboard, in its own terms (dash.cloudflare.com, November 2026: names move now and then)."""
    lines = [f"dash.cloudflare.com, account {ids.account}, zone {ids.zone_name}:"]
    for host in ids.hosts:
        if host.route:
            script = "None" if act is Act.ROLLBACK else host.route.script
            lines.append(f"Workers Routes > {host.route.pattern} > Edit > Worker: {script} > Save")
        else:
            lines.append(_click(host, act))
    if act is Act.ROLLBACK:
        late = [_click(host, act) for host in ids.hosts if host.route]
        return [*lines, *([AFTER_A_FAILED, *late] if late else [])]
    return [*lines, *(_click(host, act) for host in ids.hosts if host.route)]


def _click(host: Host, act: Act) -> str:
    target = led_past(host) if act is Act.ROLLBACK else declared(host)
    cloud = "Proxied" if target.proxied else "DNS only, TTL 1 min"
    return f"DNS > Records > {host.hostname} > Edit > Target: {target.content}, Proxy status: {cloud} > Save"


def _route(ids: Ids, route: Route, script: str | None) -> str:
    path = f"zones/{ids.zone_id}/workers/routes/{route.id}"
    return _curl(ids, "PUT", path, {"pattern": route.pattern, "script": script})


def _record(ids: Ids, host: Host, act: Act) -> str:
    target = led_past(host) if act is Act.ROLLBACK else declared(host)
    body = {"type": host.record.type, "name": host.record.name, **asdict(target)}
    return _curl(ids, "PATCH", f"zones/{ids.zone_id}/dns_records/{host.record.id}", body)


def _curl(ids: Ids, method: str, path: str, body: dict[str, object]) -> str:
    return (
        f'curl -sS --fail-with-body -m 15 -X {method} -H "Authorization: Bearer ${VARIABLE}" '
        f'-H "Content-Type: application/json" '
        f"{ids.api}/{path} --data '{json.dumps(body)}'"
    )
