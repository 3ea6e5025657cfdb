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
    protected = {name for name, found in named(deployed, "dev").items() if found.get("protect")}
    refusal = mine.run("destroy", "--yes", "--stack=dev", is_refused=True)
    assert [name for name in protected if "pulumi state unprotect" in refusal and f"::{name}'" in refusal] != []
    assert mine.acts("dev") == deployed.acts("dev")
    mine.destroy("dev")
    assert mine.export("dev") == {}
    assert deleted(mine, "dev") == created(mine, "dev")


def test_production_leaves_its_data_in_the_cloud(deployed: TrialEngine, mine: TrialEngine) -> None:
    resources = named(deployed, "prod")
    protected = {name for name, found in resources.items() if found.get("protect")}
    retained = {name for name, found in resources.items() if found.get("retainOnDelete")}
    assert {"postgres-a-instance", "postgres-a-data", "backups-bucket", "backups-cipher-passphrase"} <= retained
    # A stand-by that nobody answers at is of no use; it is protected and goes with the stack.
    assert protected - retained == {"site-record", "site-route", "site-challenge-acme", "site-challenge-vercel"}
    mine.destroy("prod")
    assert mine.export("prod") == {}
    assert created(mine, "prod") - deleted(mine, "prod") == retained


def named(engine: TrialEngine, stack: str) -> dict[str, dict[str, Any]]:
    """What the state holds, by name."""
    return {urn.rpartition("::")[2]: found for urn, found in engine.export(stack).items()}


def created(engine: TrialEngine, stack: str) -> set[str]:
    return {name for act, name in engine.acts(stack) if act == "create"}


def deleted(engine: TrialEngine, stack: str) -> set[str]:
    return {name for act, name in engine.acts(stack) if act == "delete"}
