"""Whether a version answers as it should, asked as a client asks it."""

import time
from collections.abc import Callable

import httpx

from plan.model import Plan
from workers.cloudflare_api import Version, WorkerError

PATH = "/healthcheck"
IN_A_ROW = 5
PAUSE_SECONDS = 1.0
HOSTNAMES = {"api": "apiHostname", "web": "siteHostname"}


def address(plan: Plan, worker: str) -> str:
    return f"https://{plan.settings[f'{plan.project}:{HOSTNAMES[worker]}']}"


def check(url: str, script: str, version: Version, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Returns after five good answers in a row. Raises WorkerError with the last fault when there are none in time."""
    # So that a share of the requests is enough (Cloudflare, Gradual deployments, version overrides).
    headers = {"Cloudflare-Workers-Version-Overrides": f'{script}="{version.id}"'}
    deadline, good = time.monotonic() + seconds, 0
    with httpx.Client(base_url=url, headers=headers, timeout=5, trust_env=False) as client:
        while True:
            fault = _fault(client, version)
            good = 0 if fault else good + 1
            if good == IN_A_ROW:
                return
            if fault and time.monotonic() > deadline:
                raise WorkerError(f"{url}{PATH}: {fault}")
            sleep(PAUSE_SECONDS if fault else PAUSE_SECONDS / IN_A_ROW)


def _fault(client: httpx.Client, version: Version) -> str | None:
    try:
        answer = client.get(PATH)
        document = answer.json() if answer.status_code == 200 else {}
    except httpx.HTTPError as error:
        return f"does not answer: {error}"
    except ValueError:
        return "its answer is not JSON"
    if answer.status_code != 200:
        return f"answers {answer.status_code}"
    build = document.get("build") if isinstance(document, dict) else None
    return None if build == version.build else f"is of build {build}, and version {version.number} of {version.build}"
