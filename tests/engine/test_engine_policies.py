"""The policy packs do their work inside the engine, and the gate reads what the engine wrote."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from plan import saved
from plan.model import Plan
from policies.gate.gate import assess
from policies.gate.rules import KEPT_RULE, RECORDS_RULE
from policies.gate.sensitive import INPUTS_RULE
from policies.rules.findings import UNCHECKED, Finding, Origin, Subject
from tests.engine.trial_engine import TrialEngine

pytestmark = pytest.mark.engine

PACKS = tuple(f"--policy-pack=policies/{name}" for name in ("residency", "secrets", "safety"))
MONTREAL = """
import pulumi
import pulumi_aws as aws

montreal = aws.Provider("montreal", region="ca-central-1")
opts = pulumi.ResourceOptions(provider=montreal)
"""
OPEN_PORT = f"""{MONTREAL}
aws.lightsail.InstancePublicPorts(
    "ports",
    instance_name="any",
    region="ca-central-1",
    port_infos=[
        {{
            "protocol": "tcp",
            "from_port": 5432,
            "to_port": 5432,
            "cidrs": ["203.0.113.0/24"],
            "ipv6_cidrs": ["100::/64"],
        }}
    ],
    opts=opts,
)
"""
# One fault for each pack.
BAD = f"""{OPEN_PORT}
aws.lightsail.Disk("disk", availability_zone="us-east-1a", size_in_gb=8, region="us-east-1", opts=opts)
aws.ssm.Parameter("db-password", type="String", value="x", region="ca-central-1", opts=opts)
"""
# The region is an output, so that no preview knows it.
UNKNOWN_REGION = f"""{MONTREAL}
key = aws.lightsail.KeyPair("key", public_key="ssh-ed25519 AAAA x", region="ca-central-1", opts=opts)
aws.lightsail.Disk("disk", availability_zone="ca-central-1a", size_in_gb=8, region=key.fingerprint, opts=opts)
"""


def test_the_packs_pass_the_dev_stack_and_judge_all_of_it(fresh: TrialEngine) -> None:
    output = fresh.run("preview", "--stack=dev", *PACKS)
    for pack in ("hybrid-residency", "hybrid-secrets", "hybrid-safety"):
        assert pack in output
    # So the SDK words it when a rule meets a value that is not known yet, and lets the stack pass.
    assert "can't run policy" not in output
    assert UNCHECKED not in output


def test_the_packs_pass_what_is_deployed(deployed: TrialEngine) -> None:
    # Without the safety pack: a state does not say deleteBeforeReplace. The gate, below, judges the rest of it.
    output = deployed.run("policy", "analyze", "--stack=prod", *PACKS[:2])
    assert "hybrid-residency" in output
    assert "hybrid-secrets" in output


def refused(fresh: TrialEngine, folder: Path, program: str, *packs: str) -> str:
    engine = fresh.copy(folder / "engine")
    (engine.project / "__main__.py").write_text(program)
    return engine.run("preview", "--stack=dev", *packs, is_refused=True)


def test_the_packs_refuse_an_open_database_port(fresh: TrialEngine, tmp_path: Path) -> None:
    output = refused(fresh, tmp_path, OPEN_PORT, *PACKS)
    assert "database-port-is-closed" in output
    # Nor is there a Hyperdrive configuration that would ask for a certificate.
    assert "database-port-asks-for-certificates" in output


@pytest.mark.parametrize(
    ("pack", "rule"),
    [
        ("residency", "resources-are-in-canada"),
        ("secrets", "secret-parameters-are-encrypted"),
        ("safety", "database-port-is-closed"),
    ],
)
def test_each_pack_alone_stops_a_bad_program(fresh: TrialEngine, tmp_path: Path, pack: str, rule: str) -> None:
    output = refused(fresh, tmp_path, BAD, f"--policy-pack=policies/{pack}")
    assert f"hybrid-{pack}" in output
    assert [line for line in output.splitlines() if "[mandatory]" in line and rule in line] != []


def test_a_bad_program_makes_nothing(fresh: TrialEngine, tmp_path: Path) -> None:
    engine = fresh.copy(tmp_path / "engine")
    (engine.project / "__main__.py").write_text(BAD)
    engine.run("up", "--yes", "--skip-preview", "--stack=dev", *PACKS, is_refused=True)
    made = {urn.rpartition("::")[2] for urn in engine.export("dev")}
    assert made.isdisjoint({"disk", "ports", "db-password"})


def test_an_unknown_value_breaks_the_rule(fresh: TrialEngine, tmp_path: Path) -> None:
    output = refused(fresh, tmp_path, UNKNOWN_REGION, *PACKS)
    assert f"{UNCHECKED}: region is not known yet." in output
    assert "resources-are-in-canada" in output
    assert "can't run policy" not in output


def test_a_pack_stays_shut_while_an_exemption_is_faulty(fresh: TrialEngine, tmp_path: Path) -> None:
    engine = fresh.copy(tmp_path / "engine")
    (engine.project / "policies/exemptions.yaml").write_text("exemptions:\n  - rule: resources-are-in-canada\n")
    output = engine.run("preview", "--stack=dev", PACKS[0], is_refused=True)
    assert "exemptions.yaml:2: owner: is missing" in output


def test_an_exemption_lets_pass_and_is_listed(fresh: TrialEngine, tmp_path: Path) -> None:
    engine = fresh.copy(tmp_path / "engine")
    (engine.project / "__main__.py").write_text(BAD)
    entry = (
        "  - {rule: resources-are-in-canada, resource: '*aws:lightsail/disk:Disk::disk', "
        f"reason: a trial of the exemptions, owner: a@example.com, expires: {tomorrow()}}}"
    )
    (engine.project / "policies/exemptions.yaml").write_text(f"exemptions:\n{entry}\n")
    output = engine.run("preview", "--stack=dev", PACKS[0])
    listed = [line for line in output.splitlines() if "a trial of the exemptions" in line]
    assert listed
    assert all("a@example.com" in line for line in listed)


def tomorrow() -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC).date() + timedelta(days=1)).isoformat()


def findings(plan: Plan, origin: Origin, previous: Plan | None = None) -> Sequence[Finding]:
    return assess([Subject(plan=plan, origin=origin, previous=previous)]).verdicts[0].findings


def previewed(engine: TrialEngine, path: Path) -> Path:
    path.write_text(engine.run("preview", "--json", "--show-sames", "--stack=dev"))
    return path


def test_the_gate_reads_a_first_preview(fresh: TrialEngine, tmp_path: Path, dev_plan: Plan) -> None:
    path = previewed(fresh, tmp_path / "preview.json")
    plan = saved.read_preview(path)
    assert set(plan.by_urn) == set(dev_plan.by_urn)
    for urn, resource in plan.by_urn.items():
        declared = dev_plan.by_urn[urn]
        assert (resource.source, resource.parent, resource.provider) == (
            declared.source,
            declared.parent,
            declared.provider,
        ), urn
    assert saved.read_previous(path) is None
    assert findings(plan, Origin.PREVIEW) == ()


def test_the_gate_reads_a_state(deployed: TrialEngine, tmp_path: Path, dev_plan: Plan) -> None:
    (tmp_path / "state.json").write_text(deployed.run("stack", "export", "--stack=dev"))
    plan = saved.read_state(tmp_path / "state.json")
    more = set(plan.by_urn) - set(dev_plan.by_urn)
    assert set(dev_plan.by_urn) <= set(plan.by_urn)
    assert {urn.rpartition("::")[2].partition("_")[0] for urn in more} == {"default"}
    assert findings(plan, Origin.STATE, previous=dev_plan) == ()


def test_a_decrypted_state_is_refused(mine: TrialEngine, tmp_path: Path) -> None:
    from plan.model import PlanError

    (tmp_path / "state.json").write_text(mine.run("stack", "export", "--show-secrets", "--stack=dev"))
    with pytest.raises(PlanError, match="holds decrypted secrets"):
        saved.read_state(tmp_path / "state.json")


def test_the_gate_finds_a_secret_that_the_state_shows(deployed: TrialEngine, tmp_path: Path) -> None:
    import json

    document = json.loads(deployed.run("stack", "export", "--stack=dev"))
    for resource in document["deployment"]["resources"]:
        if resource["urn"].endswith("::hyperdrive-regulated"):
            resource["inputs"]["origin"]["password"] = "hunter2"
    (tmp_path / "state.json").write_text(json.dumps(document))
    found = findings(saved.read_state(tmp_path / "state.json"), Origin.STATE)
    assert (INPUTS_RULE, "hyperdrive-regulated") in {(one.rule, one.subject) for one in found}
    assert not any("hunter2" in one.message for one in found)


def test_the_gate_reads_what_a_change_takes_away(mine: TrialEngine, tmp_path: Path) -> None:
    same = previewed(mine, tmp_path / "same.json")
    assert findings(saved.read_preview(same), Origin.PREVIEW, saved.read_previous(same)) == ()
    # The engine itself refuses to replace the stand-by's record.
    mine.run("state", "unprotect", "--all", "--yes", "--stack=dev")
    mine.set("dev", cloudflareZoneId="a" * 32)
    moved = previewed(mine, tmp_path / "moved.json")
    found = findings(saved.read_preview(moved), Origin.PREVIEW, saved.read_previous(moved))
    assert {one.rule for one in found} == {RECORDS_RULE, KEPT_RULE}
    records = {one.subject for one in found if one.rule == RECORDS_RULE}
    assert records == {"api-record", "site-record", "tunnel-record", "tunnel-pooler-record"}
    (mine.project / "__main__.py").write_text("import pulumi\n")
    gone = previewed(mine, tmp_path / "gone.json")
    before = saved.read_preview(same)
    lost = findings(saved.read_preview(gone), Origin.PREVIEW, before)
    protected = {resource.name for resource in before.resources if resource.options.protect}
    assert {one.subject for one in lost if one.rule == KEPT_RULE} == protected
