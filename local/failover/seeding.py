"""What the plan declares brought into the emulated control plane through its API, and the ids of it for a rollback."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from failover.common.ids import ChallengeRoute, Host, Ids, Probes, Record, Route
from failover.common.terms import Kind
from local.common.errors import LocalError
from local.common.ports import STANDBY_ADDRESS
from local.failover import control_plane
from local.failover.declared import DeclaredEdge, FailoverHost, declared_edge
from local.failover.proxy import EDGE_ADDRESS, certificate
from local.host.realisation import UNCHANGED, Realisation
from local.processes.stack import Stack

if TYPE_CHECKING:
    import httpx

SECONDS = 10
# Each `up` checks the ids; the file's date is renewed once a day.
DATED_EACH = timedelta(days=1)
Known = dict[str, dict[str, Any]]


def start(realisation: Realisation) -> str:
    """Brings in what is declared; what a rollback has changed stays as it is."""
    stack, declared = realisation.stack, declared_edge(realisation.plan)
    control_plane.write_rollback_token(stack)
    count, known = seed(stack, declared)
    is_new = write_ids(stack, declared, known)
    if not count and not is_new:
        return UNCHANGED
    return f"{count} changed" if count else "ids written"


class Seeding:
    """Brings declared records and routes into the control plane as Pulumi does: by what was declared before.

    What somebody changed in between, such as a rollback, stays as it is unless the declaration itself has changed.
    """

    def __init__(self, stack: Stack, declared: DeclaredEdge, client: "httpx.Client") -> None:
        self._stack, self._declared, self._client = stack, declared, client
        self._file = stack.state.folder / "declared-edge.json"
        self.known: dict[str, dict[str, Any]] = {"records": {}, "routes": {}}
        """What was declared last, by kind and the resource's name: `id` and `fields`."""
        self.known |= stack.state.read_json(self._file, can_be_remade=True) or {}
        self.count = 0

    def run(self) -> int:
        """How many of them were changed."""
        self._bring("records", "dns_records", self._declared.records, self._edit_record, _is_same_record)
        self._bring("routes", "workers/routes", self._declared.routes, self._edit_route, _is_same_route)
        return self.count

    def _bring(
        self,
        kind: str,
        path: str,
        declared: Mapping[str, dict[str, Any]],
        edit: Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], None],
        is_same: Callable[[dict[str, Any], dict[str, Any]], bool],
    ) -> None:
        zone_path = f"/zones/{self._declared.zone}/{path}"
        live = {row["id"]: row for row in self._call("GET", zone_path, per_page=1000)}
        known = self.known[kind]
        for name in [name for name in known if name not in declared]:
            gone = known.pop(name)["id"]
            if gone in live:
                self._change("DELETE", f"{zone_path}/{gone}")
        for name, fields in declared.items():
            before = known.get(name)
            if before is None or before["id"] not in live:
                found = next((row for row in live.values() if is_same(row, fields)), None)
                row = found or self._change("POST", zone_path, fields)
                before = {"id": row["id"], "fields": fields if found is None else {}}
                live[row["id"]] = row
            edit(live[before["id"]], before["fields"], fields)
            if known.get(name) != {"id": before["id"], "fields": fields}:
                known[name] = {"id": before["id"], "fields": fields}
                self._stack.state.write_json(self._file, self.known)
        self._stack.state.write_json(self._file, self.known)

    def _edit_record(self, row: dict[str, Any], before: dict[str, Any], fields: dict[str, Any]) -> None:
        changed = {key: fields.get(key) for key in {*before, *fields} if before.get(key) != fields.get(key)}
        changed = {key: value for key, value in changed.items() if row.get(key) != value}
        if changed:
            self._change("PATCH", f"/zones/{self._declared.zone}/dns_records/{row['id']}", changed)

    def _edit_route(self, row: dict[str, Any], before: dict[str, Any], fields: dict[str, Any]) -> None:
        wanted = {key: fields[key] if before.get(key, "") != fields[key] else row[key] for key in ("pattern", "script")}
        if any(row[key] != value for key, value in wanted.items()):
            self._change("PUT", f"/zones/{self._declared.zone}/workers/routes/{row['id']}", wanted)

    def _change(self, method: str, path: str, body: Any = None) -> Any:
        self.count += 1
        return self._call(method, path, body)

    def _call(self, method: str, path: str, body: Any = None, **query: int) -> Any:
        import httpx

        try:
            answer = self._client.request(method, path, json=body, params=query)
            document = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise LocalError(
                f"{control_plane.NAME}: {method} {path}: {error}; see `./hybrid local logs {control_plane.NAME}`"
            ) from error
        if not document["success"]:
            told = "; ".join(fault["message"] for fault in document["errors"])
            raise LocalError(f"{control_plane.NAME}: {method} {path}: {told}")
        return document["result"]


def seed(stack: Stack, declared: DeclaredEdge) -> tuple[int, dict[str, dict[str, Any]]]:
    """How many records and routes were changed, and all of them by kind and name."""
    import httpx

    headers = {"authorization": f"Bearer {control_plane.token_value(stack, control_plane.OWNER)}"}
    with httpx.Client(base_url=control_plane.api(stack), headers=headers, trust_env=False, timeout=SECONDS) as client:
        seeding = Seeding(stack, declared, client)
        return seeding.run(), seeding.known


def _is_same_record(row: dict[str, Any], fields: dict[str, Any]) -> bool:
    return (row["name"], row["type"]) == (fields["name"], fields["type"])


def _is_same_route(row: dict[str, Any], fields: dict[str, Any]) -> bool:
    return bool(row["pattern"] == fields["pattern"])


def write_ids(stack: Stack, declared: DeclaredEdge, known: Known) -> bool:
    """Whether it is another one than before, apart from its date."""
    before = stack.state.read_json(stack.state.failover_ids, can_be_remade=True)
    before = before if isinstance(before, dict) else {}
    now = datetime.now(UTC)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    # As JSON has it: a pair is a list there.
    made = json.loads(json.dumps(declared_ids(stack, declared, known, stamp).document()))
    is_same = {**before, "resolved_at": stamp} == made
    if not is_same or _is_old(before.get("resolved_at"), now):
        stack.state.write_json(stack.state.failover_ids, made)
    return not is_same


def declared_ids(stack: Stack, declared: DeclaredEdge, known: Known, resolved_at: str) -> Ids:
    return Ids(
        stack="local",
        api=control_plane.api(stack),
        account=declared.account,
        zone_id=declared.zone,
        zone_name=declared.zone_name,
        hosts=tuple(_host_ids(host, declared, known) for host in declared.hosts),
        probes=Probes(
            scheme="http",
            edge=(EDGE_ADDRESS, stack.ports.edge_proxy),
            standby=(STANDBY_ADDRESS, stack.ports.edge_proxy),
            standby_tls=(STANDBY_ADDRESS, stack.ports.standby_tls),
            ca=str(certificate(stack, declared).authority),
            resolvers=(f"127.0.0.1:{stack.ports.dns}",),
        ),
        keep_until=declared.keep_until,
        resolved_at=resolved_at,
    )


def _host_ids(host: FailoverHost, declared: DeclaredEdge, known: Known) -> Host:
    routes, record = known["routes"], declared.records[host.record]
    return Host(
        hostname=host.hostname,
        kind=Kind.WORKER,
        route=Route(id=routes[host.route]["id"], pattern=f"{host.hostname}/*", script=host.script),
        challenge_routes=tuple(
            ChallengeRoute(id=routes[name]["id"], pattern=declared.routes[name]["pattern"]) for name in host.challenges
        ),
        # Proxied, as it is while Cloudflare answers, also where a rollback by DNS is what is declared now.
        record=Record(
            id=known["records"][host.record]["id"],
            **{key: record[key] for key in ("type", "name", "content")},
        ),
        standby=host.standby,
    )


def _is_old(stamp: Any, now: datetime) -> bool:
    try:
        return now - datetime.fromisoformat(str(stamp)) > DATED_EACH
    except ValueError:
        return True
