"""Looking the ids up again: what changes, what stays, and what can't be known while a host is rolled back."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from failover.cloudflare.resolve import Wanted, new_ids, resolved
from failover.common.terms import Act, Via
from failover.operation.outcome import Result
from tests.failover.command_line import Answer, ProcessAnswer, flags
from tests.failover.world import HOST, STANDBY_NAME, TOKENS, ZONE, World

OTHER, PAGES, MOVED = "api.example.test", "docs.example.test", "new.vercel-dns.test"


def test_one_host_is_looked_up_and_the_others_stay(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={HOST: "worker", OTHER: "worker", PAGES: "pages"})
    before = world.ids
    world.change_ids(route={"id": "c" * 32})
    stale = world.ids
    done = Answer("resolve", "--host", OTHER, *flags(world))
    assert (done.code, world.ids.hosts) == (0, stale.hosts)
    assert Answer("resolve", "--host", HOST, *flags(world)).err.endswith("failover.json: changed\n")
    assert world.ids.hosts == before.hosts


def test_a_host_that_the_file_does_not_have_is_added(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={HOST: "worker"})
    world.declare(OTHER)
    assert Answer("resolve", "--host", OTHER, *flags(world)).code == 0
    assert [host.hostname for host in world.ids.hosts] == [HOST, OTHER]


def test_what_is_said_of_one_host_is_not_taken_for_all(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={HOST: "worker", PAGES: "pages"})
    before = (world.folder / "failover.json").read_text()
    done = Answer("resolve", "--standby", MOVED, *flags(world))
    assert (done.code, done.out) == (2, "")
    assert "name the host that they are for with --host" in done.err
    assert (world.folder / "failover.json").read_text() == before


@pytest.mark.parametrize("via", [*Via, None])
def test_a_standby_that_has_moved_is_looked_up_also_while_it_is_rolled_back(world: World, via: Via | None) -> None:
    if via:
        world.act(via=via)
    world.ask("PATCH", f"/zones/{ZONE}/dns_records/{world.ids.hosts[0].record.id}", {"content": MOVED})
    world.outside.standby_name = MOVED
    assert Answer("resolve", *flags(world)).code == 0
    (host,) = world.ids.hosts
    assert (host.standby, host.record.content, host.record.proxied, host.record.ttl) == (MOVED, MOVED, True, 1)
    assert world.act(Act.RESTORE if via else Act.ROLLBACK).result is Result.SWITCHED
    assert world.record()["content"] == MOVED


def test_a_host_of_pages_that_leads_to_neither_side_is_no_guess(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={PAGES: "pages"})
    changes = {"content": MOVED, "proxied": False, "ttl": 60}
    world.ask("PATCH", f"/zones/{ZONE}/dns_records/{world.ids.hosts[0].record.id}", changes)
    done = Answer("resolve", *flags(world))
    assert done.code == 1
    assert f"leads to {MOVED}, which is neither side; make it proxied again, or lead it to {STANDBY_NAME}" in done.err


def test_resolve_mends_stale_ids(world: World) -> None:
    before = world.ids
    world.change_ids(route={"id": "c" * 32}, record={"id": "d" * 32})
    done = ProcessAnswer("resolve", *flags(world))
    assert done.err.endswith("failover.json: changed\n")
    assert world.ids.hosts == before.hosts
    assert Answer("resolve", *flags(world)).err.endswith("failover.json: as before\n")


def test_resolve_makes_the_file_the_first_time(world: World) -> None:
    new = new_ids(stack="dev", zone="example.test", zone_id="", account="")
    found = resolved(replace(new, api=world.api), [Wanted(hostname=HOST)], TOKENS["rollback"][0])
    assert found.hosts == world.ids.hosts
    assert (found.zone_id, found.account) == (world.ids.zone_id, world.ids.account)


def test_resolve_keeps_what_is_declared_while_it_is_rolled_back(world: World) -> None:
    before = world.ids
    world.act()
    world.act(via=Via.DNS)
    assert Answer("resolve", *flags(world)).code == 0
    assert world.ids.hosts == before.hosts
