"""What an export takes along, and what it leaves out and says."""

import pytest

from tests.failover.command_line import Answer, flags
from tests.failover.world import HOST, ZONE, World


@pytest.mark.parametrize(
    ("kind", "address"), [("AAAA", "100::"), ("A", "192.0.2.1"), ("A", "198.51.100.7"), ("A", "10.0.0.1")]
)
def test_an_address_that_only_stands_for_a_worker_is_left_out(world: World, kind: str, address: str) -> None:
    row = {"type": kind, "name": "api.example.test", "content": address, "proxied": True, "ttl": 1}
    world.ask("POST", f"/zones/{ZONE}/dns_records", row)
    done = Answer("export", *flags(world))
    assert "api.example.test" not in done.out
    assert f"{HOST}. 300 IN CNAME" in done.out
    assert f"api.example.test: {address} leads nowhere" in done.err
    assert "open to all" not in done.err


def test_a_real_address_is_taken_along_with_a_warning(world: World) -> None:
    row = {"type": "A", "name": "api.example.test", "content": "8.8.4.4", "proxied": True, "ttl": 1}
    world.ask("POST", f"/zones/{ZONE}/dns_records", row)
    done = Answer("export", *flags(world))
    assert "api.example.test. 300 IN A 8.8.4.4\n" in done.out
    assert "8.8.4.4 was behind Cloudflare and is open to all with this" in done.err


def test_an_inner_address_that_was_never_behind_cloudflare_stays(world: World) -> None:
    row = {"type": "A", "name": "inner.example.test", "content": "10.0.0.1", "proxied": False, "ttl": 60}
    world.ask("POST", f"/zones/{ZONE}/dns_records", row)
    assert "inner.example.test. 60 IN A 10.0.0.1\n" in Answer("export", *flags(world)).out
