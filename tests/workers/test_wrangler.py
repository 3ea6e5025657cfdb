"""Wrangler's configuration is what the plan declares, and wrangler itself takes it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from components.resource_types import tokens
from plan import codec
from plan.model import Computed, Plan, Resource, Secret, reference
from plan.project import ROOT
from tests.changed_stack import record_with
from tests.commands import answered, hybrid, ran
from workers import wrangler
from workers.cloudflare_api import WorkerError

URN = "urn:pulumi:dev::shop::"
OBSERVABILITY = {
    "enabled": True,
    "headSamplingRate": 0.5,
    "logs": {"enabled": True, "headSamplingRate": 0.5, "invocationLogs": False},
}


def config(*bindings: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    """Of a Worker with these bindings."""
    version = {
        "mainModule": "index.js",
        "modules": [{"name": "index.js", "contentFile": "dist/index.js"}],
        "compatibilityDate": "2026-07-01",
        "placement": {"region": "aws:ca-central-1"},
        "bindings": list(bindings),
        **inputs,
    }
    worker = {
        "name": "shop",
        "accountId": "a1",
        "observability": OBSERVABILITY,
        "subdomain": {"enabled": False, "previewsEnabled": False},
    }
    declared = {(tokens.WORKER, "api-worker"): worker, (tokens.WORKER_VERSION, "api-version"): version}
    declared[tokens.ROUTE, "api-route"] = {"pattern": "shop.example/*", "zoneId": "z1", "script": "shop"}
    declared["cloudflare:index/hyperdriveConfig:HyperdriveConfig", "orders"] = {}
    resources = tuple(
        Resource(urn=f"{URN}{kind}::{name}", type=kind, name=name, custom=True, inputs=given)
        for (kind, name), given in declared.items()
    )
    return wrangler.config(Plan(project="shop", stack="dev", resources=resources), "api", Path("/shop"), Path("/shop"))


@pytest.mark.parametrize(
    ("binding", "key", "value"),
    [
        ({"type": "plain_text", "text": "dev"}, "vars", {"IT": "dev"}),
        ({"type": "secret_text", "text": Secret("word")}, "secrets", {"required": ["IT"]}),
        ({"type": "r2_bucket", "bucketName": "media"}, "r2_buckets", [{"binding": "IT", "bucket_name": "media"}]),
        ({"type": "service", "service": "other"}, "services", [{"binding": "IT", "service": "other"}]),
        ({"type": "hyperdrive", "id": "h1"}, "hyperdrive", [{"binding": "IT", "id": "h1"}]),
        (
            {
                "type": "hyperdrive",
                "id": Computed(reference(f"{URN}cloudflare:index/hyperdriveConfig:HyperdriveConfig::orders", "id")),
            },
            "hyperdrive",
            [{"binding": "IT", "id": "<id of orders>"}],
        ),
        (
            {"type": "ratelimit", "namespaceId": 1001, "simple": {"limit": 100, "period": 60}},
            "ratelimits",
            [{"name": "IT", "namespace_id": "1001", "simple": {"limit": 100, "period": 60}}],
        ),
    ],
)
def test_a_binding_has_its_place(binding: dict[str, Any], key: str, value: Any) -> None:
    made = config({"name": "IT", **binding})
    assert made[key] == value
    assert "word" not in json.dumps(made)


def test_a_worker_is_as_declared() -> None:
    made = config(compatibilityFlags=["nodejs_compat"])
    assert (made["name"], made["main"], made["workers_dev"]) == ("shop", "dist/index.js", False)
    assert made["routes"] == [{"pattern": "shop.example/*", "zone_id": "z1"}]
    assert made["observability"]["logs"] == {"enabled": True, "head_sampling_rate": 0.5, "invocation_logs": False}


def test_what_has_no_place_is_refused() -> None:
    with pytest.raises(WorkerError, match="shop: binding IT of type kv_namespace is not supported"):
        config({"name": "IT", "type": "kv_namespace"})


@pytest.mark.slow
@pytest.mark.parametrize("worker", ["api", "web"])
def test_wrangler_takes_it(worker: str, tmp_path: Path) -> None:
    for folder in ("stack", "home"):
        (tmp_path / folder).mkdir()
    plan = record_with(tmp_path / "stack", apiCrons=["*/15 * * * *"], apiCustomDomain=True)
    (tmp_path / "plan.json").write_text(codec.dumps(plan))
    output = tmp_path / "wrangler.json"
    answer = answered(
        "wrangler-config", "--from", str(tmp_path / "plan.json"), "--worker", worker, "--output", str(output)
    )
    assert answer.code == 0, answer
    names = {"HOME": "home", "WRANGLER_LOG_PATH": "home"}
    environment = {
        **os.environ,
        **{name: str(tmp_path / path) for name, path in names.items()},
        # Nothing is asked or told on the internet.
        "WRANGLER_SEND_METRICS": "false",
        "WRANGLER_HIDE_BANNER": "true",
        "CLOUDFLARE_CF_FETCH_ENABLED": "false",
        "NO_COLOR": "1",
    }
    program = [ROOT / "node_modules/.bin/node", ROOT / "node_modules/.bin/wrangler"]
    arguments: list[str | Path] = ["deploy", "--dry-run", "--config", output, "--outdir", tmp_path / "out"]
    told = ran([*program, *arguments], env=environment, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert told.stdout.rstrip().endswith("--dry-run: exiting now.")
    assert "WARNING" not in told.stdout + told.stderr
    made = json.loads(output.read_text())
    assert all(f"env.{name}" in told.stdout for name in made["vars"])
    assert made["triggers"] == {"crons": ["*/15 * * * *"] if worker == "api" else []}
    bundle = (tmp_path / "out/index.js").read_bytes()
    assert bundle == (tmp_path / made["main"]).read_bytes()


def test_it_is_printed_with_paths_from_here() -> None:
    made = json.loads(hybrid("wrangler-config", "dev").out)
    assert (made["name"], made["main"]) == ("automatonicai-dev-api", "apps/worker/dist/index.js")
    assert made["placement"] == {"region": "aws:ca-central-1"}
