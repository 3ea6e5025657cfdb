"""A host comes beside another, converges, and goes only when it may."""

import pytest

from tests.engine.test_engine_changes import acts_of_up
from tests.engine.trial_engine import TrialEngine

pytestmark = pytest.mark.engine

FIRST = {"name": "a", "bundle": "small_3_0"}
SECOND = {"name": "b", "bundle": "medium_3_0", "origin": "backup"}


def test_a_second_host_touches_nothing_of_the_first(mine: TrialEngine) -> None:
    mine.set("dev", postgresHosts=[FIRST, SECOND])
    acts = acts_of_up(mine)
    machine = ("activation", "address", "address-attachment", "data", "data-attachment", "instance", "key", "ports")
    assert {name for act, name in acts if act == "create"} == {
        *(f"postgres-b-{part}" for part in machine),
        "bundles-b",
        "convergence-b",
    }
    # The hosts' role, which reads the second bundle, too.
    assert [(act, name) for act, name in acts if act != "create"] == [("update", "identity-configuration")]


def test_a_host_that_holds_data_is_not_removed(mine: TrialEngine) -> None:
    mine.set("dev", postgresHosts=[FIRST, SECOND])
    mine.up("dev")
    before = mine.acts("dev")
    mine.set("dev", postgresHosts=[SECOND], postgresServing="b")
    # Without a preview it would refuse as well, but only after it has deleted all that is not protected.
    refusal = mine.run("preview", "--stack=dev", is_refused=True)
    assert "postgres-a-data" in refusal
    assert "protect" in refusal
    assert mine.acts("dev") == before


def test_another_host_serves_without_a_change_of_any_machine(mine: TrialEngine) -> None:
    mine.set("dev", postgresHosts=[FIRST, SECOND])
    mine.up("dev")
    mine.set("dev", postgresServing="b")
    bundles = {("update", f"{part}-{host}") for part in ("bundles", "convergence") for host in "ab"}
    # One host is watched, the other one is not.
    alarms = {("update", f"alarms-{key}") for key in ("archive-queue", "backup-age", "recovery-point", "verify")}
    assert set(acts_of_up(mine)) == bundles | alarms


def test_a_changed_user_data_changes_nothing(mine: TrialEngine) -> None:
    script = mine.project / "components" / "host" / "templates" / "register.sh"
    script.write_text(script.read_text() + "echo registered\n")
    assert acts_of_up(mine) == []


def test_a_changed_playbook_is_a_new_bundle_that_is_applied(mine: TrialEngine) -> None:
    playbook = mine.project / "host" / "apply.py"
    playbook.write_text(playbook.read_text() + "# changed\n")
    assert acts_of_up(mine) == [("update", "bundles-a"), ("update", "convergence-a")]


def test_a_changed_script_is_a_new_document_that_is_applied(mine: TrialEngine) -> None:
    script = mine.project / "components" / "host" / "templates" / "converge.sh"
    script.write_text(script.read_text() + "# changed\n")
    assert acts_of_up(mine) == [("update", "convergence-document"), ("update", "convergence-a")]


def test_a_changed_secret_makes_the_host_fetch_them(mine: TrialEngine) -> None:
    (key,) = [urn for urn in mine.export("dev") if urn.endswith("::authority-server-key")]
    before = secrets_version(mine).split(".")
    assert set(before) == {"1"}
    mine.up("dev", f"--replace={key}")
    assert ("update", "convergence-a") in mine.acts("dev")
    # Of the key; the stand-in for the provider signs the same certificate again.
    assert sorted(secrets_version(mine).split(".")) == [*before[1:], "2"]


def secrets_version(engine: TrialEngine) -> str:
    (association,) = [found for urn, found in engine.export("dev").items() if urn.endswith("::convergence-a")]
    return str(association["inputs"]["parameters"]["SecretsVersion"])
