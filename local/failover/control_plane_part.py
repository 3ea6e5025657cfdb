"""The emulated control plane as a part of the stack, and what the plan declares brought into it through its API."""

import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.common.errors import LocalError
from local.control_plane.settings import Account, NameServer, SeedZone, Settings, Token
from local.edge.part import get_status
from local.failover.declared_edge import DeclaredEdge
from local.processes.part import Part, content_hash
from local.processes.stack import Stack

if TYPE_CHECKING:
    import httpx

NAME = "control-plane"
PROJECT = Path(__file__).parents[2]
CODE = PROJECT / "local" / "control_plane"
OWNER, ROLLBACK = "control-plane-owner", "control-plane-rollback"
TOKEN_LENGTH = 40
# What the rollback's own token may do, and nothing else.
ROLLBACK_SCOPES = ("dns:write", "routes:write")
LOOPBACK = ("127.0.0.0/8",)
SECONDS = 10


def folder(stack: Stack) -> Path:
    return stack.state.folder / NAME


def api(stack: Stack) -> str:
    return f"http://127.0.0.1:{stack.ports.control_plane}/client/v4"


def part(stack: Stack, declared: DeclaredEdge, name_server: NameServer | None) -> Part:
    """Writes the settings and describes the part; its data are another file, which outlives it."""
    folder(stack).mkdir(mode=0o700, exist_ok=True)
    settings = Settings(
        folder=folder(stack),
        port=stack.ports.control_plane,
        account=Account(id=declared.account, name=declared.zone_name),
        zones=(SeedZone(id=declared.zone, name=declared.zone_name),),
        tokens=(_token(stack, OWNER, "*"), _token(stack, ROLLBACK, *ROLLBACK_SCOPES)),
        scripts=declared.scripts,
        name_server=name_server,
    )
    path = folder(stack) / "settings.json"
    stack.state.write_json(path, settings.model_dump(mode="json"))
    return Part(
        name=NAME,
        command=(sys.executable, "-m", "local.control_plane", str(path)),
        environment={"PYTHONPATH": str(PROJECT)},
        contents=(content_hash(path, *sorted(CODE.glob("*.py"))),),
    )


def is_ready(stack: Stack) -> bool:
    return get_status(stack.ports.control_plane, "/_health") == 200


def write_rollback_token(stack: Stack) -> None:
    """Into a file of its own, 0600, as `./hybrid failover --token-file` reads it."""
    path, value = stack.state.failover_token, _value(stack, ROLLBACK)
    if not path.exists() or path.read_text() != value:
        stack.state.write(path, value)


def _value(stack: Stack, name: str) -> str:
    return stack.secrets.password(name, TOKEN_LENGTH)


def _token(stack: Stack, name: str, *scopes: str) -> Token:
    digest = hashlib.sha256(_value(stack, name).encode()).hexdigest()
    return Token(id=digest[:32], name=name, sha256=digest, scopes=scopes, networks=LOOPBACK)


class Seeding:
    """Brings declared records and routes into the control plane as Pulumi does: by what was declared before.

    What somebody changed in between, such as a rollback, stays as it is unless the declaration itself has changed.
    """

    def __init__(self, stack: Stack, declared: DeclaredEdge, client: "httpx.Client") -> None:
        self._stack, self._declared, self._client = stack, declared, client
        self._file = stack.state.folder / "declared-edge.json"
        self.known: dict[str, dict[str, Any]] = {"records": {}, "routes": {}}
        """By kind and the resource's name: `id` and `fields`, as they were declared last."""
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
            raise LocalError(f"{NAME}: {method} {path}: {error}; see `./hybrid local logs {NAME}`") from error
        if not document["success"]:
            told = "; ".join(fault["message"] for fault in document["errors"])
            raise LocalError(f"{NAME}: {method} {path}: {told}")
        return document["result"]


def seed(stack: Stack, declared: DeclaredEdge) -> tuple[int, dict[str, dict[str, Any]]]:
    """How many records and routes were changed, and all of them by kind and name."""
    import httpx

    headers = {"authorization": f"Bearer {_value(stack, OWNER)}"}
    with httpx.Client(base_url=api(stack), headers=headers, trust_env=False, timeout=SECONDS) as client:
        seeding = Seeding(stack, declared, client)
        return seeding.run(), seeding.known


def _is_same_record(row: dict[str, Any], fields: dict[str, Any]) -> bool:
    return (row["name"], row["type"]) == (fields["name"], fields["type"])


def _is_same_route(row: dict[str, Any], fields: dict[str, Any]) -> bool:
    return bool(row["pattern"] == fields["pattern"])
