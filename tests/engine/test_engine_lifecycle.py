"""A stack comes up, stays as it is, and goes only when it may."""

from typing import Any

import pytest

from tests.engine.trial_engine import TrialEngine

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_preview_creates_everything_and_warns_of_nothing(first_previews: dict[str, Any], stack: str) -> None:
    preview = first_previews[stack]
    assert set(preview["changeSummary"]) == {"create"}
    # The engine says of each plugin that it takes the one on PATH.
    warnings = [found["message"] for found in preview["diagnostics"] if " from $PATH at " not in found["message"]]
    assert warnings == []


def test_a_second_up_changes_nothing(deployed: TrialEngine, mine: TrialEngine) -> None:
    mine.up("dev", "--expect-no-changes")
    assert mine.acts("dev") == deployed.acts("dev")


def test_destroy_refuses_until_the_protection_is_taken_away(deployed: TrialEngine, mine: TrialEngine) -> None:
    # With --skip-preview it would refuse as well, but only after it has deleted all that is not protected.
    refusal = mine.run("destroy", "--yes", "--stack=dev", is_refused=True)
    assert "postgres-a-data" in refusal
    assert "protect" in refusal
    assert mine.acts("dev") == deployed.acts("dev")
    mine.destroy("dev")
    assert mine.export("dev") == {}
    assert deleted(mine, "dev") == created(mine, "dev")


def test_production_leaves_its_data_in_the_cloud(deployed: TrialEngine, mine: TrialEngine) -> None:
    resources = deployed.export("prod").values()
    protected = {found["urn"].rpartition("::")[2] for found in resources if found.get("protect")}
    assert {"postgres-a-instance", "postgres-a-data", "backups-bucket", "backups-cipher-passphrase"} <= protected
    mine.destroy("prod")
    assert mine.export("prod") == {}
    assert created(mine, "prod") - deleted(mine, "prod") == protected


def created(engine: TrialEngine, stack: str) -> set[str]:
    return {name for act, name in engine.acts(stack) if act == "create"}


def deleted(engine: TrialEngine, stack: str) -> set[str]:
    return {name for act, name in engine.acts(stack) if act == "delete"}
