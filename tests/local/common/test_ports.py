"""Ports: where they are, and who holds one that is taken."""

import os
import socket
from collections import namedtuple
from collections.abc import Iterator

import psutil
import pytest

from local.common import ports as module
from local.common.errors import LocalError
from local.common.parts import PORTS
from local.common.ports import Ports, Taken, busy, refuse_busy

Address = namedtuple("Address", "ip port")
Link = namedtuple("Link", "status laddr pid")


def listen(port: int, address: str = "127.0.0.1") -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family)


@pytest.fixture
def taken(free_ports: Ports) -> Iterator[int]:
    with listen(free_ports.pooler):
        yield free_ports.pooler


def test_ports_follow_the_first() -> None:
    known = {
        "web": 7400,
        "api": 7401,
        "postgres": 7402,
        "pooler": 7403,
        "objects": 7404,
        "edge_control": 7405,
        "control_plane": 7406,
        "edge_proxy": 7407,
        "dns": 7408,
        "standby_tls": 7409,
    }
    assert Ports().all.items() >= known.items()
    assert list(Ports().all.values()) == list(range(7400, 7400 + len(Ports().all)))


def test_a_port_that_no_part_has_is_named() -> None:
    with pytest.raises(AttributeError, match="pool: no part has such a port; there are: web, api, postgres, pooler"):
        _ = Ports().pool


@pytest.mark.parametrize("first", [-1, 0, 80, 1023, 65536 - len(PORTS) + 1, 65535, 70000])
def test_a_first_port_out_of_range_is_refused(first: int) -> None:
    with pytest.raises(LocalError, match=f"is not between 1024 and {65536 - len(PORTS)}"):
        Ports(first)


def test_free_ports_are_free(free_ports: Ports) -> None:
    assert busy(free_ports) == []
    refuse_busy(free_ports)


def test_a_taken_port_is_told_with_its_process(free_ports: Ports, taken: int) -> None:
    (found,) = busy(free_ports)
    assert (found.name, found.port, found.pid) == ("pooler", taken, os.getpid())
    assert "python" in str(found)


@pytest.mark.parametrize("address", ["0.0.0.0", "::1", "::", "127.0.0.2"])
def test_a_listener_that_shadows_loopback_counts(free_ports: Ports, address: str) -> None:
    try:
        server = listen(free_ports.web, address)
    except OSError:
        pytest.skip(f"this machine has no {address}")
    with server:
        assert [found.name for found in busy(free_ports)] == ["web"]


def test_every_taken_port_is_in_one_message(free_ports: Ports, taken: int) -> None:
    with listen(free_ports.web), pytest.raises(LocalError) as error:
        refuse_busy(free_ports)
    assert str(free_ports.web) in str(error.value)
    assert str(taken) in str(error.value)
    assert "HYBRID_FIRST_PORT" in str(error.value)


def test_a_port_of_a_process_that_is_just_ending_is_waited_for(
    free_ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = [[Taken("objects", free_ports.objects)], [Taken("objects", free_ports.objects)], []]
    monkeypatch.setattr(module, "busy", lambda *_: looks.pop(0))
    refuse_busy(free_ports)
    assert looks == []


def test_ports_of_our_own_stack_do_not_count(free_ports: Ports, taken: int) -> None:
    assert taken
    assert busy(free_ports, except_pids={os.getpid()}) == []


def test_a_connection_that_lingers_does_not_count(free_ports: Ports) -> None:
    with listen(free_ports.web) as server, socket.create_connection(server.getsockname()) as client:
        # Who closes first keeps the port in TIME_WAIT.
        server.accept()[0].close()
        assert client.recv(1) == b""
    assert busy(free_ports) == []


def hide_processes(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """What an ordinary user sees of another user's listener."""
    link = Link(psutil.CONN_LISTEN, Address("127.0.0.1", port), None)
    monkeypatch.setattr(psutil, "net_connections", lambda kind: [link])


def test_another_users_process_is_told_as_unknown(
    free_ports: Ports, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_processes(monkeypatch, taken)
    (found,) = busy(free_ports)
    assert found.pid is None
    assert "only its own user or root can look up" in str(found)


def test_a_user_of_our_own_namespace_does_not_count(
    free_ports: Ports, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_processes(monkeypatch, taken)
    monkeypatch.setattr(module, "_mapped_users", lambda pids: {os.geteuid()})
    assert busy(free_ports, except_pids={os.getpid()}) == []
