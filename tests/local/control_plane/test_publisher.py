"""What the control plane's records are in DNS: the real name server, fed by it."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.query
import pytest

from local.common.parts import KNOTD
from local.common.ports import Ports
from local.common.state import State
from local.control_plane.publisher import answers
from local.failover import name_server
from local.processes.stack import Stack
from tests.local.control_plane.under_test import (
    DOMAIN,
    FIELDS,
    HOST,
    STANDBY,
    ZONE,
    ControlPlaneUnderTest,
    declared,
    serving,
    settings,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(KNOTD.path is None, reason="no knotd here; Debian package knot")]
Eventually = Callable[..., None]
TO_EDGE, TO_STANDBY = ("A", 300, "127.0.0.1"), ("CNAME", 60, f"{STANDBY}.")


@pytest.fixture
def stack(state: State, free_ports: Ports) -> Stack:
    return Stack(project=Path(), state=state, ports=free_ports)


@contextmanager
def running(stack: Stack) -> Iterator[None]:
    program = name_server.program(stack, declared())
    process = subprocess.Popen(program.command)
    try:
        deadline = time.monotonic() + 10
        while not name_server.is_ready(stack, declared()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def plane(stack: Stack, tmp_path: Path) -> Iterator[ControlPlaneUnderTest]:
    with running(stack), serving(settings(tmp_path / "plane", name_server=name_server.feed(stack))) as made:
        yield made


# Long beside what a busy machine takes to ask.
WITHHELD_SECONDS = 2


def ask(stack: Stack, name: str = HOST, kind: str = "A") -> list[tuple[str, int, str]]:
    query = dns.message.make_query(name, kind)
    found = dns.query.udp(query, "127.0.0.1", port=stack.ports.dns, timeout=2).answer
    return [(row.rdtype.name, rows.ttl, row.to_text()) for rows in found for row in rows]


def serial(stack: Stack) -> int:
    return int(ask(stack, DOMAIN, "SOA")[0][2].split()[2])


def test_a_proxied_record_leads_to_the_edge_and_a_dns_only_one_where_it_says(
    stack: Stack, plane: ControlPlaneUnderTest, eventually: Eventually
) -> None:
    api, before = plane.client(), serial(stack)
    record = api.dns.records.create(**FIELDS, proxied=True, ttl=1)
    taken = []
    # The shortest counts: the machine may have something else to do for a second.
    for _ in range(3):
        api.dns.records.edit(record.id, **FIELDS, proxied=True, ttl=1)
        eventually(lambda: ask(stack) == [TO_EDGE])
        began = time.monotonic()
        api.dns.records.edit(record.id, **FIELDS, proxied=False, ttl=60)
        eventually(lambda: ask(stack) == [TO_STANDBY])
        taken.append(time.monotonic() - began)
    assert min(taken) < 0.5
    assert serial(stack) >= before + 2
    assert ask(stack, STANDBY) == [("A", name_server.STANDBY_TTL_SECONDS, "127.0.0.2")]
    api.dns.records.delete(record.id, zone_id=ZONE)
    eventually(lambda: ask(stack) == [])
    assert ask(stack, f"ns1.{DOMAIN}") == [("A", 3600, "127.0.0.1")]


def test_a_withheld_change_is_not_in_dns(stack: Stack, plane: ControlPlaneUnderTest, eventually: Eventually) -> None:
    record = plane.client().dns.records.create(**FIELDS, proxied=True, ttl=1)
    eventually(lambda: ask(stack) == [TO_EDGE])
    plane.put_faults({"kind": "invisible", "seconds": WITHHELD_SECONDS})
    began = time.monotonic()
    plane.client().dns.records.edit(record.id, **FIELDS, proxied=False, ttl=60)
    assert ask(stack) == [TO_EDGE]
    eventually(lambda: ask(stack) == [TO_STANDBY])
    assert time.monotonic() - began >= WITHHELD_SECONDS


def test_a_name_server_that_was_away_gets_what_it_missed(stack: Stack, tmp_path: Path, eventually: Eventually) -> None:
    with serving(settings(tmp_path / "plane", name_server=name_server.feed(stack))) as plane:
        with running(stack):
            record = plane.client().dns.records.create(**FIELDS, proxied=True, ttl=1)
            eventually(lambda: ask(stack) == [TO_EDGE])
            last = serial(stack)
        plane.client().dns.records.edit(record.id, **FIELDS, proxied=False, ttl=60)
        with running(stack):
            eventually(lambda: ask(stack) == [TO_STANDBY])
            assert serial(stack) > last


def test_other_records_are_answered_as_they_are(
    stack: Stack, plane: ControlPlaneUnderTest, eventually: Eventually
) -> None:
    records = plane.client().dns.records
    long = "v=1; " + "a" * 300
    records.create(zone_id=ZONE, type="TXT", name="text", content=long, ttl=120)
    records.create(zone_id=ZONE, type="MX", name="@", content="mail.example.net", priority=5, ttl=120)
    for number in (1, 2):
        records.create(zone_id=ZONE, type="A", name="two", content=f"192.0.2.{number}", ttl=120)
    eventually(lambda: len(ask(stack, f"two.{DOMAIN}")) == 2)
    assert ask(stack, f"text.{DOMAIN}", "TXT") == [("TXT", 120, f'"{long[:255]}" "{long[255:]}"')]
    assert ask(stack, DOMAIN, "MX") == [("MX", 120, "5 mail.example.net.")]


def test_one_proxied_name_has_one_answer() -> None:
    rows = [{"name": HOST, "type": "A", "content": f"192.0.2.{n}", "proxied": True, "ttl": 1} for n in (1, 2)]
    assert answers(rows, "127.0.0.1") == {(HOST, "A"): (300, frozenset({"127.0.0.1"}))}
