"""Pulumi's real Cloudflare provider against the emulated control plane; skipped where the plugin is not installed."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.control_plane.settings import Account, SeedZone
from tests.engine.trial_engine import TrialEngine
from tests.local.control_plane.under_test import ControlPlaneUnderTest, serving, settings, token

pytestmark = pytest.mark.engine
PLUGIN = "pulumi-resource-cloudflare"
# The provider takes tokens of 40 to 80 characters alone.
OWNER = "owner" * 8


@dataclass(frozen=True)
class EngineWithCloudflare(TrialEngine):
    api: str

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), "CLOUDFLARE_BASE_URL": self.api, "CLOUDFLARE_API_TOKEN": OWNER}

    def setting(self, name: str) -> str:
        config: dict[str, str] = yaml.safe_load((self.project / "Pulumi.dev.yaml").read_text())["config"]
        return config[f"hybrid:{name}"]


@pytest.fixture(scope="module")
def plane(fresh: TrialEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlaneUnderTest]:
    if shutil.which(PLUGIN) is None:
        pytest.skip(f"{PLUGIN} is not on PATH: install Pulumi's Cloudflare plugin to run these tests")
    known = EngineWithCloudflare(fresh.folder, "")
    made = settings(
        tmp_path_factory.mktemp("plane") / "plane",
        account=Account(id=known.setting("cloudflareAccountId"), name="shop"),
        zones=(SeedZone(id=known.setting("cloudflareZoneId"), name=known.setting("siteHostname").partition(".")[2]),),
        tokens=(token(OWNER, "*"),),
    )
    with serving(made) as plane:
        yield plane


@pytest.fixture(scope="module")
def engine(fresh: TrialEngine, plane: ControlPlaneUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The dev stack is up."""
    folder: Path = fresh.copy(tmp_path_factory.mktemp("engine") / "cloudflare").folder
    (folder / "bin" / PLUGIN).unlink()
    for bundle in ("worker/dist/index.js", "web/dist/worker/index.js", "web/dist/assets/index.html"):
        path = folder / "project" / "apps" / bundle
        path.parent.mkdir(parents=True)
        path.write_text("export default {}")
    engine = EngineWithCloudflare(folder, plane.base_url)
    engine.set("dev", waitForDatabase=False, zoneHealthChecks=True)
    engine.up("dev")
    return engine


def test_after_up_a_refresh_finds_no_change(engine: EngineWithCloudflare) -> None:
    engine.run("preview", "--refresh", "--expect-no-changes", "--stack=dev")


def test_after_a_rollback_and_its_setting_a_refresh_finds_no_change(
    engine: EngineWithCloudflare, plane: ControlPlaneUnderTest
) -> None:
    zone, pattern = engine.setting("cloudflareZoneId"), f"{engine.setting('siteHostname')}/*"
    api = plane.client(OWNER)
    (route,) = [route for route in api.workers.routes.list(zone_id=zone) if route.pattern == pattern]
    body = {"pattern": pattern, "script": None}
    api.put(f"/zones/{zone}/workers/routes/{route.id}", cast_to=object, body=body)
    assert "site-route" in engine.run("preview", "--refresh", "--expect-no-changes", "--stack=dev", is_refused=True)
    engine.set("dev", failoverActive="vercel")
    engine.run("preview", "--refresh", "--expect-no-changes", "--stack=dev")


def test_destroy_leaves_nothing_at_cloudflare(engine: EngineWithCloudflare, plane: ControlPlaneUnderTest) -> None:
    engine.destroy("dev")
    zone = {"zone_id": engine.setting("cloudflareZoneId")}
    account = {"account_id": engine.setting("cloudflareAccountId")}
    api = plane.client(OWNER)
    kinds = [
        api.workers.routes.list(**zone),
        api.dns.records.list(**zone),
        api.healthchecks.list(**zone),
        api.accounts.tokens.list(**account),
        api.alerting.policies.list(**account),
        api.hyperdrive.configs.list(**account),
    ]
    assert [list(kind) for kind in kinds] == [[] for _ in kinds]
