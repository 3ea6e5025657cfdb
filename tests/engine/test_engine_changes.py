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


def test_a_further_bucket_changes_only_the_api(mine: TrialEngine) -> None:
    mine.set("dev", mediaBuckets=["media", "avatars"])
    acts = acts_of_up(mine)
    created = {name for act, name in acts if act == "create"}
    buckets = {"media-avatars-bucket", "media-avatars-cors", "media-avatars-lifecycle"}
    assert created == {*buckets, "api-version", "api-deployment"}
    assert [name for act, name in acts if act == "delete"] == ["api-deployment", "api-version"]
    assert [name for act, name in acts if act == "update"] == []
