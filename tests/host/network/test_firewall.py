"""The host's firewall: its text, and the kernel's own word for it in network namespaces of their own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from host.network.firewall import by_family, rules_text
from host.specification.model import Spec
from host.specification.reading import parse
from tests.host.running import TIED
from tests.host.specs import spec
from tests.waiting import until

OPERATORS, HYPERDRIVE, PRIVATE = "192.0.2.10", "198.51.100.10", "172.26.0.10"
SERVER = {address: f"{address.rsplit('.', 1)[0]}.1" for address in (OPERATORS, HYPERDRIVE, PRIVATE)}
SSH, POSTGRES, POOLER = 22, 5432, 6432
LISTEN = """
import socket, sys, threading
def serve(port):
    listener = socket.create_server(("0.0.0.0", port))
    while True:
        client, _ = listener.accept()
        threading.Thread(target=lambda: [client.sendall(word) for word in iter(lambda: client.recv(9), b"")]).start()
for port in map(int, sys.argv[1:]):
    threading.Thread(target=serve, args=[port]).start()
print("listening", flush=True)
"""
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=0.7, source_address=(sys.argv[1], 0))
except OSError:
    sys.exit(1)
"""
# Opens a connection, and says once more something in it for each line that it is given.
TALK = """
import socket, sys
client = socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=5, source_address=(sys.argv[1], 0))
for line in sys.stdin:
    client.sendall(b"word")
    print(client.recv(9).decode(), flush=True)
"""


def declared(ssh: tuple[str, ...] = ("192.0.2.0/24",), database: tuple[str, ...] = ()) -> Spec:
    networks = {"ssh_networks": list(ssh), "database_networks": list(database)}
    return parse(spec(postgres_port=POSTGRES) | {"platform": "lightsail", "network": networks})


def test_networks_within_others_are_named_once() -> None:
    found = by_family(["192.0.2.0/24", "192.0.2.7/32", "2001:db8::/32"])
    assert found == [("ip", ["192.0.2.0/24"]), ("ip6", ["2001:db8::/32"])]


def test_no_port_of_postgresql_is_open_with_a_tunnel() -> None:
    assert f"dport {POSTGRES}" not in rules_text(declared())
    assert "dport 22" not in rules_text(declared(ssh=()))


def test_the_file_is_one_transaction_that_touches_no_other_table() -> None:
    text = rules_text(declared())
    assert "flush ruleset" not in text
    assert text.index("\ndelete table inet hybrid") < text.index("policy drop")


def _is_apart(pid: int) -> bool:
    return os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")


class Network:
    """A server's and a client's network namespace with a line between them."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []
        self.server, self.client = (self.start([*TIED, "unshare", "--net", "sleep", "600"]).pid for _ in range(2))
        for pid in (self.server, self.client):
            until(partial(_is_apart, pid))
        self.on(
            self.server, "ip", "link", "add", "line", "type", "veth", "peer", "name", "line", "netns", str(self.client)
        )
        for pid, addresses in ((self.server, SERVER.values()), (self.client, SERVER)):
            for address in addresses:
                self.on(pid, "ip", "address", "add", f"{address}/24", "dev", "line")
            for device in ("lo", "line"):
                self.on(pid, "ip", "link", "set", device, "up")
        listening = self.start(self._in(self.server, sys.executable, "-c", LISTEN, *map(str, (SSH, POSTGRES, POOLER))))
        assert listening.stdout
        assert listening.stdout.readline() == "listening\n"

    def start(self, argv: list[str]) -> subprocess.Popen[str]:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.started.append(process)
        return process

    def _in(self, pid: int, *argv: str) -> list[str]:
        return [
            "nsenter",
            "--target",
            str(pid),
            "--net",
            "--",
            "env",
            f"PATH={os.environ['PATH']}:/usr/sbin:/sbin",
            *argv,
        ]

    def on(self, pid: int, *argv: str) -> None:
        subprocess.run(self._in(pid, *argv), check=True, timeout=20)

    def load(self, rules: Spec, folder: Path) -> None:
        path = folder / "nftables.conf"
        path.write_text(rules_text(rules))
        self.on(self.server, "nft", "--check", "--file", str(path))
        self.on(self.server, "nft", "--file", str(path))

    def reaches(self, address: str, port: int) -> bool:
        argv = self._in(self.client, sys.executable, "-c", CONNECT, address, SERVER[address], str(port))
        return subprocess.run(argv, timeout=20, check=False).returncode == 0

    def talk(self, address: str, port: int) -> Any:
        """A client that is connected; each call of it says a word and returns the answer."""
        client = self.start(self._in(self.client, sys.executable, "-c", TALK, address, SERVER[address], str(port)))
        assert client.stdin
        assert client.stdout

        def say() -> str:
            print(file=client.stdin, flush=True)
            return client.stdout.readline() if client.stdout else ""

        assert say() == "word\n"
        return say

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()


@pytest.fixture
def network() -> Iterator[Network]:
    if os.geteuid() != 0:
        pytest.skip("a network namespace with a firewall needs root")
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in ("nft", "ip") if not shutil.which(name, path=path)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    made = Network()
    try:
        yield made
    finally:
        made.end()


@pytest.mark.slow
def test_only_the_declared_networks_get_in(network: Network, tmp_path: Path) -> None:
    before = {(address, port): network.reaches(address, port) for address in SERVER for port in (SSH, POSTGRES, POOLER)}
    assert all(before.values())
    network.load(declared(database=("198.51.100.0/24",)), tmp_path)
    reached = {key for key in before if network.reaches(*key)}
    # A private address is trusted no more than any: the cloud's own firewall lets all of those through.
    assert reached == {(OPERATORS, SSH), (HYPERDRIVE, POSTGRES)}


@pytest.mark.slow
def test_with_a_tunnel_nobody_reaches_postgresql(network: Network, tmp_path: Path) -> None:
    network.load(declared(), tmp_path)
    assert not [address for address in SERVER if network.reaches(address, POSTGRES)]


@pytest.mark.slow
def test_a_running_session_outlives_the_rules_that_would_not_let_it_in(network: Network, tmp_path: Path) -> None:
    network.load(declared(), tmp_path)
    say = network.talk(OPERATORS, SSH)
    network.load(declared(ssh=()), tmp_path)
    assert say() == "word\n"
    assert not network.reaches(OPERATORS, SSH)


@pytest.mark.slow
def test_rules_with_a_fault_leave_the_old_ones(network: Network, tmp_path: Path) -> None:
    network.load(declared(), tmp_path)
    broken = tmp_path / "broken.conf"
    broken.write_text(rules_text(declared()).replace("tcp dport 22 accept", "tcp dport 22 acept"))
    for options in (["--check"], []):
        with pytest.raises(subprocess.CalledProcessError):
            network.on(network.server, "nft", *options, "--file", str(broken))
    assert network.reaches(OPERATORS, SSH)
    assert not network.reaches(PRIVATE, SSH)
