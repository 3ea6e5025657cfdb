"""A Worker as the plan declares it, as wrangler's configuration: for its own commands, and to compare with.

Names of fields: Cloudflare, Wrangler configuration.
"""

import os
from pathlib import Path
from typing import Any

from components.resource_types import tokens
from plan.model import Computed, Plan, Resource
from workers.cloudflare_api import WorkerError

CRON_TRIGGER = "cloudflare:index/workersCronTrigger:WorkersCronTrigger"
ASSETS = {
    "runWorkerFirst": "run_worker_first",
    "htmlHandling": "html_handling",
    "notFoundHandling": "not_found_handling",
}
Config = dict[str, Any]


def config(plan: Plan, worker: str, project: Path, folder: Path) -> Config:
    """Paths are relative to `folder`, where the file will be. Raises WorkerError for what wrangler can't be told."""
    version, declared = _named(plan, tokens.WORKER_VERSION, f"{worker}-version"), _declared(plan, worker)
    inputs, name = version.inputs, declared["name"]
    bindings = inputs.get("bindings", [])
    (module,) = [one for one in inputs["modules"] if one["name"] == inputs["mainModule"]]
    return {
        "name": name,
        "account_id": declared["accountId"],
        "main": _path(project / module["contentFile"], folder),
        # It is the bundle.
        "no_bundle": True,
        "compatibility_date": inputs["compatibilityDate"],
        "compatibility_flags": inputs.get("compatibilityFlags", []),
        "workers_dev": declared["subdomain"]["enabled"],
        "preview_urls": declared["subdomain"]["previewsEnabled"],
        "placement": inputs["placement"],
        "observability": _observability(declared["observability"]),
        "routes": _routes(plan, name),
        "triggers": {"crons": _crons(plan, name)},
        **_assets(inputs.get("assets"), bindings, project, folder),
        **_bound(plan, name, bindings),
    }


def _declared(plan: Plan, worker: str) -> Config:
    return _named(plan, tokens.WORKER, f"{worker}-worker").inputs


def _named(plan: Plan, kind: str, name: str) -> Resource:
    (found,) = [one for one in plan.of_type(kind) if one.name == name]
    return found


def _path(path: Path, folder: Path) -> str:
    return os.path.relpath(path, folder)


def _observability(declared: Config) -> Config:
    logs = declared["logs"]
    return {
        "enabled": declared["enabled"],
        "head_sampling_rate": declared["headSamplingRate"],
        "logs": {
            "enabled": logs["enabled"],
            "head_sampling_rate": logs["headSamplingRate"],
            "invocation_logs": logs["invocationLogs"],
        },
    }


def _routes(plan: Plan, name: str) -> list[Config]:
    routes = [
        {"pattern": one.inputs["pattern"], "zone_id": one.inputs["zoneId"]}
        for one in plan.of_type(tokens.ROUTE)
        if one.inputs.get("script") == name
    ]
    domains = [
        {"pattern": one.inputs["hostname"], "zone_id": one.inputs["zoneId"], "custom_domain": True}
        for one in plan.of_type(tokens.CUSTOM_DOMAIN)
        if one.inputs["service"] == name
    ]
    return [*routes, *domains]


def _crons(plan: Plan, name: str) -> list[str]:
    triggers = [one.inputs for one in plan.of_type(CRON_TRIGGER) if one.inputs["scriptName"] == name]
    return [schedule["cron"] for trigger in triggers for schedule in trigger["schedules"]]


def _assets(assets: Config | None, bindings: list[Config], project: Path, folder: Path) -> Config:
    if not assets:
        return {}
    bound = next((binding["name"] for binding in bindings if binding["type"] == "assets"), None)
    settings = {ASSETS[key]: value for key, value in assets.get("config", {}).items()}
    directory = _path(project / assets["directory"], folder)
    return {"assets": {"directory": directory, **({"binding": bound} if bound else {}), **settings}}


def _bound(plan: Plan, worker: str, bindings: list[Config]) -> Config:
    found: Config = {"hyperdrive": [], "r2_buckets": [], "services": [], "ratelimits": [], "vars": {}}
    secrets = []
    for binding in bindings:
        name = binding["name"]
        match binding["type"]:
            case "hyperdrive":
                found["hyperdrive"].append({"binding": name, "id": _known(plan, binding["id"])})
            case "r2_bucket":
                found["r2_buckets"].append({"binding": name, "bucket_name": binding["bucketName"]})
            case "service":
                found["services"].append({"binding": name, "service": binding["service"]})
            case "ratelimit":
                limit = {"namespace_id": str(binding["namespaceId"]), "simple": binding["simple"]}
                found["ratelimits"].append({"name": name, **limit})
            case "plain_text":
                found["vars"][name] = _known(plan, binding["text"])
            case "secret_text":
                # Their values are never in a file: `wrangler secret put NAME`.
                secrets.append(name)
            case "assets":
                pass
            case other:
                raise WorkerError(f"{worker}: binding {name} of type {other} is not supported by wrangler-config yet")
    return {**found, **({"secrets": {"required": secrets}} if secrets else {})}


def _known(plan: Plan, value: Any) -> str:
    """What is known after a deployment says until then of which resource it is, and what of it."""
    if isinstance(value, Computed):
        return value.resolve(lambda urn, name: f"<{name} of {plan.by_urn[urn].name}>")
    return str(value)
