"""A file of ids that is behind what is declared: told before anything is changed, and never put back."""

from collections.abc import Callable

import pytest

from failover.common.terms import Act, Via
from failover.operation.outcome import Result
from tests.failover.world import HOST, SCRIPT, STANDBY_NAME, ZONE, World

MOVED, PAGES = "new.vercel-dns.test", "docs.example.test"


def move(world: World, **changes: object) -> None:
    """Moves a host as somebody does who declares another stand-by, and does not rebuild the file of ids."""
    world.ask("PATCH", f"/zones/{ZONE}/dns_records/{world.ids.hosts[0].record.id}", changes)


@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("via", list(Via))
def test_a_standby_that_has_moved_is_refused_even_with_force(world: World, act: Act, via: Via) -> None:
    if act is Act.RESTORE:
        world.act()
    move(world, content=MOVED)
    message = f"record {HOST}: leads to {MOVED} now, not to {STANDBY_NAME}; refresh it with `failover resolve`"
    said = "\n".join(world.refuses(act=act, via=via, force="does not help here"))
    assert f"refused (ids stale): {message}" in said


def test_a_record_that_was_led_past_to_another_name_by_hand_is_refused(world: World) -> None:
    move(world, content=MOVED, proxied=False, ttl=60)
    world.refuses(f"leads to {MOVED} now", Act.RESTORE)


def test_the_same_name_in_other_letters_is_not_stale(world: World) -> None:
    world.change_ids(record={"content": f"{STANDBY_NAME.upper()}."})
    assert world.act().result is Result.SWITCHED


def test_a_restore_puts_back_what_the_rollback_found_and_not_an_older_name(worlds: Callable[..., World]) -> None:
    """A file of ids that somebody has put back from a copy."""
    world = worlds(hosts={PAGES: "pages"})
    world.act()
    world.change_ids(record={"content": "old.pages.dev"})
    assert world.act(Act.RESTORE).result is Result.SWITCHED
    assert (world.record(PAGES)["content"], world.record(PAGES)["proxied"]) == ("site.pages.dev", True)


def test_ids_that_are_newer_than_the_rollback_win(worlds: Callable[..., World]) -> None:
    world = worlds(hosts={PAGES: "pages"})
    world.act()
    world.change_ids({"resolved_at": "2099-01-01T00:00:00Z"}, record={"content": "new.pages.dev"})
    world.act(Act.RESTORE)
    assert world.record(PAGES)["content"] == "new.pages.dev"


def test_what_an_older_rollback_found_is_not_put_back_over_a_newer_name(world: World) -> None:
    world.act(via=Via.DNS)
    world.act(Act.RESTORE)
    move(world, content=MOVED)
    world.outside.standby_name = MOVED
    world.change_ids(record={"content": MOVED}, standby={"hostname": MOVED})
    world.act()
    assert world.act(Act.RESTORE).result is Result.SWITCHED
    assert (world.script(), world.record()["content"]) == (SCRIPT, MOVED)


def test_of_several_hosts_a_stale_one_is_not_passed_over(worlds: Callable[..., World]) -> None:
    """All others are switched already: that is not the same as nothing to change."""
    world = worlds(hosts={HOST: "worker", "api.example.test": "worker"})
    world.act(ids=world.ids.chosen(["api.example.test"]))
    world.change_ids(record={"id": "d" * 32})
    world.refuses("ids stale")
