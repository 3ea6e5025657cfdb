"""A changed setting changes its part and nothing else."""

import pytest

from tests.engine.trial_engine import TrialEngine

pytestmark = pytest.mark.engine

ROUTE = "::site-route"


def acts_of_up(engine: TrialEngine) -> list[tuple[str, str]]:
    """What bringing the dev stack up again makes the providers do."""
    before = len(engine.acts("dev"))
    engine.up("dev")
    return engine.acts("dev")[before:]


def test_a_rollback_is_one_update_of_the_route(mine: TrialEngine) -> None:
    mine.set("dev", failoverActive="vercel")
    assert acts_of_up(mine) == [("update", "site-route")]
    (route,) = [found for urn, found in mine.export("dev").items() if urn.endswith(ROUTE)]
    assert route["inputs"].keys() == {"pattern", "zoneId"}


def test_after_a_scripted_rollback_and_its_setting_there_is_nothing_to_change(mine: TrialEngine) -> None:
    look = ("preview", "--refresh", "--stack=dev", "--expect-no-changes")
    assert " unchanged\n" in mine.run(*look)
    mine.changed_outside("site-route", script=None)
    assert "site-route" in mine.run(*look, is_refused=True)
    mine.set("dev", failoverActive="vercel")
    assert " unchanged\n" in mine.run(*look)


@pytest.mark.parametrize("route", [{}, {"script": None}], ids=["asked for", "after plan A"])
def test_after_plan_b_and_its_setting_there_is_nothing_to_change(mine: TrialEngine, route: dict[str, None]) -> None:
    look = ("preview", "--refresh", "--stack=dev", "--expect-no-changes")
    mine.changed_outside("site-record", proxied=False, ttl=60.0)
    mine.changed_outside("site-route", **route)
    assert "site-record" in mine.run(*look, is_refused=True)
    mine.set("dev", failoverActive="vercel-dns")
    assert " unchanged\n" in mine.run(*look)
    # The engine alone goes there and back in the same way, and leaves the route to plan A.
    assert acts_of_up(mine) == [("update", "site-record")]
    mine.set("dev", failoverActive="worker")
    assert acts_of_up(mine) == [("update", "site-record")]


def test_a_further_bucket_changes_only_the_api(mine: TrialEngine) -> None:
    mine.set("dev", mediaBuckets=["media", "avatars"])
    acts = acts_of_up(mine)
    created = {name for act, name in acts if act == "create"}
    buckets = {"media-avatars-bucket", "media-avatars-cors", "media-avatars-lifecycle"}
    assert created == {*buckets, "api-version", "api-deployment"}
    assert [name for act, name in acts if act == "delete"] == ["api-deployment", "api-version"]
    assert [name for act, name in acts if act == "update"] == []


def test_other_days_of_a_lock_change_the_locks_alone(mine: TrialEngine) -> None:
    mine.set("dev", backupLockDays=21)
    assert sorted(acts_of_up(mine)) == [("update", "backups-copy-lock"), ("update", "backups-lock")]


def test_buckets_that_exist_get_their_locks_without_a_change_of_their_own(mine: TrialEngine) -> None:
    component = mine.project / "components" / "storage" / "private_bucket.py"
    as_it_is = component.read_text()
    component.write_text(as_it_is.replace("if args.lock_days is not None", "if False"))
    assert {name for _, name in acts_of_up(mine)} == {"backups-lock", "backups-copy-lock"}
    component.write_text(as_it_is)
    assert sorted(acts_of_up(mine)) == [("create", "backups-copy-lock"), ("create", "backups-lock")]
