"""The preflight ends by its share of the time, whatever a server does; and so does each probe and each call."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from failover.cloudflare.transport import Transport, within
from failover.common.clock import Budget
from failover.common.errors import ApiError
from failover.common.terms import Act
from failover.operation.outcome import Result
from failover.probe import clients, watch
from failover.probe.clients import Client
from tests.failover.outside import EDGE
from tests.failover.world import HOST, SCRIPT, World

# A machine with two cores that others use, too.
SLACK_SECONDS = 1.0
# Of a probe as a whole, in place of four.
WHOLE_SECONDS = 1.0


class Dripping:
    """A server that answers everything with a byte now and then."""

    def __init__(self, head: bytes) -> None:
        self._head = head
        self._server = socket.create_server((EDGE, 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._drip, args=(client,), daemon=True).start()

    def _drip(self, client: socket.socket) -> None:
        try:
            client.sendall(self._head)
            while True:
                client.sendall(b" ")
                time.sleep(0.2)
        except OSError:
            client.close()

    def stop(self) -> None:
        self._server.close()


@pytest.fixture
def short_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "WHOLE_SECONDS", WHOLE_SECONDS)


@pytest.fixture
def drips() -> Iterator[Callable[[bytes], Dripping]]:
    made: list[Dripping] = []

    def one(head: bytes) -> Dripping:
        made.append(Dripping(head))
        return made[-1]

    yield one
    for server in made:
        server.stop()


@pytest.mark.usefixtures("short_probes")
@pytest.mark.parametrize("part", ["head", "body"])
def test_a_worker_that_drips_does_not_hold_up_a_rollback(world: World, part: str) -> None:
    world.outside.worker_drips = part
    operation = world.operation(total_seconds=30.0)
    outcome = operation.execute()
    assert (outcome.result, outcome.plan, world.script()) == (Result.SWITCHED, "A (route)", None)
    look = next(step for step in outcome.steps if step.name == "look")
    assert look.seconds < WHOLE_SECONDS + SLACK_SECONDS


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_standby_that_drips_is_refused_in_the_preflights_share(world: World, part: str) -> None:
    world.outside.standby_drips = part
    started = time.monotonic()
    world.refuses(r"refused \(stand-by\).*: no answer in time", total_seconds=4.5)
    assert time.monotonic() - started < 1.5 + SLACK_SECONDS


@pytest.mark.usefixtures("patient", "short_probes")
def test_a_worker_that_drips_does_not_hold_after_a_restore(world: World) -> None:
    world.act()
    world.outside.worker_drips = "body"
    outcome = world.act(Act.RESTORE, total_seconds=6.0)
    assert (outcome.result, world.script()) == (Result.BACKED_OUT, None)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 O", b"HTTP/1.1 200 OK\r\nx-a:", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_probe_ends_by_its_deadline(world: World, drips: Callable[[bytes], Dripping], head: bytes) -> None:
    server, client = drips(head), Client(world.ids.probes)
    started = time.monotonic()
    seen = client.ask(world.ids.hosts[0], EDGE, server.port, started + 0.7)
    assert 0.6 < time.monotonic() - started < 0.7 + SLACK_SECONDS
    assert seen.fault == "no answer in time"
    client.close()


@pytest.mark.usefixtures("short_probes")
def test_a_probe_without_a_deadline_has_one_of_its_own(world: World, drips: Callable[[bytes], Dripping]) -> None:
    server, client = drips(b"HTTP/1.1 200 OK\r\n\r\n"), Client(world.ids.probes)
    started = time.monotonic()
    client.ask(world.ids.hosts[0], EDGE, server.port)
    assert time.monotonic() - started < WHOLE_SECONDS + SLACK_SECONDS
    client.close()


def test_a_long_page_is_not_read_to_its_end(world: World, drips: Callable[[bytes], Dripping]) -> None:
    head = b"HTTP/1.1 200 OK\r\nx-served-by: worker\r\n\r\n" + b"x" * 70_000
    server, client = drips(head), Client(world.ids.probes)
    assert client.ask(world.ids.hosts[0], EDGE, server.port).is_good
    client.close()


def test_a_call_of_the_api_ends_by_its_deadline(drips: Callable[[bytes], Dripping]) -> None:
    server = drips(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n")
    transport = Transport(base_url=f"http://{EDGE}:{server.port}", token="made-up")
    started = time.monotonic()
    with pytest.raises(ApiError, match="read it: no complete answer in time; no time to try again"):
        transport.call("read it", "get", "/zones", started + 0.7, lambda found: found)
    assert time.monotonic() - started < 0.7 + SLACK_SECONDS
    assert [(call.status, call.fault) for call in transport.calls] == [(200, "no complete answer in time")]
    transport.close()


def test_what_takes_too_long_is_left_to_itself() -> None:
    stop = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, stop.wait)
    stop.set()
    assert within(5.0, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(5.0, lambda: 1 / 0)


def test_the_zones_name_servers_are_found_within_the_preflight(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    def slow(_: object) -> tuple[str, ...]:
        asked.set()
        time.sleep(0.5)
        return world.ids.probes.resolvers

    monkeypatch.setattr(watch, "resolvers_of", slow)
    started = time.monotonic()
    operation = world.operation()
    assert time.monotonic() - started < 0.5
    assert not asked.is_set()
    operation.prepare()
    look = operation.outcome.steps[0]
    assert (look.name, asked.is_set()) == ("look", True)
    assert 0.5 <= look.seconds < 1.0 + SLACK_SECONDS


def test_name_servers_have_one_time_for_all_their_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    lifetimes: list[float] = []

    class Slow:
        def __init__(self, **_: object) -> None:
            self.nameservers: list[str] = []

        def resolve(self, name: str, kind: str, lifetime: float) -> list[object]:
            lifetimes.append(lifetime)
            time.sleep(0.3)
            return [type("NS", (), {"target": "ns1.example.test", "__str__": lambda _: "192.0.2.1"})()]

    monkeypatch.setattr("dns.resolver.Resolver", Slow)
    assert clients.name_servers("example.test") == ("192.0.2.1",)
    assert lifetimes[0] > lifetimes[1] + 0.25


def test_a_resolver_that_is_late_for_the_preflight_is_named(worlds: Callable[..., World]) -> None:
    world = worlds(resolvers=({}, {"seconds": 9.0}))
    view = watch.View(world.ids)
    budget = Budget(total_seconds=1.5)
    started = time.monotonic()
    sightings = view.snapshot(world.ids.hosts, budget.preflight_until)
    assert time.monotonic() - started < 0.5 + SLACK_SECONDS
    assert [(one.hostname, one.side is None) for one in sightings] == [(HOST, False), (HOST, True)]
    assert "no answer" in str(sightings[1])
    assert world.script() == SCRIPT
