"""Figures of the API, on a stack of its own whose ledger is filled; nothing of it stays."""

import asyncio
import gzip
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx
import psycopg
from psutil import Process

from bench.cold import free_ports
from bench.figure import Figure
from local.host import database
from local.host.spec import running
from local.identity import keys
from local.identity.part import access_token
from local.processes import processes
from local.processes.stack import Stack
from local.stack.traffic import (
    CLIENTS,
    ROUTE,
    WRITE_EVERY,
    Timing,
    account,
    bearer,
    database_milliseconds,
    repeat,
)
from local.stack.verify import Hop
from plan.project import ROOT

FEW, MANY, BATCH = 500, 5_000_000, 250_000
"""Entries of two members, and how many are inserted at a time."""
MEMBERS = 52
"""Two whose lists are compared, and those of the steady load."""
RATE, LOAD_SECONDS = 100, 300
BUSY_REQUESTS = 5000
ROUNDS, EACH = 40, 25
"""What is compared takes turns: so many rounds, of so many requests each."""
STARTS = 11
PAGE = {"limit": 20}


def api_figures() -> Iterator[Figure]:
    """All in one run, on one stack; the five million entries last, so that nothing else waits for them."""
    worker = ROOT / "apps/worker/dist/index.js"
    compressed = len(gzip.compress(worker.read_bytes()))
    yield Figure(name="Worker's bundle, compressed", value=round(compressed / 1000), unit="KB", limit=1000)
    yield _start(str(worker))
    with _own_stack() as stack:
        pids = stack.supervisor.pids() | database.runtime(stack).pids()
        memory = processes.memory_bytes([Process(pid) for pid in pids])
        yield Figure(name="memory of the whole stack", value=round(memory / 2**20), unit="MB", limit=1024)
        few, many, *others = _members(stack)
        for member in (few, *others):
            member.fill(FEW)
        yield _token_check(stack, few)
        yield from _beside_sql(stack, few)
        yield from _busy(stack, few)
        yield from _steady(stack, others)
        many.fill(MANY)
        yield from _lists(stack, few, many)


def _start(worker: str) -> Figure:
    """Beside an empty Worker: what the bundle's own code takes until it can answer."""
    lines = _node("worker_starts.mjs", worker, str(STARTS))
    differences = [own - empty for empty, own in (map(float, line.split()) for line in lines)]
    return Figure(name="Worker's start", value=round(statistics.median(differences), 1), unit="ms", limit=50)


def _node(script: str, *arguments: str) -> list[str]:
    command = [str(ROOT / "node_modules/.bin/node"), str(ROOT / "bench" / script), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


@contextmanager
def _own_stack() -> Iterator[Stack]:
    with tempfile.TemporaryDirectory(prefix="hybrid-bench-") as folder:
        ports = free_ports(Stack.of(ROOT).ports)
        os.environ.update(HYBRID_STATE=f"{folder}/state", HYBRID_FIRST_PORT=str(ports.first))
        try:
            _hybrid("local", "up")
            yield Stack.of(ROOT)
        finally:
            _hybrid("local", "down", "--remove")


def _hybrid(*arguments: str) -> None:
    subprocess.run([ROOT / "hybrid", *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


class _Member:
    """Somebody with an account."""

    def __init__(self, stack: Stack, subject: str, token: str) -> None:
        self.stack, self.subject, self.headers = stack, subject, bearer(token)
        self.account = account(stack, token)

    def fill(self, entries: int) -> None:
        """Inserts entries over the past, and has the planner know them."""
        stack = self.stack
        uri = database.conninfo(stack, running(stack), "migrator", stack.ports.postgres)
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute("SELECT set_config('app.subject', %s, false)", (self.subject,))
            for first in range(1, entries, BATCH):
                connection.execute(
                    "INSERT INTO regulated.ledger_entries (account_id, description, amount_cents, currency, created_at)"
                    " SELECT %s, 'entry ' || n, n, 'CAD', now() - n * interval '6 seconds'"
                    " FROM generate_series(%s::int, %s::int) AS n",
                    (self.account, first, min(first + BATCH - 1, entries)),
                )
            connection.execute("VACUUM (ANALYZE) regulated.ledger_entries, regulated.ledger_totals")


def _members(stack: Stack) -> list[_Member]:
    subjects = [f"member-{number}" for number in range(MEMBERS)]
    tokens = _node("tokens.mjs", str(keys.file(stack.state)), access_token(stack), *subjects)
    return [_Member(stack, subject, token) for subject, token in zip(subjects, tokens, strict=True)]


def _client(stack: Stack) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{stack.ports.web}", trust_env=False, timeout=10)


def _in_turn(*acts: Callable[[], object]) -> list[float]:
    """Median milliseconds of each: what is compared meets the same machine."""
    times: list[list[float]] = [[] for _ in acts]
    for _ in range(ROUNDS):
        for act, own in zip(acts, times, strict=True):
            for _ in range(EACH):
                start = time.perf_counter()
                act()
                own.append((time.perf_counter() - start) * 1000)
    return [statistics.median(own) for own in times]


def _token_check(stack: Stack, member: _Member) -> Figure:
    """A query that a route for members refuses, once it has checked the token, beside one that a public route does."""
    with _client(stack) as client:

        def refused(path: str) -> None:
            answer = client.get(path, headers=member.headers)
            assert answer.status_code == httpx.codes.BAD_REQUEST, answer.text

        public, checked = _in_turn(
            lambda: refused("/api/v1/branches?near=none"), lambda: refused(f"{ROUTE}?limit=none")
        )
    return Figure(name="check of a token, p50", value=round(checked - public, 2), unit="ms", limit=1)


def _beside_sql(stack: Stack, member: _Member) -> Iterator[Figure]:
    """A list by one client, and what it asks of the database, from the same machine without the edge."""
    uri = database.conninfo(stack, running(stack), "app", stack.ports.postgres)
    with _client(stack) as client, psycopg.connect(uri, autocommit=True) as connection:

        def ask() -> None:
            with connection.transaction(), connection.pipeline():
                connection.execute("SELECT set_config('app.subject', %s, true)", (member.subject,))
                connection.execute(
                    "SELECT * FROM regulated.ledger_entries ORDER BY created_at DESC, id DESC LIMIT %s",
                    (PAGE["limit"] + 1,),
                )
                connection.execute("SELECT * FROM regulated.ledger_totals")

        direct, edge = _in_turn(ask, lambda: client.get(ROUTE, params=PAGE, headers=member.headers).raise_for_status())
    yield Figure(name="the same in SQL, p50", value=round(direct, 2), unit="ms")
    yield Figure(name="edge path over direct SQL, p50", value=round(edge - direct, 2), unit="ms", limit=5)


def _busy(stack: Stack, member: _Member) -> Iterator[Figure]:
    """Ten clients, each of which asks again once it has its answer."""
    timing, waits = Timing("busy"), Timing("database")

    async def run() -> None:
        async with _async_client(stack, CLIENTS) as client:

            async def get() -> bool:
                answer = await client.get(ROUTE, params=PAGE, headers=member.headers)
                waits.milliseconds.append(database_milliseconds(answer) or 0.0)
                return answer.is_success

            await repeat(BUSY_REQUESTS, lambda _: timing.measure(get))

    asyncio.run(run())
    hop = Hop.of(timing)
    yield Figure(name=f"API p50, {CLIENTS} clients", value=hop.p50_ms, unit="ms")
    yield Figure(name=f"API p95, {CLIENTS} clients", value=hop.p95_ms, unit="ms", limit=25)
    yield Figure(name=f"errors in {BUSY_REQUESTS}", value=hop.errors, limit=0)
    yield Figure(name="database p95 through Hyperdrive", value=Hop.of(waits).p95_ms, unit="ms", limit=30)


def _steady(stack: Stack, members: list[_Member]) -> Iterator[Figure]:
    """So many requests a second, whether or not those before are answered: lists, and one write in five."""
    timing = Timing("steady")

    async def run() -> None:
        async with _async_client(stack, RATE) as client, asyncio.TaskGroup() as group:
            begun = time.perf_counter()
            for number in range(RATE * LOAD_SECONDS):
                await asyncio.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
                group.create_task(timing.measure(_request(client, members[number % len(members)], number)))

    asyncio.run(run())
    hop = Hop.of(timing)
    yield Figure(name=f"API p95, {RATE} requests a second for {LOAD_SECONDS} s", value=hop.p95_ms, unit="ms", limit=100)
    yield Figure(name="errors in 100 of them", value=round(100 * hop.errors / hop.requests, 3), unit="%", limit=0.1)


def _async_client(stack: Stack, connections: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=connections)
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{stack.ports.web}", limits=limits, trust_env=False, timeout=10)


def _request(client: httpx.AsyncClient, member: _Member, number: int) -> Callable[[], Awaitable[bool]]:
    entry = {"accountId": member.account, "description": "steady", "amountCents": number}

    async def act() -> bool:
        if number % WRITE_EVERY:
            answer = await client.get(ROUTE, params=PAGE, headers=member.headers)
        else:
            answer = await client.post(ROUTE, json=entry, headers=member.headers)
        return answer.is_success

    return act


def _lists(stack: Stack, few: _Member, many: _Member) -> Iterator[Figure]:
    with _client(stack) as client:

        def listing(member: _Member) -> Callable[[], object]:
            return lambda: client.get(ROUTE, params=PAGE, headers=member.headers).raise_for_status()

        short, long = _in_turn(listing(few), listing(many))
    yield Figure(name=f"list of {FEW} entries, p50", value=round(short, 2), unit="ms")
    yield Figure(name=f"list of {MANY} / of {FEW}", value=round(long / short, 2), unit="×", limit=1.2)
