"""A Worker in an emulated account: uploaded, deployed, and what it answers."""

import json
from typing import Any

import httpx

from tests.commands import ran
from tests.local.control_plane.under_test import OWNER, ControlPlaneUnderTest


class WorkerUnderTest:
    def __init__(self, plane: ControlPlaneUnderTest, account: str, script: str) -> None:
        self.sdk, self.account, self.script = plane.client(), {"account_id": account}, script
        self.id = self.sdk.workers.beta.workers.create(**self.account, name=script).id
        self.environment = {"CLOUDFLARE_BASE_URL": plane.base_url, "CLOUDFLARE_API_TOKEN": OWNER}

    def upload(self, build: str) -> str:
        made = self.sdk.workers.beta.workers.versions.create(
            self.id, **self.account, annotations={"workers_tag": build}
        )
        return str(made.id)

    def deploy(self, *shares: tuple[str, float]) -> None:
        versions: Any = [{"version_id": version, "percentage": percent} for version, percent in shares]
        deployments = self.sdk.workers.scripts.deployments
        deployments.create(self.script, **self.account, strategy="percentage", versions=versions)

    def release(self, build: str) -> str:
        version = self.upload(build)
        self.deploy((version, 100))
        return version

    def answering(self) -> list[tuple[str, float]]:
        path = f"/accounts/{self.account['account_id']}/workers/scripts/{self.script}/deployments"
        now = self.sdk.get(path, cast_to=httpx.Response).json()["result"]["deployments"][0]
        return [(version["version_id"], version["percentage"]) for version in now["versions"]]


def answers_as(build: str) -> Any:
    """A Worker's health check, of a build; broken without one."""

    def application(environment: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK" if build else "500 Internal Server Error", [("content-type", "application/json")])
        return [json.dumps({"status": "ok", "build": build}).encode()]

    return application


def commit() -> str:
    return ran(["git", "rev-parse", "HEAD"], check=True).stdout.strip()
