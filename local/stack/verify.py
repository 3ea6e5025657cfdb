"""Verifies a running local stack end to end: requests through every hop, and each extension by using it."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from statistics import quantiles
from typing import Any

from host.backup.repository_state import RepositoryState
from host.specification.model import Spec
from local.common import disk_space
from local.common.errors import LocalError
from local.common.parts import PARTS, named
from local.host import backups as host_backups
from local.host.spec import running
from local.processes.stack import Stack
from local.stack.traffic import Timing

CONNECT_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Hop:
    """How long one stretch of the route takes, in milliseconds."""

    name: str
    requests: int
    errors: int
    p50_ms: float
    p95_ms: float

    @classmethod
    def of(cls, timing: Timing) -> "Hop":
        """Percentiles of the requests that succeeded; 0 when none did."""
        times = timing.milliseconds
        cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else [*times, 0.0] * 100
        return cls(
            name=timing.name,
            requests=len(times) + timing.errors,
            errors=timing.errors,
            p50_ms=round(cuts[49], 2),
            p95_ms=round(cuts[94], 2),
        )


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check, and its result."""

    name: str
    is_passed: bool
    detail: str


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was measured and checked."""

    hops: tuple[Hop, ...]
    checks: tuple[Check, ...]

    @property
    def is_passed(self) -> bool:
        return all(check.is_passed for check in self.checks) and not any(hop.errors for hop in self.hops)

    def document(self) -> dict[str, Any]:
        return {"is_passed": self.is_passed, **asdict(self)}


def verify(stack: Stack, requests: int) -> Verification:
    """Sends `requests` requests through the whole route, and fewer over each stretch of it. Raises LocalError."""
    host = running(stack)
    with ThreadPoolExecutor() as pool:
        checking = [
            pool.submit(_checked, reference.partition(":")[2], named(reference), stack, host)
            for part in PARTS
            for reference in part.checks
        ]
        hops = [Hop.of(timing) for timing in _timings(stack, host, requests)]
        checks = [checked.result() for checked in checking]
    return Verification(hops=tuple(hops), checks=tuple(checks))


def _timings(stack: Stack, host: Spec, requests: int) -> list[Timing]:
    import psycopg

    try:
        return [timing for part in PARTS if part.hops for timing in named(part.hops)(stack, host, requests)]
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        hint = disk_space.fault(stack.state) or "see `./hybrid local status`"
        raise LocalError(f"the database does not answer ({reason}); {hint}") from error


def _checked(name: str, act: Callable[[Stack, Spec], str], stack: Stack, host: Spec) -> Check:
    try:
        return Check(name=name, is_passed=True, detail=act(stack, host))
    except Exception as error:  # noqa: BLE001 - whatever a check meets is its result
        return Check(name=name, is_passed=False, detail=" ".join(str(error).split()) or type(error).__name__)


def backups(stack: Stack, host: Spec) -> str:
    """A backup in the repository, of a store that answers."""
    endpoint = host.backup.endpoint
    name, _, port = endpoint.partition(":")
    try:
        # pgBackRest would try for more than a minute.
        socket.create_connection((name, int(port)), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise LocalError(f"the store {endpoint} does not answer: {error.strerror or error}") from error
    info = host_backups.info(stack, host.backup.stanza)
    found, state = host_backups.restorable(info), RepositoryState.of(info)
    if not (state.is_readable or state.is_lost):
        raise LocalError("the repository can't be read; `./hybrid backup list` says why")
    if not found:
        raise LocalError("the repository has no backup; take one with `./hybrid local up`")
    newest = found[-1]
    return f"{len(found)} in the repository, newest {newest['label']} ({newest['info']['size'] / 2**20:.0f} MB)"
