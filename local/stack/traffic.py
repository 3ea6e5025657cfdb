"""Requests through a running local stack, timed hop by hop."""

import asyncio
import http.client
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import psycopg

from host.specification.model import Spec
from local.common.errors import LocalError
from local.edge import part as edge
from local.host.database import conninfo
from local.identity.part import PROGRAM, access_token
from local.processes.stack import Stack

CLIENTS = 10
ROUTE = "/api/v1/ledger-entries"
ACCOUNTS = "/api/v1/accounts"
# One request in this many writes.
WRITE_EVERY = 5


@dataclass
class Timing:
    """Times of the requests that succeeded, and how many did not."""

    name: str
    milliseconds: list[float] = field(default_factory=list)
    errors: int = 0

    async def measure(self, act: Callable[[], Awaitable[bool]]) -> None:
        start = time.perf_counter()
        try:
            is_done = await act()
        except httpx.HTTPError:
            is_done = False
        if is_done:
            self.milliseconds.append((time.perf_counter() - start) * 1000)
        else:
            self.errors += 1


def direct_queries(stack: Stack, host: Spec, requests: int) -> list[Timing]:
    return [_queries("PostgreSQL", conninfo(stack, host, "app", stack.ports.postgres), requests // 5)]


def pooled_queries(stack: Stack, host: Spec, requests: int) -> list[Timing]:
    return [_queries("pooler → PostgreSQL", conninfo(stack, host, "app", stack.ports.pooler), requests // 5)]


def edge_requests(stack: Stack, host: Spec, requests: int) -> list[Timing]:
    """Times ever longer stretches of the route, the whole route last. Rows written meanwhile are deleted again."""
    mark = f"verify {secrets.token_hex(8)}"
    token = access_token(stack)
    try:
        return asyncio.run(_through_edge(stack, requests, token, mark))
    finally:
        with psycopg.connect(conninfo(stack, host, "app", stack.ports.postgres)) as connection:
            connection.execute("SELECT set_config('app.subject', %s, true)", (PROGRAM,))
            connection.execute("DELETE FROM regulated.ledger_entries WHERE description = %s", (mark,))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def account(stack: Stack, token: str) -> str:
    """Id of an account in CAD of whom the token names; opened where there is none. Raises LocalError."""
    url = f"http://127.0.0.1:{stack.ports.web}{ACCOUNTS}"
    try:
        with httpx.Client(headers=bearer(token), trust_env=False, timeout=10) as client:
            listed = client.get(url, params={"limit": 100}).raise_for_status().json()["accounts"]
            found = [one for one in listed if one["currency"] == "CAD"]
            body = {"name": "measurements", "currency": "CAD"}
            return str((found or [client.post(url, json=body).raise_for_status().json()])[0]["id"])
    except httpx.HTTPError as error:
        reason = " ".join(str(error).split())
        raise LocalError(f"{ACCOUNTS}: no account to measure with ({reason}); see `./hybrid local status`") from error


async def _through_edge(stack: Stack, requests: int, token: str, mark: str) -> list[Timing]:
    site = Timing("client → web")
    worker = Timing("client → web → Worker")
    database = Timing("Worker → Hyperdrive → PostgreSQL")
    whole = Timing("client → web → Worker → Hyperdrive → PostgreSQL")
    base = f"http://127.0.0.1:{stack.ports.web}"
    limits = httpx.Limits(max_connections=CLIENTS)
    entry = {"accountId": account(stack, token), "description": mark, "amountCents": 0}
    async with httpx.AsyncClient(
        base_url=base, limits=limits, headers=bearer(token), trust_env=False, timeout=10
    ) as client:

        async def get(path: str) -> bool:
            return (await client.get(path)).status_code == httpx.codes.OK

        async def use_database(number: int) -> bool:
            answer = await _read_or_write(client, number, entry)
            waited = database_milliseconds(answer) if answer.is_success else None
            if waited is None:
                database.errors += 1
            else:
                database.milliseconds.append(waited)
            return answer.is_success

        await repeat(requests // 5, lambda _: site.measure(lambda: get("/")))
        await repeat(requests // 5, lambda _: worker.measure(lambda: get("/healthcheck")))
        await repeat(requests, lambda number: whole.measure(lambda: use_database(number)))
    return [site, worker, database, whole]


async def repeat(times: int, act: Callable[[int], Awaitable[None]]) -> None:
    """Spreads calls over the clients; each starts its next when it has an answer."""
    numbers = iter(range(times))

    async def client() -> None:
        for number in numbers:
            await act(number)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def _read_or_write(client: httpx.AsyncClient, number: int, entry: dict[str, object]) -> httpx.Response:
    if number % WRITE_EVERY:
        return await client.get(ROUTE, params={"limit": 20})
    return await client.post(ROUTE, json={**entry, "amountCents": number})


def database_milliseconds(answer: httpx.Response) -> float | None:
    """What the Worker says it waited for the database (Server-Timing)."""
    found = re.search(r"\bdb;dur=([\d.]+)", answer.headers.get("server-timing", ""))
    return float(found[1]) if found else None


def _queries(name: str, uri: str, count: int) -> Timing:
    timing = Timing(name)
    with psycopg.connect(uri, autocommit=True) as connection:
        for _ in range(count):
            start = time.perf_counter()
            connection.execute("SELECT count(*) FROM regulated.ledger_entries")
            timing.milliseconds.append((time.perf_counter() - start) * 1000)
    return timing


def media(stack: Stack, host: Spec) -> str:
    """An object written to, read from and deleted from every declared R2 bucket."""
    names = [bucket["name"] for bucket in edge.live_buckets(stack)]
    for name in names:
        key = f"/buckets/{name}/verify-{secrets.token_hex(4)}"
        content = secrets.token_bytes(1000)
        _control(stack, "PUT", key, content)
        if _control(stack, "GET", key) != content:
            raise LocalError(f"{name}: an object came back changed")
        _control(stack, "DELETE", key)
    return f"an object through {', '.join(names)}"


def _control(stack: Stack, method: str, path: str, body: bytes | None = None) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", stack.ports.edge_control, timeout=10)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        raise LocalError(f"{method} {path}: status {answer.status}")
    return content
