"""The edge: Miniflare with the declared Workers, their bindings and the buckets, exactly as the plan declares them."""

import http.client
import json
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from components.resource_types import tokens
from local.common.errors import LocalError
from local.common.ports import Ports
from local.common.values import Password, realised, setting
from local.host.realisation import Realisation
from local.identity import part as identity
from local.processes.program import Program, content_hash
from local.processes.stack import Stack
from local.processes.supervisor import Outcome
from plan.model import Computed, Plan, Resource

ASSET_SETTINGS = {"htmlHandling", "notFoundHandling", "runWorkerFirst"}
BINDINGS = "hyperdrive, r2_bucket, plain_text, secret_text, json, ratelimit, service, assets (with assets declared)"
DIRECT_PATH = "DATABASE_DIRECT"
MODULE_TYPES = {"application/javascript+module": "esm"}


@dataclass(frozen=True, kw_only=True)
class EdgeSources:
    """What the edge needs besides the plan."""

    project: Path
    """Folder that module and asset paths are relative to."""
    state: Path
    ports: Ports
    password: Password
    here: Mapping[str, str | None] = field(default_factory=dict)
    """Values of this machine's in place of declared ones, by binding; None: it is not bound here."""
    tunnel_secret: str = ""
    """What opens the way past Hyperdrive, where one is declared."""


def buckets(plan: Plan) -> list[str]:
    """Names of all declared R2 buckets, bound to a Worker or not."""
    return sorted(resource.inputs["name"] for resource in plan.of_type(tokens.R2_BUCKET))


def edge_config(plan: Plan, sources: EdgeSources) -> dict[str, Any]:
    """The configuration of local/edge/miniflare/serve.mjs. Raises LocalError for what one machine can't have."""
    workers = [_worker(plan, version, sources) for version in plan.of_type(tokens.WORKER_VERSION)]
    return {
        "host": "127.0.0.1",
        "state": str(sources.state),
        "entry": {"port": sources.ports.web, "worker": routed(plan, setting(plan, "siteHostname"))},
        "direct": {"port": sources.ports.api, "worker": routed(plan, setting(plan, "apiHostname"))},
        "control": {"port": sources.ports.edge_control},
        "tunnel": _tunnel(sources) if any(DIRECT_PATH in worker["vars"] for worker in workers) else None,
        "workers": workers,
        "buckets": buckets(plan),
    }


def site_assets(config: dict[str, Any]) -> Path:
    """The files of the Worker that answers the site. Raises LocalError where it has none."""
    name = config["entry"]["worker"]
    assets = next(worker["assets"] for worker in config["workers"] if worker["name"] == name)
    if not assets:
        raise LocalError(f"{name}: has no assets, which the local stand-by serves too; the site's Worker needs them")
    return Path(assets["directory"])


def routed(plan: Plan, hostname: str) -> str:
    """The Worker that answers all of a host name. Raises LocalError where none does."""
    patterns = {resource.inputs["pattern"]: resource.inputs.get("script") for resource in plan.of_type(tokens.ROUTE)}
    domains = plan.of_type(tokens.CUSTOM_DOMAIN)
    patterns |= {f"{resource.inputs['hostname']}/*": resource.inputs["service"] for resource in domains}
    pattern = f"{hostname}/*"
    if pattern not in patterns:
        raise LocalError(f"{pattern}: no route or domain is declared for it; the local edge needs one")
    script = patterns[pattern] or _behind_failover(plan, hostname)
    if not script:
        raise LocalError(f"{pattern}: its route has no script (failoverActive); only a Worker can answer here")
    return str(script)


def _behind_failover(plan: Plan, hostname: str) -> str | None:
    """The site's Worker while the stand-by is the active side: it stays deployed, for a restore."""
    hosts = [resource for resource in plan.of_type(tokens.FAILOVER_HOST) if resource.inputs["hostname"] == hostname]
    sites = {resource.urn for resource in plan.of_type(tokens.WEB_SITE)}
    workers = [worker for worker in plan.of_type(tokens.WORKER) if sites & set(_ancestors(plan, worker))]
    return str(workers[0].inputs["name"]) if hosts and workers else None


def _ancestors(plan: Plan, resource: Resource) -> Iterator[str]:
    while resource.parent and resource.parent in plan.by_urn:
        yield resource.parent
        resource = plan.by_urn[resource.parent]


def _worker(plan: Plan, version: Resource, sources: EdgeSources) -> dict[str, Any]:
    inputs = version.inputs
    config: dict[str, Any] = {
        "name": _referenced(plan, inputs["workerId"]).inputs["name"],
        "modules": [_module(module, sources.project) for module in inputs["modules"]],
        "mainModule": inputs["mainModule"],
        "compatibilityDate": inputs["compatibilityDate"],
        "compatibilityFlags": inputs.get("compatibilityFlags", []),
        "hyperdrives": {},
        "r2Buckets": {},
        "vars": {},
        "services": {},
        "ratelimits": {},
        "assets": _assets(inputs.get("assets"), sources.project),
    }
    bindings = {binding["name"]: binding for binding in inputs.get("bindings", [])}
    has_direct_path = bindings.pop(DIRECT_PATH, None) is not None
    for binding in bindings.values():
        _bind(plan, config, binding, sources)
    if has_direct_path:
        config["vars"][DIRECT_PATH] = _direct_path(config["hyperdrives"], sources)
    return config


def _direct_path(hyperdrives: dict[str, str], sources: EdgeSources) -> str:
    """The same roles; what stands for the tunnel leads to the same pooler."""
    roles = {"regulated": hyperdrives["HYPERDRIVE"], "public": hyperdrives["HYPERDRIVE_PUBLIC"]}
    return json.dumps({"url": f"http://127.0.0.1:{sources.ports.tunnel}/", **_token(sources), **roles})


def _tunnel(sources: EdgeSources) -> dict[str, Any]:
    return {"port": sources.ports.tunnel, "target": sources.ports.pooler, **_token(sources)}


def _token(sources: EdgeSources) -> dict[str, str]:
    """In place of Access's service token."""
    return {"clientId": "api", "clientSecret": sources.tunnel_secret}


def _bind(plan: Plan, config: dict[str, Any], binding: dict[str, Any], sources: EdgeSources) -> None:
    name = binding["name"]
    if name in sources.here:
        if (own := sources.here[name]) is not None:
            config["vars"][name] = own
        return
    where = f"{config['name']}: binding {name}"
    match binding["type"]:
        case "hyperdrive":
            config["hyperdrives"][name] = _connection(plan, _referenced(plan, binding["id"]), sources)
        case "r2_bucket":
            config["r2Buckets"][name] = binding["bucketName"]
        case "plain_text" | "secret_text":
            config["vars"][name] = realised(plan, binding["text"], sources.password)
        case "json":
            config["vars"][name] = _parsed(where, realised(plan, binding["json"], sources.password))
        case "ratelimit":
            limit = _limit(where, binding["simple"])
            config["ratelimits"][name] = {"namespaceId": str(binding["namespaceId"]), **limit}
        case "service":
            config["services"][name] = binding["service"]
        case "assets" if config["assets"]:
            config["assets"]["binding"] = name
        case other:
            raise LocalError(f"{where} of type {other} is not supported by the local stack yet; allowed: {BINDINGS}")


def _parsed(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise LocalError(f"{where}: is not JSON: {error}") from error


def _limit(where: str, simple: dict[str, Any]) -> dict[str, int]:
    """The rate limit: requests in a period of seconds."""
    if simple.get("mitigationTimeout"):
        raise LocalError(f"{where}: mitigationTimeout is not supported by the local stack yet; allowed: limit, period")
    return {"limit": int(simple["limit"]), "period": int(simple["period"])}


def _module(module: dict[str, Any], project: Path) -> dict[str, str]:
    kind = MODULE_TYPES.get(module["contentType"])
    if kind is None or "contentFile" not in module:
        raise LocalError(f"module {module['name']}: only JavaScript modules from a file are supported on one machine")
    return {"name": module["name"], "path": str(project / module["contentFile"]), "type": kind}


def _assets(assets: dict[str, Any] | None, project: Path) -> dict[str, Any] | None:
    if not assets:
        return None
    config = assets.get("config", {})
    unknown = sorted(config.keys() - ASSET_SETTINGS)
    if unknown:
        raise LocalError(
            f"assets {assets['directory']}: {', '.join(unknown)} is not supported by the local stack yet; "
            f"allowed: {', '.join(sorted(ASSET_SETTINGS))}"
        )
    return {"directory": str(project / assets["directory"]), "runWorkerFirst": False, **config}


def _connection(plan: Plan, hyperdrive: Resource, sources: EdgeSources) -> str:
    """The pooler stands for Hyperdrive itself: a Worker reaches it without TLS, and it reaches PostgreSQL with TLS."""
    origin = hyperdrive.inputs["origin"]
    password = quote(realised(plan, origin["password"], sources.password), safe="")
    return f"postgres://{origin['user']}:{password}@127.0.0.1:{sources.ports.pooler}/{origin['database']}"


def _referenced(plan: Plan, value: Any) -> Resource:
    found = value.reference if isinstance(value, Computed) else None
    resource = plan.by_urn.get(found[0]) if found else None
    if resource is None:
        raise LocalError(f"{value}: does not name a resource of this stack; locally only its own can be reached")
    return resource


NAME = "edge"
RELOADED = "reloaded"
SERVE = Path(__file__).with_name("miniflare") / "serve.mjs"


def declared_config(realisation: Realisation) -> dict[str, Any]:
    """What Miniflare is given for the plan. Raises LocalError for what one machine can't have."""
    stack = realisation.stack
    sources = EdgeSources(
        project=stack.project,
        state=stack.state.edge,
        ports=stack.ports,
        password=stack.password(realisation.plan),
        # Nothing on this machine contacts the internet by itself.
        here={**identity.bindings(stack, realisation.plan), "SENTRY_DSN": None},
        tunnel_secret=stack.secrets.password("tunnel", 40),
    )
    return edge_config(realisation.plan, sources)


def refuse(realisation: Realisation) -> None:
    declared_config(realisation)


def start(realisation: Realisation) -> str:
    """Starts it as declared; other bundles it reads again, without the half second that its start takes."""
    stack, config = realisation.stack, declared_config(realisation)
    build = _build(config)
    outcome = stack.supervisor.ensure(program(stack, config, build))
    is_reloaded = outcome is Outcome.UNCHANGED and _ask(stack.ports.edge_control, "/build")[1] != build
    if is_reloaded:
        stack.supervisor.signal(NAME, signal.SIGHUP)
    stack.supervisor.wait_ready(NAME, lambda: is_ready(stack, build))
    return RELOADED if is_reloaded else str(outcome)


def program(stack: Stack, config: dict[str, Any], build: str) -> Program:
    """Writes the configuration and describes the program; it starts again when that has changed."""
    path = stack.state.edge / "config.json"
    stack.state.write_json(path, {**config, "build": build})
    return Program(
        name=NAME,
        command=(str(stack.project / "node_modules/.bin/node"), str(SERVE), str(path)),
        # Workers' tools keep caches in the home folder.
        environment={"HOME": str(stack.state.edge), "XDG_CONFIG_HOME": str(stack.state.edge)},
        contents=(content_hash(SERVE.parent), sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()),
    )


def _build(config: dict[str, Any]) -> str:
    """Names the bundles and the assets by their content."""
    bundles = [Path(module["path"]) for worker in config["workers"] for module in worker["modules"]]
    assets = [Path(worker["assets"]["directory"]) for worker in config["workers"] if worker["assets"]]
    return content_hash(*bundles, *assets)


def is_ready(stack: Stack, build: str) -> bool:
    """Whether these bundles are served, and the site answers, and the API behind it, and the database behind that."""
    ports = stack.ports
    return _ask(ports.edge_control, "/build") == (200, build) and all(
        get_status(port, "/api/health") == 200 for port in (ports.api, ports.web)
    )


def get_status(port: int, path: str) -> int | None:
    """Status of a GET on loopback; None when nobody answers."""
    return _ask(port, path)[0]


def _ask(port: int, path: str) -> tuple[int | None, str]:
    """Status and body of a GET on loopback; None when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None, ""
    finally:
        connection.close()


def live_buckets(stack: Stack) -> list[dict[str, Any]]:
    """Name and number of objects of each R2 bucket, from the running edge."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.ports.edge_control, timeout=5)
    try:
        connection.request("GET", "/buckets")
        found: list[dict[str, Any]] = json.load(connection.getresponse())
        return found
    finally:
        connection.close()
