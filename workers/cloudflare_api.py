"""A Worker as Cloudflare's API knows it: its versions, which of them answer, and a new deployment."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx

from components.common.errors import HybridError
from components.resource_types import tokens
from plan.model import Plan

if TYPE_CHECKING:
    from cloudflare import Cloudflare

TOKEN = "CLOUDFLARE_API_TOKEN"
PAGE = 100


class WorkerError(HybridError):
    """What an operator can mend: a Worker that is not there, a version that can't be put back, an API that refuses."""


@dataclass(frozen=True, kw_only=True)
class Version:
    id: str
    number: int
    """Counted by Cloudflare, from 1."""
    created: datetime
    build: str
    """Setting buildId of its time, mostly a commit; empty where it has no tag."""
    percent: float
    """Share of the requests that it answers now."""

    def document(self) -> dict[str, Any]:
        return {**vars(self), "created": self.created.isoformat()}


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One Worker of a stack."""

    name: str
    account: str
    sdk: "Cloudflare"

    def versions(self) -> list[Version]:
        """Newest first. Raises WorkerError."""
        with _told(self.name):
            found = self.sdk.workers.beta.workers.get(self.name, account_id=self.account)
            rows = list(self.sdk.workers.beta.workers.versions.list(found.id, account_id=self.account, per_page=PAGE))
        shares = dict(next(iter(self._deployments()), []))
        versions = [
            Version(
                id=row.id,
                number=int(row.number),
                created=row.created_on,
                build=(row.annotations and row.annotations.workers_tag) or "",
                percent=shares.get(row.id, 0),
            )
            for row in rows
        ]
        return sorted(versions, key=lambda version: version.number, reverse=True)

    def before(self, newest: str) -> str | None:
        """Version that answered all requests last, but for `newest`, which answers now, be it only a share of them."""
        alone = [shares[0][0] for shares in self._deployments() if len(shares) == 1]
        return next((version for version in alone if version != newest), None)

    def deploy(self, shares: list[tuple[str, float]], message: str) -> None:
        """Has these versions answer, 100 per cent together. Raises WorkerError, also where another was faster."""
        with _told(self.name):
            self.sdk.workers.scripts.deployments.create(
                self.name,
                account_id=self.account,
                strategy="percentage",
                versions=[{"version_id": version, "percentage": percent} for version, percent in shares],
                annotations={"workers_message": message},
            )
        if sorted(self._deployments()[0]) != sorted(shares):
            raise WorkerError(
                f"{self.name}: another deployment was made meanwhile; look again: `./hybrid worker versions`"
            )

    def _deployments(self) -> list[list[tuple[str, float]]]:
        """Versions and shares of each, the one in service first."""
        from cloudflare.types.workers.scripts import DeploymentListResponse

        # The SDK's own method takes the answer for a page of such lists.
        path = f"/accounts/{self.account}/workers/scripts/{self.name}/deployments"
        with _told(self.name):
            answer: Any = self.sdk.get(path, cast_to=httpx.Response)
        listed = DeploymentListResponse.model_validate(answer.json()["result"])
        return [[(version.version_id, version.percentage) for version in one.versions] for one in listed.deployments]


def script(plan: Plan, worker: str) -> str:
    """Cloudflare's name of the stack's Worker."""
    (found,) = [one for one in plan.of_type(tokens.WORKER) if one.name == f"{worker}-worker"]
    return str(found.inputs["name"])


@contextlib.contextmanager
def opened(plan: Plan, worker: str) -> Iterator[Worker]:
    """The stack's Worker, by the token in the environment. Raises WorkerError."""
    from cloudflare import Cloudflare

    token = os.environ.get(TOKEN)
    if not token:
        raise WorkerError(f"{TOKEN}: is not set; put a token there that may read and write Workers Scripts")
    account = str(plan.settings[f"{plan.project}:cloudflareAccountId"])
    with Cloudflare(api_token=token) as sdk:
        # The SDK takes an address or a key from the environment, and prefers them to the token.
        sdk.api_email = sdk.api_key = sdk.user_service_key = None
        yield Worker(name=script(plan, worker), account=account, sdk=sdk)


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    from cloudflare import APIConnectionError, APIStatusError, CloudflareError

    try:
        yield
    except APIStatusError as error:
        told = "; ".join(f"{fault.message} ({fault.code})" for fault in error.errors) or f"status {error.status_code}"
        raise WorkerError(f"{name}: Cloudflare: {told}") from error
    except APIConnectionError as error:
        raise WorkerError(f"{name}: Cloudflare's API does not answer: {error.__cause__ or error}") from error
    except CloudflareError as error:
        raise WorkerError(f"{name}: Cloudflare: {error}") from error
