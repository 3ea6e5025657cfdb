"""A stack comes up, stays as it is, and goes only when it may."""

from pathlib import Path

import pytest
from conftest import Preview
from trial_engine import TrialEngine

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_preview_would_create_everything_without_a_warning(first_preview: Preview, stack: str) -> None:
    preview = first_preview(stack)
    assert set(preview["changeSummary"]) == {"create"}
    # The engine says of each plugin that it takes the one on PATH.
    warnings = [found["message"] for found in preview["diagnostics"] if " from $PATH at " not in found["message"]]
    assert warnings == []


def test_a_second_up_changes_nothing(deployed: TrialEngine, mine: TrialEngine) -> None:
    mine.up("dev", "--expect-no-changes")
    assert mine.acts == deployed.acts


def test_destroy_refuses_until_the_protection_is_taken_away(deployed: TrialEngine, mine: TrialEngine) -> None:
    refusal = mine.run("destroy", "--yes", "--skip-preview", "--stack=dev", is_refused=True)
    assert "postgres-data" in refusal
    assert "protect" in refusal
    assert mine.acts == deployed.acts
    mine.destroy("dev")
    assert mine.export("dev") == {}
    created = [name for act, name in deployed.acts if act == "create"]
    assert sorted(mine.acts[len(deployed.acts) :]) == sorted(("delete", name) for name in created)


def test_production_leaves_its_data_in_the_cloud(fresh: TrialEngine, tmp_path: Path) -> None:
    engine = fresh.copy(tmp_path / "engine")
    engine.up("prod")
    protected = {found["urn"] for found in engine.export("prod").values() if found.get("protect")}
    engine.destroy("prod")
    deleted = {name for act, name in engine.acts if act == "delete"}
    kept = {name for act, name in engine.acts if act == "create"} - deleted
    assert engine.export("prod") == {}
    assert kept == {urn.rpartition("::")[2] for urn in protected}
    assert {"postgres-instance", "postgres-data", "backups-bucket", "backups-cipher-passphrase"} <= kept
