"""An emulated Cloudflare with two sides behind it, and the file of ids of a stack that is declared there."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from failover.cloudflare.api import RECORD_CONTENT, RECORD_PREFIX, lock_comment
from failover.common.errors import RefusedError
from failover.common.ids import Ids, read
from failover.common.terms import Act
from failover.operation.journal import Paths
from failover.operation.operation import Operation
from failover.operation.outcome import Outcome
from local.control_plane.calls import Call
from local.control_plane.control_plane import ControlPlane
from local.control_plane.server import Server
from local.control_plane.settings import Account, SeedZone, Settings, Token
from tests.failover.outside import Outside, Resolver

ACCOUNT, ZONE = "a" * 32, "b" * 32
ZONE_NAME, HOST = "example.test", "app.example.test"
STANDBY_NAME = "cname.vercel-dns.test"
SCRIPT = "site"
ADMIN = "made-up-" + "administrator"
TOKENS = {
    "rollback": ("made-up-" + "rollback", ("routes:write", "dns:write")),
    "routes": ("made-up-" + "routes", ("routes:write", "dns:read")),
    "reader": ("made-up-" + "reader", ("routes:read", "dns:read")),
    "dns": ("made-up-" + "dns", ("routes:read", "dns:write")),
    "expired": ("made-up-" + "expired", ("routes:write", "dns:write")),
}
COMMENT = "hybrid-dev: stand-by, answers when the route has no script"
# Calls that faults are put on.
ROUTE = {"match": {"method": "PUT", "path": "/workers/routes/"}}
RECORD = {"match": {"method": "PATCH", "path": "/dns_records/"}}
BATCH = {"match": {"path": "/batch"}}
MOST_CALLS = 10


def down(calls: dict[str, Any], status: int = 503, **more: Any) -> dict[str, Any]:
    return {**calls, "kind": "status", "status": status, **more}


def unseen(calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Accepted, and not in force at the edge."""
    return {**calls, "kind": "invisible", **more}


@dataclass
class World:
    """Use `operation` for one act; `faults` puts the emulator's faults in place."""

    folder: Path
    control_plane: ControlPlane
    server: Server
    outside: Outside
    resolvers: list[Resolver] = field(default_factory=list)
    port: int = 0
    operations: list[Operation] = field(default_factory=list)

    @property
    def paths(self) -> Paths:
        return Paths.of(self.folder / "failover.json", stack="local")

    @property
    def ids(self) -> Ids:
        return read(self.folder / "failover.json")

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/client/v4"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Asks the API as the administrator, past every fault."""
        call = Call(method=method, path=path, headers={"authorization": f"Bearer {ADMIN}"}, body=body)
        return json.loads(self.control_plane.answer(call).body)["result"]

    def faults(self, *found: dict[str, Any]) -> None:
        self.server.faults.put(list(found))

    def operation(self, act: Act = Act.ROLLBACK, token: str = "rollback", **changes: Any) -> Operation:
        given = {"ids": self.ids, "paths": self.paths, "total_seconds": 60.0, **changes}
        self.operations.append(Operation(act=act, token=TOKENS[token][0], **given))
        return self.operations[-1]

    def act(self, act: Act = Act.ROLLBACK, **changes: Any) -> Outcome:
        outcome = self.operation(act, **changes).execute()
        assert len(outcome.calls) <= MOST_CALLS
        return outcome

    def refuses(self, pattern: str = r"refused \(", act: Act = Act.ROLLBACK, **changes: Any) -> list[str]:
        """The lines of a refusal that has the pattern; no route, record or lock is another one after it."""
        before = self.control_plane.published()
        with pytest.raises(RefusedError, match=pattern) as refused:
            self.act(act, **changes)
        after = self.control_plane.published()
        assert [after[kind] for kind in ("routes", "records")] == [before[kind] for kind in ("routes", "records")]
        return str(refused.value).splitlines()

    def overtaken(self, operation: Operation, other: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
        """Another operation does something after this one has looked and before it takes its lock; it is refused."""
        take = operation.api.lock

        def late(*arguments: object, **options: object) -> object:
            other()
            return take(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(operation.api, "lock", late)
        with pytest.raises(RefusedError, match="another operation has just taken the lock"):
            operation.execute()
        assert self.script() == SCRIPT

    def script(self, host: str = HOST) -> str | None:
        rows = self.ask("GET", f"/zones/{ZONE}/workers/routes")
        return next((row["script"] for row in rows if row["pattern"] == f"{host}/*"), None)

    def record(self, host: str = HOST) -> dict[str, Any]:
        rows: list[dict[str, Any]] = self.ask("GET", f"/zones/{ZONE}/dns_records")
        return next(row for row in rows if row["name"] == host)

    def locks(self) -> list[str]:
        """The comments of the lock records."""
        rows = self.ask("GET", f"/zones/{ZONE}/dns_records")
        return [row["comment"] for row in rows if row["name"].startswith("_failover-lock.")]

    def locks_while(self, operation: Operation, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The locks' comments as others see them while the operation sets a script; it is executed."""
        seen: list[str] = []
        setter = operation.api.set_script

        def note(*arguments: object, **options: object) -> object:
            seen.extend(self.locks())
            return setter(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(operation.api, "set_script", note)
        operation.execute()
        return seen

    def leave_lock(self, operation: str, seconds_ago: float = 0.0, host: str = HOST, seconds: int = 600) -> None:
        """Leaves a lock as another machine's operation does; it holds for so many seconds."""
        comment = lock_comment(operation, datetime.now(UTC) - timedelta(seconds=seconds_ago), "eve@far", seconds)
        body = {"type": "TXT", "name": f"{RECORD_PREFIX}{host}", "content": RECORD_CONTENT, "comment": comment}
        self.ask("POST", f"/zones/{ZONE}/dns_records", body)

    def write_ids(self, hosts: list[dict[str, Any]], resolvers: list[str]) -> None:
        document = {
            "format": 1,
            "stack": "local",
            "api": self.api,
            "account": ACCOUNT,
            "zone": {"id": ZONE, "name": ZONE_NAME},
            "hosts": hosts,
            "probes": {
                "edge": ["127.0.0.1", self.port],
                "standby": ["127.0.0.2", self.port],
                "resolvers": resolvers,
                "scheme": "http",
            },
            "keep_until": "2027-01-31",
            "resolved_at": "2026-11-21T00:00:00Z",
        }
        (self.folder / "failover.json").write_text(json.dumps(document))

    def change_ids(self, whole: dict[str, Any] | None = None, **host: Any) -> None:
        """Changes parts of the file, and of its first host: `route={"id": …}`."""
        path = self.folder / "failover.json"
        document = json.loads(path.read_text()) | (whole or {})
        for key, values in host.items():
            document["hosts"][0][key] |= values
        path.write_text(json.dumps(document))

    def declare(self, host: str = HOST, kind: str = "worker") -> dict[str, Any]:
        """Record and routes of one host; returns its part of the file of ids."""
        content = STANDBY_NAME if kind == "worker" else "site.pages.dev"
        body = {"type": "CNAME", "name": host, "content": content, "proxied": True, "ttl": 1, "comment": COMMENT}
        record = self.ask("POST", f"/zones/{ZONE}/dns_records", body)
        kept = {key: record[key] for key in ("id", "type", "name", "content", "proxied", "ttl")}
        declared = {"hostname": host, "kind": kind, "record": kept, "standby": {"hostname": STANDBY_NAME}}
        if kind == "pages":
            return declared
        routes = f"/zones/{ZONE}/workers/routes"
        challenge = self.ask("POST", routes, {"pattern": f"{host}/.well-known/acme-challenge/*"})
        route = self.ask("POST", routes, {"pattern": f"{host}/*", "script": SCRIPT})
        challenges = [{key: challenge[key] for key in ("id", "pattern")}]
        return {
            **declared,
            "route": {key: route[key] for key in ("id", "pattern", "script")},
            "challenge_routes": challenges,
        }

    def stop(self) -> None:
        for operation in self.operations:
            operation.close()
        self.server.shutdown()
        self.server.server_close()
        self.outside.stop()
        for resolver in self.resolvers:
            resolver.stop()


def _token(name: str, value: str, scopes: tuple[str, ...]) -> Token:
    digest = hashlib.sha256(value.encode()).hexdigest()
    token = Token(id=digest[:32], name=name, sha256=digest, scopes=scopes)
    if name == "expired":
        return token.model_copy(update={"expires_on": datetime(2026, 1, 1, tzinfo=UTC)})
    return token


def make(folder: Path, hosts: dict[str, str] | None = None, resolvers: tuple[dict[str, Any], ...] = ({},)) -> World:
    """`hosts`: kind by name. `resolvers`: what is odd about each; nothing about an honest one."""
    tokens = (_token("admin", ADMIN, ("*",)), *(_token(name, *found) for name, found in TOKENS.items()))
    settings = Settings(
        folder=folder / "cloudflare",
        port=0,
        account=Account(id=ACCOUNT, name="made up"),
        zones=(SeedZone(id=ZONE, name=ZONE_NAME),),
        tokens=tokens,
        scripts=(SCRIPT,),
    )
    settings.folder.mkdir()
    control_plane = ControlPlane(settings)
    server = Server(control_plane)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    outside = Outside(control_plane.published, STANDBY_NAME)
    world = World(folder, control_plane, server, outside)
    world.port = outside.start()
    world.resolvers = [Resolver(outside, **odd) for odd in resolvers]
    declared = [world.declare(host, kind) for host, kind in (hosts or {HOST: "worker"}).items()]
    world.write_ids(declared, [resolver.name for resolver in world.resolvers])
    return world
