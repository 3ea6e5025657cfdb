"""What `status` tells, in JSON and as text."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from failover.common.terms import Via
from tests.failover.command_line import Answer, flags
from tests.failover.outside import EDGE
from tests.failover.world import HOST, SCRIPT, STANDBY_NAME, TOKENS, ZONE, World, down

PAGES = "docs.example.test"


class Tls:
    """The stand-by's TLS: a certificate of its own authority that ends so many days from now."""

    def __init__(self, folder: Path, days: float, name: str = HOST) -> None:
        self.pem = folder / "standby.pem"
        self.pem.write_bytes(_certificate(name, days))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem)
        self._server, self._context = socket.create_server((EDGE, 0)), context
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
                self._context.wrap_socket(client, server_side=True).close()
            except ssl.SSLError:
                continue
            except OSError:
                return

    def stop(self) -> None:
        self._server.close()


def _certificate(name: str, days: float) -> bytes:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=90))
        .not_valid_after(now + timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(
        serialization.Encoding.PEM
    )


@pytest.fixture
def tls(world: World, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Gives the stand-by a certificate."""
    made: list[Tls] = []

    def one(days: float, name: str = HOST) -> None:
        made.append(Tls(tmp_path, days, name))
        probes = json.loads((world.folder / "failover.json").read_text())["probes"]
        world.change_ids({"probes": probes | {"standby_tls": [EDGE, made[-1].port], "ca": str(made[-1].pem)}})

    yield one
    for server in made:
        server.stop()


@pytest.mark.parametrize(("days", "fault"), [(60, None), (14, None), (13, "has 13 days left"), (0, "has 0 days left")])
def test_the_days_that_the_certificate_has_left(
    world: World, tls: Callable[..., None], days: int, fault: str | None
) -> None:
    tls(days)
    found = Answer("status", *flags(world))
    assert f"certificate: {days} days left" in found.out
    assert ("fault: " in found.out, found.code) == (fault is not None, int(fault is not None))
    if fault:
        assert f"fault: {HOST}: the stand-by's certificate {fault}" in found.out


@pytest.mark.parametrize(
    ("days", "name", "message"), [(-1, HOST, "certificate has expired"), (60, "x.test", "mismatch")]
)
def test_a_certificate_that_clients_refuse_is_a_fault(
    world: World, tls: Callable[..., None], days: int, name: str, message: str
) -> None:
    tls(days, name)
    found = Answer("status", *flags(world))
    assert found.code == 1
    (line,) = [line for line in found.out.splitlines() if line.startswith("fault: ")]
    assert line.startswith(f"fault: {HOST}: the stand-by's certificate is refused: ")
    assert message in line
    assert "certificate: not seen" in found.out


def test_the_words_for_people(world: World) -> None:
    found = Answer("status", *flags(world))
    resolver, edge, standby = world.resolvers[0].name, "127.0.0.1", "127.0.0.2"
    lines = found.out.splitlines()
    assert lines[:3] == [
        f"{HOST}: worker is the active side, by the API",
        f"  route {HOST}/*: script {SCRIPT}",
        f"  record: {STANDBY_NAME} (proxied)",
    ]
    assert lines[3].startswith(f"  by {resolver}: {edge} (TTL 300 s): worker, build b1, ")
    assert lines[4:7] == [
        f"  stand-by {standby}: 200 from vercel, build b1",
        "  builds: the same; certificate: not seen",
        "token: active, until it is revoked; routes: a change is not denied; records: a change is not denied",
    ]
    assert lines[7:9] == ["stand-by stays until 2027-01-31", "last drill: none; last operation: none"]
    assert lines[9:-1] == [
        f"warning: {HOST}: the stand-by's certificate was not seen: the file of ids names no TLS port for it",
        "warning: no drill has been made here yet",
    ]
    assert lines[-1].startswith("local: a rollback can be made (")


def test_builds_that_differ(world: World) -> None:
    world.outside.standby_build = "b0"
    found = Answer("status", *flags(world))
    assert (found.code, "  builds: DIFFERENT; " in found.out) == (1, True)
    assert f"fault: parity: {HOST}: the stand-by has build b0, the Worker b1" in found.out
    assert "local: a rollback would be refused or fail (" in found.out
    (host,) = json.loads(Answer("status", "--json", *flags(world)).out)["hosts"]
    assert (host["parity"], host["builds"]) == (False, {"worker": "b1", "vercel": "b0"})


def test_the_last_drill_and_operation(world: World) -> None:
    Answer("drill", "--execute", *flags(world))
    began = json.loads(next(world.paths.evidence.glob("failover-drill-*.json")).read_text())["started_at"]
    found = Answer("status", *flags(world)).out
    assert f"last drill: {began}: passed; last operation: restore " in found
    assert "no drill has been made" not in found


@pytest.mark.parametrize(
    ("days", "passed", "message"), [(36, True, "over 35 days ago"), (1, False, "missed its targets")]
)
def test_a_drill_that_is_old_or_missed_is_a_warning(world: World, days: int, passed: bool, message: str) -> None:
    began = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    world.paths.evidence.mkdir()
    evidence = {"started_at": began, "is_passed": passed, "stack": "local", "via": "route"}
    (world.paths.evidence / "failover-drill-1.json").write_text(json.dumps(evidence))
    found = Answer("status", *flags(world))
    assert found.code == 0
    assert any(line.startswith("warning: the last drill") and message in line for line in found.out.splitlines())


@pytest.mark.parametrize(
    ("via", "message"),
    [
        (Via.ROUTE, "the route is blank, and nothing else leads to the Worker"),
        (Via.DNS, "the record leads past Cloudflare, and a route answers only behind it"),
    ],
)
def test_rolled_back_it_says_why_the_worker_was_not_asked(world: World, via: Via, message: str) -> None:
    world.act(via=via)
    found = Answer("status", *flags(world))
    assert found.out.startswith(f"{HOST}: vercel is the active side, by the API\n")
    assert f"  route {HOST}/*: script {SCRIPT if via is Via.DNS else 'none'}\n" in found.out
    past = f"{STANDBY_NAME} (DNS-only, TTL 60 s)" if via is Via.DNS else f"{STANDBY_NAME} (proxied)"
    assert f"  record: {past}\n" in found.out
    assert f"  Cloudflare's side was not asked: {message}\n  builds: not known; " in found.out
    assert found.code == 0


def test_rolled_back_a_pages_project_is_asked_under_its_own_name(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={PAGES: "pages"})
    row = {"type": "CNAME", "name": "site.pages.dev", "content": "site.pages.dev", "proxied": True, "ttl": 1}
    world.outside.published = _with(world, row)
    world.act()
    (host,) = json.loads(Answer("status", "--json", *flags(world)).out)["hosts"]
    assert (host["active"], host["builds"], host["parity"]) == ("vercel", {"worker": "b1", "vercel": "b1"}, True)
    world.outside.worker_build = "b2"
    assert "  builds: DIFFERENT; " in Answer("status", *flags(world)).out


def _with(world: World, row: dict[str, object]) -> Callable[[], dict[str, object]]:
    """What is published, and one record of Cloudflare's own."""
    plain = world.outside.published

    def published() -> dict[str, object]:
        found = plain()
        return {**found, "records": {**found["records"], "pages": row}}

    return published


def test_a_host_with_stale_ids_is_shown_with_what_clients_get(world: World) -> None:
    world.change_ids(route={"id": "c" * 32})
    found = Answer("status", *flags(world))
    assert found.code == 1
    assert f"{HOST}: unknown is the active side, by the API" in found.out
    assert ": worker, build b1, " in found.out
    assert f"fault: ids stale: {HOST}/*: no route " in found.out


@pytest.mark.parametrize(
    ("token", "denied", "allowed"),
    [("reader", ["routes", "records"], []), ("routes", ["records"], ["routes"]), ("dns", ["routes"], ["records"])],
)
def test_a_token_that_may_not_change_things_is_a_fault(
    world: World, token: str, denied: list[str], allowed: list[str]
) -> None:
    needs = {"routes": "Workers Routes Write", "records": "DNS Write"}
    before = world.ask("GET", f"/zones/{ZONE}/dns_records"), world.ask("GET", f"/zones/{ZONE}/workers/routes")
    found = Answer("status", *flags(world), token=TOKENS[token][0])
    assert found.code == 1
    faults = [line for line in found.out.splitlines() if line.startswith("fault: ")]
    assert faults == [f"fault: token: may not change {one}; it needs {needs[one]}" for one in denied]
    assert all(f"{one}: a change is not denied" in found.out for one in allowed)
    assert (world.ask("GET", f"/zones/{ZONE}/dns_records"), world.ask("GET", f"/zones/{ZONE}/workers/routes")) == before


def test_what_could_not_be_asked_is_not_called_good(world: World) -> None:
    world.faults(down({"match": {"method": "PUT"}}))
    found = Answer("status", *flags(world))
    assert "routes: not known; records: a change is not denied" in found.out
    assert "warning: token: whether it may change routes is not known; a drill shows it" in found.out
    assert found.code == 0


def test_status_takes_at_most_five_calls(world: World) -> None:
    from failover.cli.status import status

    operation = world.operation()
    status(operation)
    assert [call.request.split()[0] for call in operation.transport.calls] == ["GET", "GET", "GET", "PUT", "PATCH"]
    assert {call.status for call in operation.transport.calls[3:]} <= {400, 404}


# A client that gave up sooner than the barrier would let the next one come and complete it.
@pytest.mark.usefixtures("long_waits")
def test_status_waits_for_the_api_and_both_sides_at_the_same_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its calls and its processor time this is all that it takes; the seconds are in bench/."""
    together = threading.Barrier(3)

    def held_up(plain: Callable[..., Any]) -> Callable[..., Any]:
        first = iter([True])

        def answer(*arguments: object) -> Any:
            if next(first, False):
                together.wait(10)
            return plain(*arguments)

        return answer

    world.outside.at_edge = held_up(world.outside.at_edge)  # type: ignore[method-assign]
    world.outside.at_standby = held_up(world.outside.at_standby)  # type: ignore[method-assign]
    world.control_plane.answer = held_up(world.control_plane.answer)  # type: ignore[method-assign]
    assert Answer("status", *flags(world)).code == 0
    assert not together.broken


def summed(world: World) -> tuple[str, list[str | None]]:
    """The summary, and each host's plan."""
    found = json.loads(Answer("status", "--json", *flags(world)).out)
    return found["summary"], [host["plan"] for host in found["hosts"]]


def test_it_says_by_which_plan_and_that_it_is_rolled_back_already(world: World) -> None:
    assert summed(world) == ("a rollback can be made", [None])
    world.act()
    assert summed(world) == ("rolled back already", ["A (route)"])
    world.act(via=Via.DNS)
    assert summed(world) == ("rolled back already", ["B (DNS)"])
    world.outside.standby_status = 503
    assert summed(world)[0] == "a rollback would be refused or fail"


def test_of_some_hosts_it_does_not_say_rolled_back(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={HOST: "worker", PAGES: "pages"})
    world.act(ids=world.ids.chosen([HOST]))
    assert summed(world) == ("a rollback can be made, some of its hosts are rolled back already", ["A (route)", None])


def test_what_was_cut_short_is_told_with_the_next_step(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = world.operation()
    monkeypatch.setattr(operation, "_verify", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        operation.execute()
    next_step = "`rollback --execute` finishes it, `restore --execute` backs it out"
    assert summed(world)[0] == f"unfinished: {next_step}"
    found = Answer("status", *flags(world))
    (line,) = [line for line in found.out.splitlines() if line.startswith("fault: ")]
    assert (found.code, line.endswith(f": {next_step}"), "was cut short" in line) == (1, True, True)


def test_with_reads_that_fail_the_active_side_is_not_known(world: World) -> None:
    world.faults(down({"match": {"method": "GET", "path": "/workers/routes"}}))
    found = Answer("status", *flags(world))
    assert f"{HOST}: unknown is the active side, by the API" in found.out
    assert "the API says" not in found.out
    assert found.code == 1
